//! Rules for hashing passwords: schemes, cost and pepper.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

use super::Scheme;
use super::stored::{MAX_BCRYPT_COST, MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_MEMORY_PASSES_KIB};
use crate::config::ConfigError;
use crate::secret::Secret;

/// OWASP's minimum parameters of Argon2id: any of these pairs of KiB and passes, with any number of
/// lanes.
const ARGON2_MINIMUM: [(u32, u32); 5] =
    [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
const MIN_BCRYPT_COST: u32 = 10;
/// Number of bytes of its input that bcrypt reads.
const BCRYPT_READS: usize = 72;

/// Rules for hashing passwords: schemes, cost and pepper.
///
/// ```
/// use fs_core::password::{HashingRules, NewHash};
///
/// let mut rules = HashingRules::default();
/// rules.create = NewHash::Bcrypt { cost: 8 };
/// let errors = rules.errors();
/// let error = errors.first().map(ToString::to_string);
/// let text = "hashing.create.bcrypt.cost = 8 is out of range: write 10 to 17";
/// assert_eq!(error.as_deref(), Some(text));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HashingRules {
    /// Scheme and cost of new hashes.
    pub create: NewHash,
    /// Schemes of stored hashes that are accepted. Hashes of other schemes never match.
    pub accepted: BTreeSet<Scheme>,
    /// Accepted schemes whose hashes are replaced when the user signs in.
    pub deprecated: Deprecated,
    /// Whether bcrypt hashes whose cost differs from that of [`NewHash::Bcrypt`] are replaced as
    /// well. Argon2 hashes with other parameters are always replaced.
    pub renew_bcrypt_cost: bool,
    /// Schemes that hash the password itself. All others hash its HMAC-SHA512 under the pepper.
    pub single_hash: SingleHash,
    /// Key of the HMAC (Flask-Security's `PASSWORD_SALT`). Store it apart from the database. If it
    /// is lost, no password can be verified any more.
    #[serde(default, skip_serializing, deserialize_with = "crate::config::secret")]
    pub pepper: Option<Secret>,
}

/// Scheme and cost of new hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NewHash {
    /// Argon2id (RFC 9106).
    Argon2id {
        /// Memory in KiB. Each hashing thread keeps this much.
        memory_kib: u32,
        /// Number of passes over the memory.
        iterations: u32,
        /// Number of lanes. They are computed sequentially here, so more lanes change the hash but
        /// not the time. Use 1, unless another program that shares the database needs more.
        lanes: u32,
    },
    /// bcrypt, for databases that are shared with programs that support nothing else. It reads only
    /// 72 bytes of its input: without a pepper, longer new passwords are refused.
    Bcrypt {
        /// Binary logarithm of the number of rounds.
        cost: u32,
    },
    /// Argon2id with 8 KiB and one pass, which gives no protection. For tests only, to keep them
    /// fast.
    CheapestForTests,
}

impl NewHash {
    /// OWASP's first recommendation: Argon2id with 19 MiB and two passes.
    pub const OWASP_MINIMUM: Self = Self::Argon2id { memory_kib: 19_456, iterations: 2, lanes: 1 };

    /// Returns the scheme of new hashes.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Argon2id { .. } | Self::CheapestForTests => Scheme::Argon2,
            Self::Bcrypt { .. } => Scheme::Bcrypt,
        }
    }

    /// Returns what is wrong with the parameters by OWASP's Password Storage Cheat Sheet, or
    /// `None`.
    pub(super) fn error(self) -> Option<ConfigError> {
        match self {
            Self::CheapestForTests => None,
            Self::Bcrypt { cost } if (MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost) => None,
            Self::Bcrypt { cost } => {
                let remedy = format!("write {MIN_BCRYPT_COST} to {MAX_BCRYPT_COST}");
                let path = "hashing.create.bcrypt.cost";
                Some(ConfigError::new(path, "is out of range", remedy).with_value(cost))
            }
            Self::Argon2id { memory_kib, iterations, lanes } => {
                argon2_error(memory_kib, iterations, lanes)
            }
        }
    }
}

fn argon2_error(memory_kib: u32, iterations: u32, lanes: u32) -> Option<ConfigError> {
    let wrong = |problem: &str, remedy: String| {
        let error = ConfigError::new("hashing.create.argon2id", problem, remedy);
        error.with_value(format!("{memory_kib} KiB, {iterations} iterations, {lanes} lanes"))
    };
    if !ARGON2_MINIMUM.iter().any(|(least, passes)| memory_kib >= *least && iterations >= *passes) {
        return Some(wrong("is too cheap", "use 19456 KiB and 2 iterations or more".to_owned()));
    }
    let passes = u64::from(memory_kib) * u64::from(iterations);
    if memory_kib > MAX_MEMORY_KIB || iterations > MAX_ITERATIONS || passes > MAX_MEMORY_PASSES_KIB
    {
        let remedy = format!(
            "use at most {MAX_MEMORY_KIB} KiB, {MAX_ITERATIONS} iterations, and \
             {MAX_MEMORY_PASSES_KIB} KiB in all iterations together"
        );
        return Some(wrong("is too expensive", remedy));
    }
    let most = memory_kib / 8;
    (lanes == 0 || lanes > most)
        .then(|| wrong("has a number of lanes out of range", format!("use 1 to {most} lanes")))
}

/// Accepted schemes whose hashes are replaced when the user signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deprecated {
    /// All schemes except that of new hashes.
    Auto,
    /// These schemes.
    Listed(BTreeSet<Scheme>),
}

/// Schemes that hash the password itself (Flask-Security's `PASSWORD_SINGLE_HASH`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleHash {
    /// All schemes: there is no double hash.
    All,
    /// These schemes; the others hash the HMAC of the password.
    Listed(BTreeSet<Scheme>),
}

impl Default for HashingRules {
    /// Returns rules for Argon2id at OWASP's minimum, without a pepper. Hashes of passlib's schemes
    /// are accepted and replaced at the next sign-in; Django's schemes must be added to
    /// [`accepted`](Self::accepted).
    fn default() -> Self {
        let django = Scheme::of_django();
        Self {
            create: NewHash::OWASP_MINIMUM,
            accepted: Scheme::all().filter(|scheme| !django.contains(scheme)).collect(),
            deprecated: Deprecated::Auto,
            renew_bcrypt_cost: true,
            single_hash: SingleHash::All,
            pepper: None,
        }
    }
}

impl HashingRules {
    /// Returns the default rules with a pepper: Argon2id hashes the HMAC-SHA512 of the password.
    #[must_use]
    pub fn peppered(pepper: Secret) -> Self {
        Self {
            single_hash: SingleHash::Listed(Scheme::of_django()),
            pepper: Some(pepper),
            ..Self::default()
        }
    }

    /// Returns Flask-Security 4.1's defaults: bcrypt with cost 12 over the HMAC under
    /// `PASSWORD_SALT`.
    ///
    /// Of its default schemes, `des_crypt` and `plaintext` are not supported. A stored value of an
    /// unknown format never matches, whereas Flask-Security treats it as plain text.
    #[must_use]
    pub fn flask_security_4(password_salt: Option<Secret>) -> Self {
        Self {
            create: NewHash::Bcrypt { cost: 12 },
            accepted: BTreeSet::from([
                Scheme::Bcrypt,
                Scheme::Argon2,
                Scheme::Pbkdf2Sha256,
                Scheme::Pbkdf2Sha512,
                Scheme::Sha256Crypt,
                Scheme::Sha512Crypt,
            ]),
            deprecated: Deprecated::Auto,
            renew_bcrypt_cost: false,
            single_hash: SingleHash::Listed(Scheme::of_django()),
            pepper: password_salt,
        }
    }

    /// Returns the default rules with the cheapest hashes, for tests only.
    #[must_use]
    pub fn cheapest_for_tests() -> Self {
        Self { create: NewHash::CheapestForTests, ..Self::default() }
    }

    /// Checks whether the scheme hashes the HMAC of the password.
    pub fn hashes_twice(&self, scheme: Scheme) -> bool {
        match &self.single_hash {
            SingleHash::All => false,
            SingleHash::Listed(single) => !single.contains(&scheme),
        }
    }

    /// Returns the maximum length in bytes if this new password is longer, since bcrypt does not
    /// read further.
    pub fn limit_of(&self, password: &Secret) -> Option<usize> {
        let scheme = self.create.scheme();
        let cut = scheme == Scheme::Bcrypt && !self.hashes_twice(scheme);
        (cut && password.expose().len() > BCRYPT_READS).then_some(BCRYPT_READS)
    }

    /// Returns all errors of these rules. An empty list means that they can be used.
    pub fn errors(&self) -> Vec<ConfigError> {
        let scheme = self.create.scheme();
        let mut found: Vec<_> = self.create.error().into_iter().collect();
        if !self.accepted.contains(&scheme) {
            let problem = "is not in hashing.accepted";
            let error = ConfigError::new("hashing.create", problem, "add it, or use another one");
            found.push(error.with_value(scheme));
        }
        if matches!(&self.deprecated, Deprecated::Listed(listed) if listed.contains(&scheme)) {
            let problem = "is in hashing.deprecated";
            let error = ConfigError::new("hashing.create", problem, "use another one");
            found.push(error.with_value(scheme));
        }
        let salt = "set Flask-Security's SECURITY_PASSWORD_SALT";
        match &self.pepper {
            None if self.hashes_twice(scheme) => {
                let problem = format!("is missing, but passwords are hashed twice with {scheme}");
                found.push(ConfigError::new("hashing.pepper", problem, salt));
            }
            Some(pepper) if pepper.is_empty() => {
                found.push(ConfigError::new("hashing.pepper", "is empty", salt));
            }
            _ => {}
        }
        found
    }
}

/// Errors in [`HashingRules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashingConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for HashingConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "the rules for hashing passwords cannot be used: {}", errors.join("; "))
    }
}

impl std::error::Error for HashingConfigErrors {}
