//! Identifiers, and the texts that only a few places may read.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// The primary key of a user, as the store writes it: `"17"`, a UUID, an ObjectId.
///
/// Nothing outside of the store reads meaning into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// The key as a store writes it.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The random name of a user's present trust (Flask-Security's `fs_uniquifier`).
///
/// Sessions, remember cookies and most tokens name a user by it. Whoever gives the user a new one
/// ends all of them at once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uniquifier(String);

impl Uniquifier {
    /// The text of a stored uniquifier.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether there is none: a database that was taken over may hold accounts without a uniquifier,
    /// or with one that they share. An empty uniquifier names nobody, so nothing opens the account
    /// by it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A new one from 16 random bytes, as 32 lower-case hexadecimal digits.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(HEXLOWER.encode(&bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A digest that names it in a credential that ends with it.
    pub(crate) fn stamp(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(Sha256::new_with_prefix("fs stamp v1").chain_update(&self.0).finalize())
    }

    /// Whether a [`stamp`](Self::stamp) is its own. An empty one has none: nothing opens its account.
    pub(crate) fn is_stamped(&self, stamp: &str) -> bool {
        !self.0.is_empty() && self.stamp() == stamp
    }
}

impl fmt::Debug for Uniquifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uniquifier(..)")
    }
}

/// The name of a session: 256 random bits, in base64url.
///
/// Whoever holds it is signed in, so it has no readable `Debug`, and no store ever sees it: records
/// are kept under its [`key`](Self::key).
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// The id as a cookie holds it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one from 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its record is kept under.
    pub fn key(&self) -> SessionKey {
        SessionKey(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0)))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// What a store knows a session by: the SHA-256 of its [`SessionId`], in base64url.
///
/// Nobody can go back from it to the id, so a stolen copy of the database opens no session. The
/// id's 256 random bits need neither salt nor a slow hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    /// The key as a store holds it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stored password hash in one of passlib's text formats. It has no readable `Debug`.
#[derive(Clone)]
pub struct PasswordHash(Secret);

impl PasswordHash {
    /// A hash as the store holds it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::from(text.into()))
    }

    /// The text, for a store or a verifier.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for PasswordHash {}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A second factor's secret as it is stored: encrypted, opaque here.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Secret);

impl SealedSecret {
    /// A sealed secret as the store holds it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::from(text.into()))
    }

    /// The sealed text, for a store.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_session_is_the_digest_of_its_id() {
        let id = SessionId::new("abc");
        // FIPS 180-2, appendix B.1, in base64url.
        assert_eq!(id.key().as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        let id = SessionId::from_random([7; 32]);
        assert!(id.key().as_str() != id.as_str() && id.key() == id.clone().key());
        assert!(SessionId::new(id.key().as_str()).key() != id.key());
    }
}
