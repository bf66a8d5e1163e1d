//! Tokens of sign-in links.

use std::time::Duration;

use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// Token of a sign-in link: its holder can read the user's mail and may sign in once. The caller
/// must enforce that it is single-use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInLinkToken {
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
}

impl SignInLinkToken {
    /// Issues a token.
    pub fn issue(signer: &TokenSigner, uniquifier: &Uniquifier, now: Timestamp) -> Secret {
        signer.sign_in_link.seal(&[uniquifier.as_str()], now)
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
        let opened = signer.sign_in_link.open(text).ok_or(TokenProblem::Invalid)?;
        let [uniquifier]: [String; 1] =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        opened.in_time(Self { uniquifier: Uniquifier::new(uniquifier) }, now, Some(max_age))
    }
}
