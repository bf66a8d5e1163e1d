//! Tokens that carry the set-up of a sign-in method until its code proves it.

use std::fmt;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::{SealedSecret, Uniquifier};
use crate::port::SpentSecret;
use crate::secret::Secret;

/// The holder is setting up a method to sign in with, and it is stored once a code proves it.
///
/// It is for one user and works once: put [`spent`](Self::spent) into the batch that stores the
/// method. Flask-Security reads what is written in its format; states of its own are refused,
/// for they work for every user and as often as one likes.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupStateToken {
    /// The new secret, sealed.
    pub totp_secret: SealedSecret,
    /// The method: `email`, `sms` or `authenticator`.
    pub method: String,
    /// The telephone number that codes went to, in E.164.
    pub phone: Option<String>,
    id: String,
}

/// The names, and the order, are Flask-Security's; the last two are ours.
#[derive(Serialize, Deserialize)]
struct Claims {
    totp_secret: String,
    chosen_method: String,
    phone_number: Option<String>,
    user: String,
    id: String,
}

impl SetupStateToken {
    /// A state to be issued. `id` is random.
    pub fn new(
        totp_secret: SealedSecret,
        method: impl Into<String>,
        phone: Option<String>,
        id: [u8; 16],
    ) -> Self {
        Self { totp_secret, method: method.into(), phone, id: HEXLOWER.encode(&id) }
    }

    /// Makes a token for a user.
    pub fn issue(&self, signer: &TokenSigner, user: &Uniquifier, now: Timestamp) -> Secret {
        let claims = Claims {
            totp_secret: self.totp_secret.expose().to_owned(),
            chosen_method: self.method.clone(),
            phone_number: self.phone.clone(),
            user: user.as_str().to_owned(),
            id: self.id.clone(),
        };
        signer.setup_state.seal(&claims, now)
    }

    /// Reads a token of this user that is not older than `max_age`.
    ///
    /// # Errors
    ///
    /// [`TokenProblem`]; the token of another user is invalid.
    pub fn verify(
        signer: &TokenSigner,
        text: &str,
        user: &Uniquifier,
        now: Timestamp,
        max_age: Duration,
    ) -> Result<Self, TokenProblem<Self>> {
        let opened = signer.setup_state.open(text).ok_or(TokenProblem::Invalid)?;
        let claims: Claims =
            serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
        if claims.user != user.as_str() {
            return Err(TokenProblem::Invalid);
        }
        let state = Self {
            totp_secret: SealedSecret::new(claims.totp_secret),
            method: claims.chosen_method,
            phone: claims.phone_number,
            id: claims.id,
        };
        opened.in_time(state, now, Some(max_age))
    }

    /// The mark that this state was used, for [`Change::Spend`](crate::port::Change::Spend). It
    /// may be forgotten when the token has expired.
    pub fn spent(&self) -> SpentSecret {
        let digest = Sha256::new().chain_update("fs setup state v1").chain_update(&self.id);
        SpentSecret(digest.finalize().into())
    }
}

impl fmt::Debug for SetupStateToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupStateToken(..)")
    }
}
