//! Signing keys, and the format of what they sign.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Signing keys: the first one signs, all of them verify.
///
/// To rotate a key, insert a new one at the front, and remove the old one when its last token has
/// expired. A key should have at least 32 random bytes.
#[derive(Clone, Debug)]
pub struct SigningKeys(Vec<Secret>);

/// Error for an empty list of signing keys, or for an empty key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is missing or empty: set a random secret of 32 octets or more")]
pub struct NoSigningKey;

impl SigningKeys {
    /// Creates signing keys from the current key, followed by earlier ones.
    ///
    /// # Errors
    ///
    /// Returns [`NoSigningKey`] if there is no key or a key is empty.
    pub fn new(keys: Vec<Secret>) -> Result<Self, NoSigningKey> {
        if keys.is_empty() || keys.iter().any(Secret::is_empty) {
            return Err(NoSigningKey);
        }
        Ok(Self(keys))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter()
    }
}

/// Format of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Our own format: HMAC-SHA256, with keys derived by HKDF. A MAC binds tokens to an address or
    /// a password.
    #[default]
    Native,
    /// The format of itsdangerous and Flask-Login. A Flask-Security application with the same
    /// secret and salts accepts our tokens, and we accept its tokens. It uses HMAC-SHA1.
    /// `sha256_crypt` binds tokens to an address or a password, which is slow for tokens from
    /// Python.
    Itsdangerous,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_needed() {
        assert!(SigningKeys::new(Vec::new()).is_err());
        assert!(SigningKeys::new(vec![Secret::from("a"), Secret::from("")]).is_err());
    }
}
