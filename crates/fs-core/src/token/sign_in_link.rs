//! Tokens in mailed sign-in links.

use std::time::Duration;

use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// The holder reads the user's mail and may sign in once. That it is once is for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInLinkToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
}

impl SignInLinkToken {
    /// Makes a token.
    pub fn issue(signer: &TokenSigner, uniquifier: &Uniquifier, now: Timestamp) -> Secret {
        signer.sign_in_link.seal(&[uniquifier.as_str()], now)
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
        let opened = signer.sign_in_link.open(text).ok_or(TokenProblem::Invalid)?;
        let [uniquifier]: [String; 1] =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        opened.in_time(Self { uniquifier: Uniquifier::new(uniquifier) }, now, Some(max_age))
    }
}
