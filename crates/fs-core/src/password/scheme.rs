//! The formats of stored hashes, by passlib's names.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

use crate::model::PasswordHash;

/// Format of stored password hashes that can be verified.
///
/// ```
/// use fs_core::model::PasswordHash;
/// use fs_core::password::Scheme;
///
/// let stored = PasswordHash::new("$2b$12$abcdefghijklmnopqrstuuqg6hbNLmptc9lZure.S7FOSWMViRxhC");
/// assert_eq!(Scheme::identify(&stored), Some(Scheme::Bcrypt));
/// assert_eq!(Scheme::from_passlib_name("bcrypt"), Ok(Scheme::Bcrypt));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2i, Argon2d and Argon2id: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    Argon2,
    /// bcrypt: `$2a$`, `$2b$` and `$2y$`.
    Bcrypt,
    /// bcrypt over SHA-256, versions 1 and 2 of passlib: `$bcrypt-sha256$…`.
    BcryptSha256,
    /// PBKDF2-HMAC-SHA1: `$pbkdf2$…`.
    Pbkdf2Sha1,
    /// PBKDF2-HMAC-SHA256: `$pbkdf2-sha256$…`.
    Pbkdf2Sha256,
    /// PBKDF2-HMAC-SHA512: `$pbkdf2-sha512$…`.
    Pbkdf2Sha512,
    /// SHA-256-crypt of Unix: `$5$…`.
    Sha256Crypt,
    /// SHA-512-crypt of Unix: `$6$…`.
    Sha512Crypt,
    /// Django's Argon2: `argon2$argon2id$…`.
    DjangoArgon2,
    /// Django's bcrypt: `bcrypt$$2b$…`.
    DjangoBcrypt,
    /// Django's bcrypt over SHA-256: `bcrypt_sha256$$2b$…`.
    DjangoBcryptSha256,
    /// Django's PBKDF2-HMAC-SHA1: `pbkdf2_sha1$…`.
    DjangoPbkdf2Sha1,
    /// Django's PBKDF2-HMAC-SHA256: `pbkdf2_sha256$…`.
    DjangoPbkdf2Sha256,
    /// Django's salted MD5: `md5$…`. Fast to guess; accept it only to migrate old accounts.
    DjangoSaltedMd5,
    /// Django's salted SHA-1: `sha1$…`. Fast to guess; accept it only to migrate old accounts.
    DjangoSaltedSha1,
}

/// Name in passlib, and the prefixes of stored hashes.
type Row = (Scheme, &'static str, &'static [&'static str]);

const TABLE: [Row; 15] = [
    (Scheme::Argon2, "argon2", &["$argon2i$", "$argon2d$", "$argon2id$"]),
    (Scheme::Bcrypt, "bcrypt", &["$2a$", "$2b$", "$2y$"]),
    (Scheme::BcryptSha256, "bcrypt_sha256", &["$bcrypt-sha256$"]),
    (Scheme::Pbkdf2Sha1, "pbkdf2_sha1", &["$pbkdf2$"]),
    (Scheme::Pbkdf2Sha256, "pbkdf2_sha256", &["$pbkdf2-sha256$"]),
    (Scheme::Pbkdf2Sha512, "pbkdf2_sha512", &["$pbkdf2-sha512$"]),
    (Scheme::Sha256Crypt, "sha256_crypt", &["$5$"]),
    (Scheme::Sha512Crypt, "sha512_crypt", &["$6$"]),
    (Scheme::DjangoArgon2, "django_argon2", &["argon2$"]),
    (Scheme::DjangoBcrypt, "django_bcrypt", &["bcrypt$"]),
    (Scheme::DjangoBcryptSha256, "django_bcrypt_sha256", &["bcrypt_sha256$"]),
    (Scheme::DjangoPbkdf2Sha1, "django_pbkdf2_sha1", &["pbkdf2_sha1$"]),
    (Scheme::DjangoPbkdf2Sha256, "django_pbkdf2_sha256", &["pbkdf2_sha256$"]),
    (Scheme::DjangoSaltedMd5, "django_salted_md5", &["md5$"]),
    (Scheme::DjangoSaltedSha1, "django_salted_sha1", &["sha1$"]),
];

impl Scheme {
    /// Returns every scheme.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(scheme, ..)| scheme)
    }

    /// Returns the schemes that Django uses. Flask-Security applies no double hash to them.
    pub fn of_django() -> BTreeSet<Self> {
        Self::all().filter(|scheme| scheme.passlib_name().starts_with("django_")).collect()
    }

    /// Returns passlib's name of the scheme.
    pub fn passlib_name(self) -> &'static str {
        TABLE.iter().find(|(scheme, ..)| *scheme == self).map_or("", |(_, name, _)| name)
    }

    /// Returns the scheme with that name in passlib.
    ///
    /// # Errors
    ///
    /// Returns [`UnreadableScheme`] if hashes of that name are not supported.
    pub fn from_passlib_name(name: &str) -> Result<Self, UnreadableScheme> {
        match name {
            "plaintext" => Err(UnreadableScheme::Plaintext),
            "des_crypt" | "django_des_crypt" | "bsdi_crypt" => Err(UnreadableScheme::DesCrypt),
            _ => TABLE
                .iter()
                .find(|(_, known, _)| *known == name)
                .map(|(scheme, ..)| *scheme)
                .ok_or_else(|| UnreadableScheme::Unknown(name.to_owned())),
        }
    }

    /// Returns the scheme of a stored hash, by its prefix. Returns `None` for an unknown format,
    /// which is never treated as a password in plain text.
    pub fn identify(stored: &PasswordHash) -> Option<Self> {
        let text = stored.expose();
        TABLE
            .iter()
            .find(|(_, _, prefixes)| prefixes.iter().any(|prefix| text.starts_with(prefix)))
            .map(|(scheme, ..)| *scheme)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.passlib_name())
    }
}

/// Reason why a scheme is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableScheme {
    /// Passwords must not be stored in plain text.
    #[error("plaintext stores passwords readably; it is not read, reset those passwords")]
    Plaintext,
    /// DES reads only eight characters and has 4096 salts, so its hashes give no protection.
    #[error("DES-based hashes are broken within hours; they are not read, reset those passwords")]
    DesCrypt,
    /// The scheme is unknown.
    #[error("'{0}' is no password scheme that can be read")]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for scheme in Scheme::all() {
            assert_eq!(Scheme::from_passlib_name(scheme.passlib_name()), Ok(scheme));
        }
        assert_eq!(Scheme::all().count(), 15);
    }

    #[test]
    fn unreadable_names_say_why() {
        assert_eq!(Scheme::from_passlib_name("plaintext"), Err(UnreadableScheme::Plaintext));
        assert_eq!(Scheme::from_passlib_name("des_crypt"), Err(UnreadableScheme::DesCrypt));
        assert_eq!(
            Scheme::from_passlib_name("Bcrypt"),
            Err(UnreadableScheme::Unknown("Bcrypt".to_owned()))
        );
    }

    #[test]
    fn every_prefix_names_one_scheme() {
        for (scheme, _, prefixes) in TABLE {
            for prefix in prefixes {
                assert_eq!(Scheme::identify(&PasswordHash::new(*prefix)), Some(scheme));
            }
        }
    }

    #[test]
    fn what_is_no_hash_is_nothing() {
        for text in ["", "hunter2", "$", "$2x$06$", "$1$salt$hash", "bcrypt", "b05568d1ac036f8b"] {
            assert_eq!(Scheme::identify(&PasswordHash::new(text)), None, "{text}");
        }
    }

    #[test]
    fn djangos_schemes() {
        let django = Scheme::of_django();
        assert_eq!(django.len(), 7);
        assert!(!django.contains(&Scheme::BcryptSha256));
    }
}
