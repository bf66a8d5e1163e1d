//! How passwords are hashed: which schemes, at what cost, with which pepper.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

use super::Scheme;
use super::stored::{MAX_BCRYPT_COST, MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_MEMORY_PASSES_KIB};
use crate::secret::Secret;

/// The least that OWASP asks of Argon2id: any of these pairs of KiB and passes, with any lanes.
const ARGON2_MINIMUM: [(u32, u32); 5] =
    [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
const MIN_BCRYPT_COST: u32 = 10;
/// How much of its input bcrypt reads, in bytes.
const BCRYPT_READS: usize = 72;

/// How passwords are hashed.
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
    /// How new hashes are made.
    pub create: NewHash,
    /// The schemes of stored hashes that are verified. Others never match.
    pub accepted: BTreeSet<Scheme>,
    /// Which of the accepted schemes are replaced when their owner signs in.
    pub deprecated: Deprecated,
    /// Whether a bcrypt hash of another cost than [`NewHash::Bcrypt`]'s is replaced as well.
    /// Argon2 hashes of other parameters always are.
    pub renew_bcrypt_cost: bool,
    /// Which schemes get the password itself. All others get its HMAC-SHA512 by the pepper.
    pub single_hash: SingleHash,
    /// The key of the HMAC (Flask-Security's `PASSWORD_SALT`). Keep it apart from the database.
    /// Whoever loses it loses every password.
    #[serde(default, skip_serializing, deserialize_with = "crate::config::secret")]
    pub pepper: Option<Secret>,
}

/// The scheme and cost of new hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewHash {
    /// Argon2id (RFC 9106).
    Argon2id {
        /// Memory, in KiB. Each hashing thread keeps that much.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes. They are computed one after the other here, so that more of them only change
        /// the hash; 1 unless another program that shares the database wants more.
        lanes: u32,
    },
    /// bcrypt, for databases that are shared with programs that read nothing else. It reads only
    /// 72 bytes of what it is given: without a pepper, longer new passwords are refused.
    Bcrypt {
        /// The logarithm of the number of rounds.
        cost: u32,
    },
    /// Argon2id that protects nothing: 8 KiB, one pass. Only for tests, which otherwise spend
    /// their time hashing.
    CheapestForTests,
}

impl NewHash {
    /// The least that OWASP recommends first: Argon2id with 19 MiB and two passes.
    pub const OWASP_MINIMUM: Self = Self::Argon2id { memory_kib: 19_456, iterations: 2, lanes: 1 };

    /// The scheme of new hashes.
    pub fn scheme(self) -> Scheme {
        match self {
            Self::Argon2id { .. } | Self::CheapestForTests => Scheme::Argon2,
            Self::Bcrypt { .. } => Scheme::Bcrypt,
        }
    }

    /// Whether OWASP would have it so (Password Storage Cheat Sheet).
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

/// Which accepted schemes are replaced by a new hash when their owner signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deprecated {
    /// All but the scheme of new hashes.
    Auto,
    /// These.
    Listed(BTreeSet<Scheme>),
}

/// Which schemes are given the password itself (Flask-Security's `PASSWORD_SINGLE_HASH`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleHash {
    /// All: there is no double hash.
    All,
    /// These; the others are given the HMAC of the password.
    Listed(BTreeSet<Scheme>),
}

impl Default for HashingRules {
    /// Argon2id at OWASP's minimum, without a pepper. passlib's schemes are accepted and replaced
    /// at the next sign-in; Django's must be added to [`accepted`](Self::accepted).
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
    /// The default with a pepper: Argon2id gets the HMAC-SHA512 of the password.
    #[must_use]
    pub fn peppered(pepper: Secret) -> Self {
        Self {
            single_hash: SingleHash::Listed(Scheme::of_django()),
            pepper: Some(pepper),
            ..Self::default()
        }
    }

    /// Flask-Security 4.1's defaults: bcrypt of cost 12 over the HMAC by `PASSWORD_SALT`.
    ///
    /// Of its default schemes, `des_crypt` and `plaintext` are left out: they cannot be read. A
    /// stored value of no known format, which Flask-Security takes for plain text, never matches.
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

    /// The default with hashes that protect nothing, for tests only.
    #[must_use]
    pub fn cheapest_for_tests() -> Self {
        Self { create: NewHash::CheapestForTests, ..Self::default() }
    }

    /// Whether passwords of the scheme go through the HMAC first.
    pub fn hashes_twice(&self, scheme: Scheme) -> bool {
        match &self.single_hash {
            SingleHash::All => false,
            SingleHash::Listed(single) => !single.contains(&scheme),
        }
    }

    /// The most bytes that a new password may have, if this one has more: bcrypt reads no further.
    pub fn limit_of(&self, password: &Secret) -> Option<usize> {
        let scheme = self.create.scheme();
        let cut = scheme == Scheme::Bcrypt && !self.hashes_twice(scheme);
        (cut && password.expose().len() > BCRYPT_READS).then_some(BCRYPT_READS)
    }

    /// Everything that is wrong with these rules, in plain words; nothing when they can be used.
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

/// The mistakes of [`HashingRules`] that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashingMistakes(pub Vec<String>);

impl fmt::Display for HashingMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rules for hashing passwords cannot be used: {}", self.0.join("; "))
    }
}

impl std::error::Error for HashingMistakes {}
