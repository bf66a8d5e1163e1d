//! Tokens that allow a new password.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{PasswordHash, Uniquifier};
use crate::secret::Secret;

/// The holder reads the user's mail and may set a new password, as long as the old one stands.
///
/// Verifying takes two steps: [`verify`](Self::verify) is fast; [`is_for`](Self::is_for), once the
/// user was loaded, may not be.
#[derive(Clone, Debug)]
pub struct ResetToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
    binding: Option<Binding>,
}

impl ResetToken {
    /// Makes a token that is good while `password` is the user's stored hash.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        password: Option<&PasswordHash>,
        salt: BindingSalt,
        now: Timestamp,
    ) -> Secret {
        let digest = password.map(|hash| Binding::of(&signer.reset, hash.expose(), salt));
        signer.reset.seal(&(uniquifier.as_str(), digest), now)
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
        let opened = signer.reset.open(text).ok_or(TokenProblem::Invalid)?;
        let (uniquifier, digest): (String, Option<String>) =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        let binding = digest.map(|digest| Binding::read(&signer.reset, opened.key, digest));
        let token = Self { uniquifier: Uniquifier::new(uniquifier), binding };
        opened.in_time(token, now, Some(max_age))
    }

    /// Whether the user's stored hash is still what it was when the token was made: this hash, or
    /// none. A token that fails here is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for what it costs.
    pub fn is_for(&self, password: Option<&PasswordHash>) -> bool {
        match (&self.binding, password) {
            (Some(binding), Some(hash)) => binding.matches(hash.expose()),
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether [`is_for`](Self::is_for) takes the time of a password hash, as it does for tokens
    /// that Python made. Then run it where passwords are hashed.
    pub fn is_slow(&self) -> bool {
        self.binding.as_ref().is_some_and(Binding::is_slow)
    }
}
