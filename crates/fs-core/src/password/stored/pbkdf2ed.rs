//! PBKDF2 (RFC 8018) in the formats of passlib and Django.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{Flaw, number};

/// Maximum number of rounds of a stored hash, which take some seconds.
const MAX_ROUNDS: u32 = 10_000_000;

/// Parsed PBKDF2 hash.
pub(in crate::password) struct Pbkdf2Hash {
    digest: Digest,
    rounds: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Pbkdf2Hash {
    /// Parses passlib's format: `$pbkdf2-sha256$29000$salt$key`, salt and key in base64 with `.`
    /// for `+` and without padding.
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let fields = text.strip_prefix('$').ok_or(Flaw::Malformed)?;
        let [name, rounds, salt, key] = four(fields)?;
        let digest = match name {
            "pbkdf2" => Digest::Sha1,
            "pbkdf2-sha256" => Digest::Sha256,
            "pbkdf2-sha512" => Digest::Sha512,
            _ => return Err(Flaw::Malformed),
        };
        let decode = |text: &str| STANDARD_NO_PAD.decode(text.replace('.', "+"));
        let salt = decode(salt).map_err(|_| Flaw::Malformed)?;
        let key = decode(key).map_err(|_| Flaw::Malformed)?;
        Self::new(digest, rounds, salt, key)
    }

    /// Parses Django's format: `pbkdf2_sha256$600000$salt$key`, the salt as text, the key in
    /// base64.
    pub(super) fn read_django(text: &str) -> Result<Self, Flaw> {
        let [name, rounds, salt, key] = four(text)?;
        let digest = match name {
            "pbkdf2_sha1" => Digest::Sha1,
            "pbkdf2_sha256" => Digest::Sha256,
            _ => return Err(Flaw::Malformed),
        };
        let key = STANDARD.decode(key).map_err(|_| Flaw::Malformed)?;
        Self::new(digest, rounds, salt.as_bytes().to_vec(), key)
    }

    fn new(digest: Digest, rounds: &str, salt: Vec<u8>, key: Vec<u8>) -> Result<Self, Flaw> {
        let rounds = number(rounds)?;
        if rounds == 0 || key.len() != digest.len() {
            return Err(Flaw::Malformed);
        }
        if rounds > MAX_ROUNDS {
            return Err(Flaw::TooCostly);
        }
        Ok(Self { digest, rounds, salt, key })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut key = vec![0; self.key.len()];
        match self.digest {
            Digest::Sha1 => {
                pbkdf2::pbkdf2_hmac::<Sha1>(password, &self.salt, self.rounds, &mut key);
            }
            Digest::Sha256 => {
                pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, self.rounds, &mut key);
            }
            Digest::Sha512 => {
                pbkdf2::pbkdf2_hmac::<Sha512>(password, &self.salt, self.rounds, &mut key);
            }
        }
        key.ct_eq(&self.key).into()
    }
}

/// Splits a text into exactly four fields between dollar signs.
fn four(text: &str) -> Result<[&str; 4], Flaw> {
    let fields: Vec<&str> = text.split('$').collect();
    fields.try_into().map_err(|_| Flaw::Malformed)
}
