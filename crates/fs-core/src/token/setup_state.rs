//! Tokens that carry the setup of a sign-in method until its code is verified.

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

/// Setup of a sign-in method that waits for its code. The method is stored once the code is
/// verified.
///
/// A token is bound to one user and single-use: put [`spent`](Self::spent) into the batch that
/// stores the method. In the itsdangerous format, Flask-Security can read the tokens issued here.
/// Tokens that Flask-Security issued are refused, because they work for every user and any number
/// of times.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupStateToken {
    /// Encrypted new secret.
    pub totp_secret: SealedSecret,
    /// Method: `email`, `sms` or `authenticator`.
    pub method: String,
    /// Phone number to which codes were sent, in E.164.
    pub phone: Option<String>,
    id: String,
}

/// Claims of the token. The names and the order are Flask-Security's; the last two are ours.
#[derive(Serialize, Deserialize)]
struct Claims {
    totp_secret: String,
    chosen_method: String,
    phone_number: Option<String>,
    user: String,
    id: String,
}

impl SetupStateToken {
    /// Creates a state. `id` must be random.
    pub fn new(
        totp_secret: SealedSecret,
        method: impl Into<String>,
        phone: Option<String>,
        id: [u8; 16],
    ) -> Self {
        Self { totp_secret, method: method.into(), phone, id: HEXLOWER.encode(&id) }
    }

    /// Issues a token for a user.
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

    /// Verifies a token of this user that is not older than `max_age`.
    ///
    /// # Errors
    ///
    /// Returns [`TokenProblem`] if the token is invalid or has expired. The token of another user
    /// is invalid.
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

    /// Returns the secret to spend with [`Change::Spend`](crate::port::Change::Spend) when this
    /// state is used. The record may be removed when the token has expired.
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
