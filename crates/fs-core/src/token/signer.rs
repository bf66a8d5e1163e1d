//! Signer of all tokens. Keys are derived once.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::codec::Codec;
use super::keys::{SigningKeys, TokenFormat};
use super::native;
use super::remember_signer::RememberSigner;

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
    pub(super) password_undo: native::Signer,
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
            password_undo: native::Signer::new(keys, "undo-salt", "password undo"),
            remember: RememberSigner::new(keys, format),
        })
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSigner(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

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
