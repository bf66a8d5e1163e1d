//! Tokens of remember cookies.

use std::fmt;
use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use sha2::Sha512;

use super::remember_signer::RememberSigner;
use super::signer::TokenSigner;
use super::timed::{MAX_TEXT, TokenProblem};
use crate::Timestamp;
use crate::secret::Secret;

/// Token of a remembered browser. It signs the user in again, but never as a fresh sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct RememberToken {
    /// Contents of the token: in our own format, the credential of the remembered browser and a
    /// single-use secret; in Flask-Login's, the user's uniquifier.
    pub name: String,
}

impl fmt::Debug for RememberToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RememberToken(..)")
    }
}

impl RememberToken {
    /// Issues a token.
    ///
    /// In the itsdangerous format it is Flask-Login's cookie, which does not contain its age.
    pub fn issue(signer: &TokenSigner, name: &str, now: Timestamp) -> Secret {
        match &signer.remember {
            RememberSigner::Native(codec) => codec.seal(&[name], now),
            RememberSigner::FlaskLogin(macs) => {
                let digest = macs.first().map(|mac| mac.clone().chain_update(name).finalize());
                let digest = digest.map(|mac| HEXLOWER.encode(&mac.into_bytes()));
                Secret::from(format!("{name}|{}", digest.unwrap_or_default()))
            }
        }
    }

    /// Verifies a token that is not older than `max_age`.
    ///
    /// Flask-Login's cookies do not contain their age: only the browser expires them.
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
        match &signer.remember {
            RememberSigner::Native(codec) => {
                let opened = codec.open(text).ok_or(TokenProblem::Invalid)?;
                let [name]: [String; 1] =
                    serde_json::from_slice(&opened.payload).map_err(|_| TokenProblem::Invalid)?;
                opened.in_time(Self { name }, now, Some(max_age))
            }
            RememberSigner::FlaskLogin(macs) => {
                let name = open_cookie(macs, text).ok_or(TokenProblem::Invalid)?;
                Ok(Self { name: name.to_owned() })
            }
        }
    }
}

fn open_cookie<'a>(macs: &[Hmac<Sha512>], text: &'a str) -> Option<&'a str> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let (name, digest) = text.rsplit_once('|')?;
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?;
    let genuine = |mac: &Hmac<Sha512>| mac.clone().chain_update(name).verify_slice(&digest).is_ok();
    macs.iter().any(genuine).then_some(name)
}
