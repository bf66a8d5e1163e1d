//! Tokens that confirm a mail address.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// Confirmation token: its holder can read the mail of the address for which it was issued.
///
/// Verification has two steps: [`verify`](Self::verify) is fast. After the user is loaded, call
/// [`is_for`](Self::is_for), which may be slow.
#[derive(Clone, Debug)]
pub struct ConfirmToken {
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
    binding: Binding,
}

impl ConfirmToken {
    /// Issues a token that confirms only the address `email`.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        email: &str,
        salt: BindingSalt,
        now: Timestamp,
    ) -> Secret {
        let digest = Binding::of(&signer.confirm, email, salt);
        signer.confirm.seal(&(uniquifier.as_str(), digest), now)
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
        let opened = signer.confirm.open(text).ok_or(TokenProblem::Invalid)?;
        let (uniquifier, digest): (String, String) =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        let binding = Binding::read(&signer.confirm, opened.key, digest);
        let token = Self { uniquifier: Uniquifier::new(uniquifier), binding };
        opened.in_time(token, now, Some(max_age))
    }

    /// Checks whether the token was issued for this address. If not, the token is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for its cost.
    pub fn is_for(&self, email: &str) -> bool {
        self.binding.matches(email)
    }

    /// Checks whether [`is_for`](Self::is_for) takes as long as a password hash, as it does for
    /// tokens from Python. If so, run it on a hashing thread.
    pub fn is_slow(&self) -> bool {
        self.binding.is_slow()
    }
}
