//! Tokens in links that undo changes of the password, second factors and sign-in methods.

use std::time::Duration;

use super::binding::Binding;
use super::native::Signer;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::secret::Secret;

/// Token that undoes changes of second factors and sign-in methods: its holder can read the owner's
/// mail and states that a change was not theirs. The record with this name contains the change to
/// undo.
///
/// Flask-Security has no such token, so it has our own format in every profile.
#[derive(Clone)]
pub struct UndoToken {
    /// Name of the record.
    pub name: Secret,
    address: Binding,
}

/// Token that undoes a change of the password: its holder can read the owner's mail and states that
/// the change was not theirs. It works as long as the record with this name exists.
///
/// Flask-Security has no such token, so it has our own format in every profile.
#[derive(Clone)]
pub struct PasswordUndoToken {
    /// Name of the record.
    pub name: Secret,
    address: Binding,
}

impl UndoToken {
    /// Issues a token for a link that is mailed to `email`. `name` must be random.
    pub fn issue(signer: &TokenSigner, name: &Secret, email: &str, now: Timestamp) -> Secret {
        sign(&signer.undo, name, email, now)
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
        open(&signer.undo, text, now, max_age, |name, address| Self { name, address })
    }

    /// Checks whether the link was mailed to this address. If not, the token is invalid.
    pub fn is_for(&self, email: &str) -> bool {
        self.address.matches(email)
    }
}

impl PasswordUndoToken {
    /// Issues a token for a link that is mailed to `email`. `name` must be random.
    pub fn issue(signer: &TokenSigner, name: &Secret, email: &str, now: Timestamp) -> Secret {
        sign(&signer.password_undo, name, email, now)
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
        open(&signer.password_undo, text, now, max_age, |name, address| Self { name, address })
    }

    /// Checks whether the link was mailed to this address. If not, the token is invalid.
    pub fn is_for(&self, email: &str) -> bool {
        self.address.matches(email)
    }
}

fn sign(signer: &Signer, name: &Secret, email: &str, now: Timestamp) -> Secret {
    // A name consists of hexadecimal digits, and the tie of base64: neither needs escapes in JSON.
    let payload = format!("[\"{}\",\"{}\"]", name.expose(), signer.tie(email));
    Secret::from(signer.sign(payload.as_bytes(), now))
}

fn open<T>(
    signer: &Signer,
    text: &str,
    now: Timestamp,
    max_age: Duration,
    of: impl FnOnce(Secret, Binding) -> T,
) -> Result<T, TokenProblem<T>> {
    let opened = signer.open(text).ok_or(TokenProblem::Invalid)?;
    let (name, tie): (String, String) =
        serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
    let address = Binding::Tied { signer: signer.clone(), key: opened.key, tie };
    opened.in_time(of(Secret::from(name), address), now, Some(max_age))
}

impl std::fmt::Debug for UndoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UndoToken(..)")
    }
}

impl std::fmt::Debug for PasswordUndoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordUndoToken(..)")
    }
}
