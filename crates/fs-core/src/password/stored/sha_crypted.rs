//! SHA-256-crypt and SHA-512-crypt of Unix (Drepper, 2008): `$6$rounds=656000$salt$hash`.

use sha_crypt::{PasswordHashRef, PasswordVerifier, ShaCrypt};

use super::{Flaw, number};

/// Maximum number of rounds of a stored hash, which take some seconds.
const MAX_ROUNDS: u32 = 10_000_000;
const MIN_ROUNDS: u32 = 1_000;

/// Maximum length of a password, in bytes. Each round reads the password, so a long one multiplies
/// the time. 128 characters of four bytes fit.
const MAX_PASSWORD: usize = 512;

/// Hash whose number of rounds was checked.
pub(in crate::password) struct ShaCryptHash(String);

impl ShaCryptHash {
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let rest =
            text.strip_prefix("$5$").or_else(|| text.strip_prefix("$6$")).ok_or(Flaw::Malformed)?;
        if let Some(rest) = rest.strip_prefix("rounds=") {
            let (rounds, _) = rest.split_once('$').ok_or(Flaw::Malformed)?;
            let rounds = number(rounds)?;
            if rounds < MIN_ROUNDS {
                return Err(Flaw::Malformed);
            }
            if rounds > MAX_ROUNDS {
                return Err(Flaw::TooCostly);
            }
        }
        PasswordHashRef::new(text).map_err(|_| Flaw::Malformed)?;
        Ok(Self(text.to_owned()))
    }

    pub(super) fn can_match(password: &[u8]) -> bool {
        password.len() <= MAX_PASSWORD && !password.contains(&0)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        PasswordHashRef::new(&self.0)
            .is_ok_and(|hash| ShaCrypt::default().verify_password(password, hash).is_ok())
    }
}
