//! Tokens of trusted devices, which need no second factor for a while.

use std::time::Duration;

use serde::Deserialize;

use super::{Codec, TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{Uniquifier, User};
use crate::secret::Secret;

/// Token of a trusted device: on it the user gave a second factor and asked to trust the device. It
/// replaces that second factor only, and never the first: compare it with the user who gave the
/// first factor.
///
/// Flask-Security's own tokens contain only the user. They are accepted in its format, and valid
/// for any second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceToken {
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
    /// [Digest](crate::model::SecondFactor::mark) of the second factor that was given.
    pub factor: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Claims {
    Ours(String, String),
    FlaskSecuritys(String),
}

impl DeviceToken {
    /// Issues a token for a user and the digest of the second factor.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        factor: &str,
        now: Timestamp,
    ) -> Secret {
        signer.device.seal(&(uniquifier.as_str(), factor), now)
    }

    /// Verifies a token that is not older than `max_age`.
    ///
    /// # Errors
    ///
    /// Returns [`TokenProblem`] if the token is invalid or has expired.
    pub fn verify(
        signer: &TokenSigner,
        text: &str,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<Self, TokenProblem<Self>> {
        let opened = signer.device.open(text).ok_or(TokenProblem::Invalid)?;
        let claims = serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        let (uniquifier, factor) = match (claims, &signer.device) {
            (Claims::Ours(uniquifier, factor), _) => (uniquifier, Some(factor)),
            (Claims::FlaskSecuritys(uniquifier), Codec::Itsdangerous(_)) => (uniquifier, None),
            (Claims::FlaskSecuritys(_), Codec::Native(_)) => return Err(TokenProblem::Invalid),
        };
        let token = Self { uniquifier: Uniquifier::new(uniquifier), factor };
        opened.in_time(token, now, Some(max_age))
    }

    /// Checks whether the token replaces the second factor of this user.
    pub fn is_for(&self, user: &User) -> bool {
        let factor = user.second_factor.mark();
        self.uniquifier == user.uniquifier
            && self.factor.as_ref().is_none_or(|given| Some(given) == factor.as_ref())
    }
}
