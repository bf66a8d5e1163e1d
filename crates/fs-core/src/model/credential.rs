//! Credential records: remembered browsers, auth tokens and other credentials, in one format.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{SessionKey, UserId};
use crate::Timestamp;

/// Kind of a credential.
///
/// Stores keep the [text](Self::as_str), so a new kind does not change a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A remembered browser, and the sessions that were made from its cookie.
    RememberFamily,
    /// An auth token, which a program sends with every request.
    AuthToken,
    /// The right to undo a change of second factors and sign-in methods.
    FactorUndo,
    /// The right to undo a change of the password.
    PasswordUndo,
}

/// Error for a text that is not a known kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of credential")]
pub struct UnknownCredentialKind;

impl CredentialKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::RememberFamily, Self::AuthToken, Self::FactorUndo, Self::PasswordUndo];

    /// Returns the text that stores keep.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RememberFamily => "remember_family",
            Self::AuthToken => "auth_token",
            Self::FactorUndo => "factor_undo",
            Self::PasswordUndo => "password_undo",
        }
    }
}

impl FromStr for CredentialKind {
    type Err = UnknownCredentialKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownCredentialKind)
    }
}

/// Unique key of a credential in a store: a digest of its secret, in base64url.
///
/// The secret cannot be computed from it, so a stolen copy of the database does not contain usable
/// credentials. The secret must have at least 128 random bits, because it gets neither a salt nor a
/// slow hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialKey(String);

impl CredentialKey {
    /// Derives the key of a secret. Secrets of different kinds never have the same key.
    pub fn of(kind: CredentialKind, secret: &str) -> Self {
        let digest = Sha256::new().chain_update(kind.as_str()).chain_update([0]);
        Self(URL_SAFE_NO_PAD.encode(digest.chain_update(secret).finalize()))
    }

    /// Derives the key that the sessions of one sign-in share if no credential created them. A
    /// session that is replaced hands it on, so signing out ends every session of the sign-in.
    pub(crate) fn of_sign_in(first: &SessionKey) -> Self {
        let digest = Sha256::new().chain_update("sign_in\0").chain_update(first.as_str());
        Self(URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    /// Derives the key that takes the place of this one when a change revokes it. Only an earlier
    /// cookie of the same browser leads to it.
    pub(crate) fn heir(&self) -> Self {
        let digest = Sha256::new().chain_update("heir\0").chain_update(&self.0);
        Self(URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    /// Creates a key from the text that a store holds.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A credential, as the store keeps it.
///
/// It refers to its owner by key, so it survives a new uniquifier. A kind that must be revoked with
/// the uniquifier stores it, or a digest of it, in `value` and compares.
#[derive(Clone, PartialEq)]
pub struct CredentialRecord {
    /// Unique key of the credential.
    pub key: CredentialKey,
    /// Kind of the credential. It never changes.
    pub kind: CredentialKind,
    /// Owner of the credential. It never changes.
    pub owner: UserId,
    /// Data of its kind. It may contain secrets, so `Debug` does not show it.
    pub value: Value,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last use, as precisely as its kind records it. `None` if it was never used.
    pub used_at: Option<Timestamp>,
    /// Time from which it is refused.
    pub expires_at: Timestamp,
    /// Number of writes, which the store counts: a new credential has revision 1, and every
    /// [`Change::PutCredential`](crate::port::Change::PutCredential) adds one. Writes ignore the
    /// value that a caller sets.
    pub revision: u32,
}

impl fmt::Debug for CredentialRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialRecord")
            .field("key", &self.key)
            .field("kind", &self.kind)
            .field("owner", &self.owner)
            .field("created_at", &self.created_at)
            .field("used_at", &self.used_at)
            .field("expires_at", &self.expires_at)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("passkey2".parse::<CredentialKind>(), Err(UnknownCredentialKind));
    }

    #[test]
    fn kinds_never_share_a_key() {
        let keys = CredentialKind::ALL.map(|kind| CredentialKey::of(kind, "secret"));
        let mut apart = keys.to_vec();
        apart.dedup();
        assert_eq!(apart.len(), keys.len());
        assert!(keys.iter().all(|key| !key.as_str().contains("secret")));
    }

    #[test]
    fn debug_shows_no_value() {
        let record = CredentialRecord {
            key: CredentialKey::new("k"),
            kind: CredentialKind::FactorUndo,
            owner: UserId::new("1"),
            value: Value::from("hidden"),
            created_at: Timestamp::EPOCH,
            used_at: None,
            expires_at: Timestamp::MAX,
            revision: 1,
        };
        assert!(!format!("{record:?}").contains("hidden"));
    }
}
