//! Hashing and verification of passwords.

use argon2::Params;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use zeroize::Zeroize;

use super::stored::{Argon2Hash, BcryptHash, StoredHash};
use super::{
    Deprecated, HashingConfigErrors, HashingRules, NewHash, Scheme, Scratch, UnusableHash,
};
use crate::config::ConfigError;
use crate::model::PasswordHash;
use crate::secret::Secret;

/// Maximum length of a password in bytes. Longer ones are refused without hashing.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// Hashes and verifies passwords by [`HashingRules`]. Both are CPU-bound: run them on a hashing
/// thread.
///
/// ```
/// use fs_core::password::{HashingRules, PasswordHasher, Scratch};
/// use fs_core::secret::Secret;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hasher = PasswordHasher::new(HashingRules::cheapest_for_tests())?;
/// let mut scratch = Scratch::new();
/// let password = Secret::from("correct horse battery staple");
/// let random = [7; 16]; // from the port `Entropy`
/// let stored = hasher.hash(&password, random, &mut scratch)?;
/// assert!(hasher.verify(&password, &stored, &mut scratch).matched);
/// assert!(!hasher.verify(&Secret::from("guess"), &stored, &mut scratch).matched);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    rules: HashingRules,
    create: Create,
    of_nobody: PasswordHash,
}

/// Validated [`NewHash`].
#[derive(Clone, Debug)]
enum Create {
    Argon2id(Params),
    Bcrypt(u32),
}

/// Result of the verification of a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Whether the password matches the stored hash.
    pub matched: bool,
    /// Whether the stored hash should be replaced by a new one of the same password. Always `false`
    /// without a match.
    pub outdated: bool,
}

/// Reason why a password cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashRefusal {
    /// The password is longer than the scheme can read.
    #[error("the password is longer than {limit} bytes")]
    TooLong {
        /// Maximum length in bytes.
        limit: usize,
    },
    /// The password contains a NUL character, which bcrypt cannot hash without a pepper.
    #[error("the password contains a NUL character")]
    NulCharacter,
    /// The hash function failed.
    #[error("the password could not be hashed")]
    Failed,
}

impl PasswordHasher {
    /// Creates a hasher from rules.
    ///
    /// # Errors
    ///
    /// Returns [`HashingConfigErrors`] if the rules have [errors](HashingRules::errors).
    pub fn new(rules: HashingRules) -> Result<Self, HashingConfigErrors> {
        let errors = rules.errors();
        if !errors.is_empty() {
            return Err(HashingConfigErrors(errors));
        }
        let params = |memory_kib, iterations, lanes| {
            Params::new(memory_kib, iterations, lanes, None).map_err(|error| {
                let path = "hashing.create.argon2id";
                let error = ConfigError::new(path, error.to_string(), "use other parameters");
                HashingConfigErrors(vec![error])
            })
        };
        let create = match rules.create {
            NewHash::Bcrypt { cost } => Create::Bcrypt(cost),
            NewHash::Argon2id { memory_kib, iterations, lanes } => {
                Create::Argon2id(params(memory_kib, iterations, lanes)?)
            }
            NewHash::CheapestForTests => Create::Argon2id(params(8, 1, 1)?),
        };
        let of_nobody = PasswordHash::new(match &create {
            Create::Argon2id(params) => Argon2Hash::of_nothing(params),
            Create::Bcrypt(cost) => BcryptHash::of_nothing(*cost),
        });
        Ok(Self { rules, create, of_nobody })
    }

    /// Returns the rules in use.
    pub fn rules(&self) -> &HashingRules {
        &self.rules
    }

    /// Returns the first of two hashes: the HMAC-SHA512 of the password under the pepper, as 88
    /// characters of base64 (Flask-Security's `get_hmac`). Returns `None` without a pepper.
    pub fn password_hmac(&self, password: &Secret) -> Option<Secret> {
        let pepper = self.rules.pepper.as_ref()?;
        let mac = Hmac::<Sha512>::new_from_slice(pepper.expose().as_bytes()).ok()?;
        let mut code = mac.chain_update(password.expose()).finalize().into_bytes();
        let text = Secret::from(STANDARD.encode(code));
        code.zeroize();
        Some(text)
    }

    /// Hashes a new password. `salt` must be new random bytes.
    ///
    /// # Errors
    ///
    /// Returns [`HashRefusal`] if the password cannot be hashed.
    pub fn hash(
        &self,
        password: &Secret,
        salt: [u8; 16],
        scratch: &mut Scratch,
    ) -> Result<PasswordHash, HashRefusal> {
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return Err(HashRefusal::TooLong { limit: MAX_PASSWORD_BYTES });
        }
        let scheme = self.rules.create.scheme();
        let input = self.input(scheme, password).ok_or(HashRefusal::Failed)?;
        if scheme == Scheme::Bcrypt && !self.rules.hashes_twice(scheme) {
            if let Some(limit) = self.rules.limit_of(&input) {
                return Err(HashRefusal::TooLong { limit });
            }
            if input.expose().contains('\0') {
                return Err(HashRefusal::NulCharacter);
            }
        }
        self.create(&input, salt, scratch).map(PasswordHash::new).ok_or(HashRefusal::Failed)
    }

    /// Verifies a password against a stored hash.
    ///
    /// If no comparison is possible (the hash is unusable, or the password is too long or cannot
    /// have been hashed with that scheme), it takes as long as [`decoy`](Self::decoy).
    pub fn verify(
        &self,
        password: &Secret,
        stored: &PasswordHash,
        scratch: &mut Scratch,
    ) -> Verification {
        if password.expose().len() > MAX_PASSWORD_BYTES {
            return self.decoy(password, scratch);
        }
        let Ok((scheme, hash)) = self.read(stored) else {
            return self.decoy(password, scratch);
        };
        let Some(input) = self.input(scheme, password) else {
            return self.decoy(password, scratch);
        };
        let bytes = input.expose().as_bytes();
        if !hash.can_match(bytes) {
            return self.decoy(password, scratch);
        }
        if hash.is_instant() {
            self.decoy(password, scratch);
        }
        let matched = hash.matches(bytes, scratch, self.kept_blocks());
        Verification { matched, outdated: matched && self.is_outdated(scheme, &hash) }
    }

    /// Returns a hash of the current scheme that no password matches. Verify it for an account that
    /// does not exist or has no password, so that both take the same time.
    ///
    /// Accounts with older hashes can still be distinguished by time until their hashes are
    /// renewed.
    pub fn hash_of_nobody(&self) -> &PasswordHash {
        &self.of_nobody
    }

    /// Performs the work of verifying a hash of the current scheme. Never matches.
    pub fn decoy(&self, password: &Secret, scratch: &mut Scratch) -> Verification {
        let too_long = password.expose().len() > MAX_PASSWORD_BYTES;
        let nothing = Secret::from("");
        let password = if too_long { &nothing } else { password };
        let scheme = self.rules.create.scheme();
        let hash = StoredHash::read(scheme, self.of_nobody.expose());
        if let (Some(input), Ok(hash)) = (self.input(scheme, password), hash) {
            let bytes = input.expose().as_bytes();
            std::hint::black_box(hash.matches(bytes, scratch, self.kept_blocks()));
        }
        Verification::default()
    }

    /// Checks whether a stored hash can be verified, and returns its scheme. Use it for reports
    /// about accounts whose passwords cannot work.
    ///
    /// # Errors
    ///
    /// Returns [`UnusableHash`] if no password can match the hash.
    pub fn inspect(&self, stored: &PasswordHash) -> Result<Scheme, UnusableHash> {
        self.read(stored).map(|(scheme, _)| scheme)
    }

    fn read(&self, stored: &PasswordHash) -> Result<(Scheme, StoredHash), UnusableHash> {
        let scheme = Scheme::identify(stored).ok_or(UnusableHash::Unknown)?;
        if !self.rules.accepted.contains(&scheme) {
            return Err(UnusableHash::NotAccepted(scheme));
        }
        if self.rules.hashes_twice(scheme) && self.rules.pepper.is_none() {
            return Err(UnusableHash::NeedsPepper(scheme));
        }
        Ok((scheme, StoredHash::read(scheme, stored.expose())?))
    }

    /// Returns the input of the scheme: the password or its HMAC.
    fn input(&self, scheme: Scheme, password: &Secret) -> Option<Secret> {
        if self.rules.hashes_twice(scheme) {
            self.password_hmac(password)
        } else {
            Some(password.clone())
        }
    }

    fn create(&self, input: &Secret, salt: [u8; 16], scratch: &mut Scratch) -> Option<String> {
        let bytes = input.expose().as_bytes();
        match &self.create {
            Create::Argon2id(params) => Argon2Hash::create(params, bytes, &salt, scratch),
            Create::Bcrypt(cost) => BcryptHash::create(*cost, bytes, salt),
        }
    }

    fn is_outdated(&self, scheme: Scheme, hash: &StoredHash) -> bool {
        if scheme != self.rules.create.scheme() {
            return match &self.rules.deprecated {
                Deprecated::Auto => true,
                Deprecated::Listed(listed) => listed.contains(&scheme),
            };
        }
        match (&self.create, hash) {
            (Create::Argon2id(params), StoredHash::Argon2(hash)) => hash.differs_from(params),
            (Create::Bcrypt(cost), StoredHash::Bcrypt(hash)) => {
                self.rules.renew_bcrypt_cost && hash.has_other_cost(*cost)
            }
            _ => false,
        }
    }

    /// Returns the number of Argon2 blocks that a thread keeps.
    fn kept_blocks(&self) -> usize {
        match &self.create {
            Create::Argon2id(params) => params.block_count(),
            Create::Bcrypt(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::tests::is_wiped;
    use super::*;

    #[test]
    fn no_job_leaves_anything_in_memory() -> Result<(), Box<dyn std::error::Error>> {
        let hasher = PasswordHasher::new(HashingRules::cheapest_for_tests())?;
        let mut scratch = Scratch::new();
        let password = Secret::from("secret");
        let stored = hasher.hash(&password, [1; 16], &mut scratch)?;
        assert!(scratch.kept_kib() == 8 && is_wiped(&scratch));
        assert!(hasher.verify(&password, &stored, &mut scratch).matched);
        assert!(scratch.kept_kib() == 8 && is_wiped(&scratch));
        hasher.decoy(&password, &mut scratch);
        assert!(scratch.kept_kib() == 8 && is_wiped(&scratch));
        Ok(())
    }

    #[test]
    fn a_dearer_stored_hash_does_not_make_the_thread_grow() -> Result<(), HashingConfigErrors> {
        let hasher = PasswordHasher::new(HashingRules::cheapest_for_tests())?;
        let stored = PasswordHash::new(
            "$argon2id$v=19$m=8192,t=2,p=2$eW8tZaxVCkFICYGQ0prT+g$R1zn3NJos+iCpG8M6cjWYttWVeiTvAa9vxptGHUWeD8",
        );
        let mut scratch = Scratch::new();
        assert!(hasher.verify(&Secret::from("pässwörd ☃ 1"), &stored, &mut scratch).matched);
        assert_eq!(scratch.kept_kib(), 0);
        Ok(())
    }
}
