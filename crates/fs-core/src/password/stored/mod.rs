//! Stored hashes. They are parsed strictly, and refused if verifying them would cost too much.

mod argon2id;
mod bcrypted;
mod pbkdf2ed;
mod salted;
mod sha_crypted;

pub(super) use argon2id::{Argon2Hash, MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_MEMORY_PASSES_KIB};
pub(super) use bcrypted::{BcryptHash, MAX_COST as MAX_BCRYPT_COST};

use pbkdf2ed::Pbkdf2Hash;
use salted::SaltedDigest;
use sha_crypted::ShaCryptHash;

use super::{Scheme, Scratch};

/// Reason why no password can match a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableHash {
    /// The format is not known. In particular, it may be a password in plain text.
    #[error("the stored password hash is of no known format; it is never compared as plain text")]
    Unknown,
    /// The scheme is not in `accepted` of the hashing rules.
    #[error("stored hashes of scheme {0} are not accepted")]
    NotAccepted(Scheme),
    /// The hash begins like one of this scheme and then breaks its format.
    #[error("the stored hash is damaged: it is not what {0} writes")]
    Malformed(Scheme),
    /// Verifying would take so much memory or time that a stored row could stop the service.
    #[error("the stored hash of scheme {0} asks for too much memory or time")]
    TooCostly(Scheme),
    /// Passwords of this scheme are hashed twice, and no pepper is configured.
    #[error("hashes of scheme {0} need the pepper, and none is configured")]
    NeedsPepper(Scheme),
}

/// Reason why a text cannot be parsed as a hash of its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Malformed,
    TooCostly,
}

impl Flaw {
    fn of(self, scheme: Scheme) -> UnusableHash {
        match self {
            Self::Malformed => UnusableHash::Malformed(scheme),
            Self::TooCostly => UnusableHash::TooCostly(scheme),
        }
    }
}

/// Parsed stored hash.
pub(super) enum StoredHash {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Pbkdf2(Pbkdf2Hash),
    ShaCrypt(ShaCryptHash),
    Salted(SaltedDigest),
}

impl StoredHash {
    /// Parses the text as a hash of the scheme that its prefix named.
    pub(super) fn read(scheme: Scheme, text: &str) -> Result<Self, UnusableHash> {
        let read = match scheme {
            Scheme::Argon2 => Argon2Hash::read(text).map(Self::Argon2),
            Scheme::DjangoArgon2 => Argon2Hash::read_django(text).map(Self::Argon2),
            Scheme::Bcrypt => BcryptHash::read(text).map(Self::Bcrypt),
            Scheme::BcryptSha256 => BcryptHash::read_sha256(text).map(Self::Bcrypt),
            Scheme::DjangoBcrypt => BcryptHash::read_django(text).map(Self::Bcrypt),
            Scheme::DjangoBcryptSha256 => BcryptHash::read_django_sha256(text).map(Self::Bcrypt),
            Scheme::Pbkdf2Sha1 | Scheme::Pbkdf2Sha256 | Scheme::Pbkdf2Sha512 => {
                Pbkdf2Hash::read(text).map(Self::Pbkdf2)
            }
            Scheme::DjangoPbkdf2Sha1 | Scheme::DjangoPbkdf2Sha256 => {
                Pbkdf2Hash::read_django(text).map(Self::Pbkdf2)
            }
            Scheme::Sha256Crypt | Scheme::Sha512Crypt => {
                ShaCryptHash::read(text).map(Self::ShaCrypt)
            }
            Scheme::DjangoSaltedMd5 | Scheme::DjangoSaltedSha1 => {
                SaltedDigest::read(text).map(Self::Salted)
            }
        };
        read.map_err(|flaw| flaw.of(scheme))
    }

    /// Checks whether the scheme can hash these bytes at all. Unix hashes end at a NUL byte, so
    /// their implementations refuse it.
    pub(super) fn can_match(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt(hash) => hash.can_match(password),
            Self::ShaCrypt(_) => ShaCryptHash::can_match(password),
            Self::Argon2(_) | Self::Pbkdf2(_) | Self::Salted(_) => true,
        }
    }

    /// Checks whether the password matches this hash. `keep` blocks of Argon2's memory stay
    /// allocated.
    pub(super) fn matches(&self, password: &[u8], scratch: &mut Scratch, keep: usize) -> bool {
        match self {
            Self::Argon2(hash) => hash.matches(password, scratch, keep),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Pbkdf2(hash) => hash.matches(password),
            Self::ShaCrypt(hash) => hash.matches(password),
            Self::Salted(hash) => hash.matches(password),
        }
    }

    /// Checks whether verification takes negligible time.
    pub(super) fn is_instant(&self) -> bool {
        matches!(self, Self::Salted(_))
    }
}

/// Parses a decimal number without sign or leading zeros.
fn number(text: &str) -> Result<u32, Flaw> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return Err(Flaw::Malformed);
    }
    // The text has only digits, so the only possible error is overflow.
    text.parse().map_err(|_| Flaw::TooCostly)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_plain() {
        assert_eq!(number("10"), Ok(10));
        assert_eq!(number("0"), Ok(0));
        for odd in ["", "+1", "-1", "01", " 1", "1e3", "１"] {
            assert_eq!(number(odd), Err(Flaw::Malformed), "{odd}");
        }
        assert_eq!(number("99999999999"), Err(Flaw::TooCostly));
    }
}
