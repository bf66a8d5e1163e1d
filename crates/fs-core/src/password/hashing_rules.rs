//! Rules for hashing passwords: schemes, cost and pepper.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

use super::Scheme;
use super::stored::{MAX_BCRYPT_COST, MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_MEMORY_PASSES_KIB};
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
/// let rules = HashingRules { create: NewHash::Bcrypt { cost: 8 }, ..HashingRules::default() };
/// assert_eq!(rules.mistakes(), ["bcrypt's cost is 8; it must be 10 to 17"]);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    pub(super) fn mistake(self) -> Option<String> {
        match self {
            Self::CheapestForTests => None,
            Self::Bcrypt { cost } if (MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost) => None,
            Self::Bcrypt { cost } => Some(format!(
                "bcrypt's cost is {cost}; it must be {MIN_BCRYPT_COST} to {MAX_BCRYPT_COST}"
            )),
            Self::Argon2id { memory_kib, iterations, lanes } => {
                argon2_mistake(memory_kib, iterations, lanes)
            }
        }
    }
}

fn argon2_mistake(memory_kib: u32, iterations: u32, lanes: u32) -> Option<String> {
    let given = format!("Argon2id with {memory_kib} KiB and {iterations} iterations");
    if !ARGON2_MINIMUM.iter().any(|(least, passes)| memory_kib >= *least && iterations >= *passes) {
        return Some(format!("{given} is too cheap; use at least 19456 KiB and 2 iterations"));
    }
    let passes = u64::from(memory_kib) * u64::from(iterations);
    if memory_kib > MAX_MEMORY_KIB || iterations > MAX_ITERATIONS || passes > MAX_MEMORY_PASSES_KIB
    {
        return Some(format!(
            "{given} is too dear; the limits are {MAX_MEMORY_KIB} KiB, {MAX_ITERATIONS} \
             iterations, and {MAX_MEMORY_PASSES_KIB} KiB in all iterations together"
        ));
    }
    if lanes == 0 || lanes > memory_kib / 8 {
        return Some(format!("Argon2id with {lanes} lanes; it must be 1 to {}", memory_kib / 8));
    }
    None
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

    /// Returns all mistakes of these rules. An empty list means that they can be used.
    pub fn mistakes(&self) -> Vec<String> {
        let scheme = self.create.scheme();
        let mut mistakes: Vec<String> = self.create.mistake().into_iter().collect();
        if !self.accepted.contains(&scheme) {
            mistakes.push(format!("new hashes are made with {scheme}, which is not accepted"));
        }
        if matches!(&self.deprecated, Deprecated::Listed(listed) if listed.contains(&scheme)) {
            mistakes.push(format!("new hashes are made with {scheme}, which is deprecated"));
        }
        match &self.pepper {
            None if self.hashes_twice(scheme) => mistakes.push(format!(
                "passwords are hashed twice with {scheme}, which needs a pepper (PASSWORD_SALT)"
            )),
            Some(pepper) if pepper.is_empty() => mistakes.push("the pepper is empty".to_owned()),
            _ => {}
        }
        mistakes
    }
}

/// Errors in [`HashingRules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashingConfigErrors(pub Vec<String>);

impl fmt::Display for HashingConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rules for hashing passwords cannot be used: {}", self.0.join("; "))
    }
}

impl std::error::Error for HashingConfigErrors {}
