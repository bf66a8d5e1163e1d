//! Tokens of devices that need no second factor for a while.

use std::time::Duration;

use serde::Deserialize;

use super::{Codec, TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{Uniquifier, User};
use crate::secret::Secret;

/// On this device the user gave a second factor and asked to be remembered. It replaces that second
/// factor, and no other, and never the first: compare it with the user that the first one named.
///
/// Flask-Security's own tokens name the user alone. They are read in its format, and good for
/// whatever second factor there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
    /// The [mark](crate::model::SecondFactor::mark) of the second factor that was given.
    pub factor: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Claims {
    Ours(String, String),
    FlaskSecuritys(String),
}

impl DeviceToken {
    /// Makes a token for a user whose second factor has that mark.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        factor: &str,
        now: Timestamp,
    ) -> Secret {
        signer.device.seal(&(uniquifier.as_str(), factor), now)
    }

    /// Reads a token that is not older than `max_age`.
    ///
    /// # Errors
    ///
    /// [`TokenProblem`].
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

    /// Whether it spares this user the second factor.
    pub fn is_for(&self, user: &User) -> bool {
        let factor = user.second_factor.mark();
        self.uniquifier == user.uniquifier
            && self.factor.as_ref().is_none_or(|given| Some(given) == factor.as_ref())
    }
}
