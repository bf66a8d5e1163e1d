//! Tokens that prove a mail address.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// The holder reads the mail of the address that the token was made for.
///
/// Verifying takes two steps: [`verify`](Self::verify) is fast; [`is_for`](Self::is_for), once the
/// user was loaded, may not be.
#[derive(Clone, Debug)]
pub struct ConfirmToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
    binding: Binding,
}

impl ConfirmToken {
    /// Makes a token that proves `email` and no other address.
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
        let opened = signer.confirm.open(text).ok_or(TokenProblem::Invalid)?;
        let (uniquifier, digest): (String, String) =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        let binding = Binding::read(&signer.confirm, opened.key, digest);
        let token = Self { uniquifier: Uniquifier::new(uniquifier), binding };
        opened.in_time(token, now, Some(max_age))
    }

    /// Whether the token was made for this address. A token that fails here is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for what it costs.
    pub fn is_for(&self, email: &str) -> bool {
        self.binding.matches(email)
    }

    /// Whether [`is_for`](Self::is_for) takes the time of a password hash, as it does for tokens
    /// that Python made. Then run it where passwords are hashed.
    pub fn is_slow(&self) -> bool {
        self.binding.is_slow()
    }
}
