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
/// In our format it is good as long as the user's address stands as well; Python's knows of the
/// password alone.
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
    /// Address and password.
    Account(Binding),
    /// The password, or that there is none.
    Password(Option<Binding>),
}

impl ResetToken {
    /// Makes a token that is good while `password` is the user's stored hash, and `email` their
    /// address.
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
            Codec::Native(_) => Some(tie(account(email, password).expose())),
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
            (Codec::Native(_), Some(binding)) => Bound::Account(binding),
            (Codec::Native(_), None) => return Err(TokenProblem::Invalid),
            (Codec::Itsdangerous(_), binding) => Bound::Password(binding),
        };
        let token = Self { uniquifier: Uniquifier::new(uniquifier), bound };
        opened.in_time(token, now, Some(max_age))
    }

    /// Whether the user's stored hash, or that there is none, and their address are still what they
    /// were when the token was made. A token that fails here is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for what it costs.
    pub fn is_for(&self, email: &str, password: Option<&PasswordHash>) -> bool {
        match (&self.bound, password) {
            (Bound::Account(binding), _) => binding.matches(account(email, password).expose()),
            (Bound::Password(Some(binding)), Some(hash)) => binding.matches(hash.expose()),
            (Bound::Password(None), None) => true,
            (Bound::Password(_), _) => false,
        }
    }

    /// Whether [`is_for`](Self::is_for) takes the time of a password hash, as it does for tokens
    /// that Python made. Then run it where passwords are hashed.
    pub fn is_slow(&self) -> bool {
        matches!(&self.bound, Bound::Password(Some(binding)) if binding.is_slow())
    }
}

/// Address and password as one text. No address holds a line break.
fn account(email: &str, password: Option<&PasswordHash>) -> Secret {
    Secret::from(match password {
        Some(hash) => format!("{email}\n{}", hash.expose()),
        None => email.to_owned(),
    })
}
