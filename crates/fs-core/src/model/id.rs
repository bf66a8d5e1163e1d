//! Identifiers, and texts that must not be shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// Primary key of a user, as the store writes it: `"17"`, a UUID or an ObjectId.
///
/// Code outside of the store must not interpret it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

impl UserId {
    /// Creates a key from the text that a store writes.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns the text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Security stamp of a user (Flask-Security's `fs_uniquifier`): changing it revokes every session
/// and token of the user.
///
/// It is a random text. Sessions, remember cookies and most tokens refer to a user by it, so a new
/// one revokes all of them at once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uniquifier(String);

impl Uniquifier {
    /// Creates a uniquifier from a stored text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns `true` if the uniquifier is empty. An imported database may have accounts without a
    /// uniquifier, or with a shared one. An empty uniquifier never identifies an account.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Creates a uniquifier from 16 random bytes, as 32 lower-case hexadecimal digits.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(HEXLOWER.encode(&bytes))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a digest of the uniquifier, for a credential that must be revoked with it.
    pub(crate) fn stamp(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(Sha256::new_with_prefix("fs stamp v1").chain_update(&self.0).finalize())
    }

    /// Checks whether `stamp` is the [`stamp`](Self::stamp) of this uniquifier. An empty uniquifier
    /// never matches.
    pub(crate) fn is_stamped(&self, stamp: &str) -> bool {
        !self.0.is_empty() && self.stamp() == stamp
    }
}

impl fmt::Debug for Uniquifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uniquifier(..)")
    }
}

/// Secret id of a session: 256 random bits, in base64url.
///
/// Anyone who knows it is signed in. So `Debug` does not show it, and stores never see it: they
/// keep the session under its [`key`](Self::key).
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// Creates an id from the text in a cookie.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Creates an id from 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key under which the session is stored.
    pub fn key(&self) -> SessionKey {
        SessionKey(URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0)))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// Key of a session in a store: the SHA-256 of its [`SessionId`], in base64url.
///
/// The id cannot be computed from it, so a stolen copy of the database does not contain usable
/// sessions. The 256 random bits of the id need neither a salt nor a slow hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    /// Creates a key from the text that a store holds.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stored password hash in one of passlib's text formats. `Debug` does not show it.
#[derive(Clone)]
pub struct PasswordHash(Secret);

impl PasswordHash {
    /// Creates a hash from the text that a store holds.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::from(text.into()))
    }

    /// Returns the text, for a store or a verifier.
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

/// Encrypted secret of a second factor, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Secret);

impl SealedSecret {
    /// Creates a sealed secret from the text that a store holds.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::from(text.into()))
    }

    /// Returns the encrypted text, for a store.
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
