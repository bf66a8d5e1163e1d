//! Tokens of devices that need no second factor for a while.

use std::time::Duration;

use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// On this device the user gave a second factor and asked to be remembered. It replaces the
/// second factor, never the first: compare it with the user that the first one named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
}

impl DeviceToken {
    /// Makes a token.
    pub fn issue(signer: &TokenSigner, uniquifier: &Uniquifier, now: Timestamp) -> Secret {
        signer.device.seal(uniquifier.as_str(), now)
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
        let uniquifier: String =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        opened.in_time(Self { uniquifier: Uniquifier::new(uniquifier) }, now, Some(max_age))
    }
}
