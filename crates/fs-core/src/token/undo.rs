//! Tokens in links that undo changes of second factors and sign-in methods.

use std::time::Duration;

use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::secret::Secret;

/// The holder reads the owner's mail, and says that a change was not theirs. What is undone is in the
/// record that the token names.
///
/// Flask-Security has no such token, so it is of our format in every profile.
#[derive(Clone, PartialEq, Eq)]
pub struct UndoToken {
    /// Names the record.
    pub name: Secret,
}

impl UndoToken {
    /// Makes a token. `name` is random.
    pub fn issue(signer: &TokenSigner, name: &Secret, now: Timestamp) -> Secret {
        // A name is hexadecimal digits, which JSON holds as they are.
        let payload = format!("[\"{}\"]", name.expose());
        Secret::from(signer.undo.sign(payload.as_bytes(), now))
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
        let opened = signer.undo.open(text).ok_or(TokenProblem::Invalid)?;
        let [name]: [String; 1] =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        opened.in_time(Self { name: Secret::from(name) }, now, Some(max_age))
    }
}

impl std::fmt::Debug for UndoToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UndoToken(..)")
    }
}
