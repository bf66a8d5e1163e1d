//! Tokens that allow a new password.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::signer::Codec;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{PasswordHash, Uniquifier};
use crate::secret::Secret;

/// The holder reads the user's mail and may set a new password, as long as the old one stands.
///
/// In our format it is bound to the uniquifier, which every change of the password replaces, and to
/// the address. A hash that is only made anew, because the stored one was imported or is outdated,
/// leaves it good. Python's format is bound to the uniquifier and the stored hash.
///
/// Verifying takes two steps: [`verify`](Self::verify) is fast; [`is_for`](Self::is_for), once the
/// user was loaded, may not be.
#[derive(Clone, Debug)]
pub struct ResetToken {
    /// Names the user.
    pub uniquifier: Uniquifier,
    bound: Bound,
}

/// What must not have changed.
#[derive(Clone, Debug)]
enum Bound {
    /// The address.
    Address(Binding),
    /// The stored hash, or that there is none.
    Hash(Option<Binding>),
}

impl ResetToken {
    /// Makes a token that is good while `uniquifier` is the user's and, in our format, `email` their
    /// address; in Python's, while `password` is the stored hash.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        email: &str,
        password: Option<&PasswordHash>,
        salt: BindingSalt,
        now: Timestamp,
    ) -> Secret {
        let tie = |text: &str| Binding::of(&signer.reset, text, salt);
        let digest = match &signer.reset {
            Codec::Native(_) => Some(tie(email)),
            Codec::Itsdangerous(_) => password.map(|hash| tie(hash.expose())),
        };
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
        let bound = match (&signer.reset, binding) {
            (Codec::Native(_), Some(binding)) => Bound::Address(binding),
            (Codec::Native(_), None) => return Err(TokenProblem::Invalid),
            (Codec::Itsdangerous(_), binding) => Bound::Hash(binding),
        };
        let token = Self { uniquifier: Uniquifier::new(uniquifier), bound };
        opened.in_time(token, now, Some(max_age))
    }

    /// Whether what the token is bound to beside the uniquifier is still so: the address, or in
    /// Python's format the stored hash. A token that fails here is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for what it costs.
    pub fn is_for(&self, email: &str, password: Option<&PasswordHash>) -> bool {
        match (&self.bound, password) {
            (Bound::Address(binding), _) => binding.matches(email),
            (Bound::Hash(Some(binding)), Some(hash)) => binding.matches(hash.expose()),
            (Bound::Hash(None), None) => true,
            (Bound::Hash(_), _) => false,
        }
    }

    /// Whether [`is_for`](Self::is_for) takes the time of a password hash, as it does for tokens
    /// that Python made. Then run it where passwords are hashed.
    pub fn is_slow(&self) -> bool {
        matches!(&self.bound, Bound::Hash(Some(binding)) if binding.is_slow())
    }
}
