//! Tokens that allow the user to set a new password.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::codec::Codec;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{PasswordHash, Uniquifier};
use crate::secret::Secret;

/// Reset token: its holder can read the user's mail and may set a new password, until the password
/// changes.
///
/// In our own format it is bound to the address and to the uniquifier, which every password change
/// replaces. It stays valid if the same password is hashed anew because the stored hash was
/// imported or is outdated. Python's format is bound to the uniquifier and the stored hash.
///
/// Verification has two steps: [`verify`](Self::verify) is fast. After the user is loaded, call
/// [`is_for`](Self::is_for), which may be slow.
#[derive(Clone, Debug)]
pub struct ResetToken {
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
    bound: Bound,
}

/// Data to which the token is bound.
#[derive(Clone, Debug)]
enum Bound {
    /// The address.
    Address(Binding),
    /// The stored hash, or its absence.
    Hash(Option<Binding>),
}

impl ResetToken {
    /// Issues a token. It is valid while `uniquifier` is the user's and, in our own format, `email`
    /// is their address; in Python's format, while `password` is the stored hash.
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

    /// Checks the binding of the token to the address or, in Python's format, to the stored hash.
    /// If this fails, the token is invalid.
    ///
    /// See [`is_slow`](Self::is_slow) for its cost.
    pub fn is_for(&self, email: &str, password: Option<&PasswordHash>) -> bool {
        match (&self.bound, password) {
            (Bound::Address(binding), _) => binding.matches(email),
            (Bound::Hash(Some(binding)), Some(hash)) => binding.matches(hash.expose()),
            (Bound::Hash(None), None) => true,
            (Bound::Hash(_), _) => false,
        }
    }

    /// Checks whether [`is_for`](Self::is_for) takes as long as a password hash, as it does for
    /// tokens from Python. If so, run it on a hashing thread.
    pub fn is_slow(&self) -> bool {
        matches!(&self.bound, Bound::Hash(Some(binding)) if binding.is_slow())
    }
}
