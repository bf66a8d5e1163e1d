//! Signing keys and signers of all tokens. Keys are derived once.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::itsdangerous::{self, Derivation};
use super::native;
use super::remember::RememberSigner;
use super::timed::Opened;
use crate::Timestamp;
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

/// Salts that separate the tokens of each purpose. Changing a salt invalidates its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Salts {
    /// Salt of auth tokens.
    pub auth: String,
    /// Salt of confirmation tokens.
    pub confirm: String,
    /// Salt of reset tokens.
    pub reset: String,
    /// Salt of the tokens of sign-in links.
    pub sign_in_link: String,
    /// Salt of the tokens of a setup.
    pub setup_state: String,
    /// Salt of the tokens of trusted devices.
    pub device: String,
}

impl Default for Salts {
    /// Returns Flask-Security's salts.
    fn default() -> Self {
        Self {
            auth: "remember-salt".to_owned(),
            confirm: "confirm-salt".to_owned(),
            reset: "reset-salt".to_owned(),
            sign_in_link: "login-salt".to_owned(),
            setup_state: "us-setup-salt".to_owned(),
            device: "tf-validity-salt".to_owned(),
        }
    }
}

/// Error for two purposes with the same salt: a token of one could be used as one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the salts of two kinds of tokens are the same: each kind needs its own")]
pub struct SaltsCollide;

/// Signs and verifies tokens of all purposes. Create one at the start: it derives its keys once.
#[derive(Clone)]
pub struct TokenSigner {
    pub(super) auth: Codec,
    pub(super) confirm: Codec,
    pub(super) reset: Codec,
    pub(super) sign_in_link: Codec,
    pub(super) setup_state: Codec,
    pub(super) device: Codec,
    pub(super) undo: native::Signer,
    pub(super) remember: RememberSigner,
}

impl TokenSigner {
    /// Derives the keys and creates the signer.
    ///
    /// # Errors
    ///
    /// Returns [`SaltsCollide`] if two salts are the same.
    ///
    /// ```
    /// use fs_core::secret::Secret;
    /// use fs_core::token::{Salts, SigningKeys, TokenFormat, TokenSigner};
    ///
    /// let keys = SigningKeys::new(vec![Secret::from("32 random octets or more, of course")])?;
    /// let signer = TokenSigner::new(&keys, TokenFormat::Native, &Salts::default())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        keys: &SigningKeys,
        format: TokenFormat,
        salts: &Salts,
    ) -> Result<Self, SaltsCollide> {
        let mut all = [
            &salts.auth,
            &salts.confirm,
            &salts.reset,
            &salts.sign_in_link,
            &salts.setup_state,
            &salts.device,
        ];
        all.sort_unstable();
        if all.array_windows().any(|[one, next]| one == next) {
            return Err(SaltsCollide);
        }
        Ok(Self {
            auth: Codec::new(keys, format, &salts.auth, "auth"),
            confirm: Codec::new(keys, format, &salts.confirm, "confirm"),
            reset: Codec::new(keys, format, &salts.reset, "reset"),
            sign_in_link: Codec::new(keys, format, &salts.sign_in_link, "sign-in link"),
            setup_state: Codec::new(keys, format, &salts.setup_state, "setup state"),
            device: Codec::new(keys, format, &salts.device, "device"),
            undo: native::Signer::new(keys, "undo-salt", "undo"),
            remember: RememberSigner::new(keys, format),
        })
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSigner(..)")
    }
}

/// Keys of one purpose in one format.
#[derive(Clone)]
pub(crate) enum Codec {
    Native(native::Signer),
    Itsdangerous(itsdangerous::Signer),
}

impl Codec {
    pub(crate) fn new(keys: &SigningKeys, format: TokenFormat, salt: &str, purpose: &str) -> Self {
        match format {
            TokenFormat::Native => Self::Native(native::Signer::new(keys, salt, purpose)),
            TokenFormat::Itsdangerous => {
                Self::Itsdangerous(itsdangerous::Signer::new(keys, salt, Derivation::DjangoConcat))
            }
        }
    }

    /// Signs texts, lists of texts and records of texts.
    pub(crate) fn seal<T: Serialize + ?Sized>(&self, claims: &T, now: Timestamp) -> Secret {
        #[expect(clippy::expect_used, reason = "all of these are JSON, and a Vec takes all")]
        let payload = serde_json::to_vec(claims).expect("texts, lists and records are JSON");
        Secret::from(match self {
            Self::Native(signer) => signer.sign(&payload, now),
            Self::Itsdangerous(signer) => signer.sign(&payload, now),
        })
    }

    pub(crate) fn open(&self, text: &str) -> Option<Opened> {
        match self {
            Self::Native(signer) => signer.open(text),
            Self::Itsdangerous(signer) => signer.open(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_needed() {
        assert!(SigningKeys::new(Vec::new()).is_err());
        assert!(SigningKeys::new(vec![Secret::from("a"), Secret::from("")]).is_err());
    }

    #[test]
    fn salts_must_differ() {
        let keys = SigningKeys::new(vec![Secret::from("a")]).unwrap();
        let others: [fn(&mut Salts) -> &mut String; 5] = [
            |salts| &mut salts.confirm,
            |salts| &mut salts.reset,
            |salts| &mut salts.sign_in_link,
            |salts| &mut salts.setup_state,
            |salts| &mut salts.device,
        ];
        for format in [TokenFormat::Native, TokenFormat::Itsdangerous] {
            for other in others {
                let mut same = Salts::default();
                *other(&mut same) = Salts::default().auth;
                assert!(TokenSigner::new(&keys, format, &same).is_err());
            }
            assert!(TokenSigner::new(&keys, format, &Salts::default()).is_ok());
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let keys = SigningKeys::new(vec![Secret::from("hunter2")]).unwrap();
        let signer = TokenSigner::new(&keys, TokenFormat::Native, &Salts::default());
        assert!(!format!("{keys:?} {signer:?}").contains("hunter2"));
    }
}
