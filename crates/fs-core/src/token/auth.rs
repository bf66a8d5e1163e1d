//! Tokens that authenticate requests.

use std::time::Duration;

use serde_json::Value;

use super::signer::Codec;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// The holder may act as the user. Sent in a header, until it expires or the uniquifier changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthToken {
    /// Names the user: the uniquifier of auth tokens where users have one, else the general one.
    pub uniquifier: Uniquifier,
}

impl AuthToken {
    /// Makes a token.
    ///
    /// ```
    /// use fs_core::Timestamp;
    /// use fs_core::model::Uniquifier;
    /// use fs_core::secret::Secret;
    /// use fs_core::token::{AuthToken, Salts, SigningKeys, TokenFormat, TokenSigner};
    ///
    /// let keys = SigningKeys::new(vec![Secret::from("32 random octets or more, of course")])?;
    /// let signer = TokenSigner::new(&keys, TokenFormat::Native, &Salts::default())?;
    /// let now = Timestamp::from_seconds(1_700_000_000);
    /// let user = Uniquifier::new("bd11075c07ba4ab4bc7437ebaeb19e71");
    ///
    /// let token = AuthToken::issue(&signer, &user, now);
    /// assert_eq!(AuthToken::verify(&signer, token.expose(), now, None)?.uniquifier, user);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn issue(signer: &TokenSigner, uniquifier: &Uniquifier, now: Timestamp) -> Secret {
        signer.auth.seal(&[uniquifier.as_str()], now)
    }

    /// Reads a token that is not older than `max_age`; tokens never expire without one.
    ///
    /// In the format of itsdangerous, tokens of Flask-Security 3 are read as well: lists whose
    /// third item is the uniquifier.
    ///
    /// # Errors
    ///
    /// [`TokenProblem`].
    pub fn verify(
        signer: &TokenSigner,
        text: &str,
        now: Timestamp,
        max_age: Option<Duration>,
    ) -> Result<Self, TokenProblem<Self>> {
        let opened = signer.auth.open(text).ok_or(TokenProblem::Invalid)?;
        let uniquifier = read(&opened.payload)
            .or_else(|| match &signer.auth {
                Codec::Itsdangerous(_) => read_of_version_3(&opened.payload),
                Codec::Native(_) => None,
            })
            .ok_or(TokenProblem::Invalid)?;
        opened.in_time(Self { uniquifier: Uniquifier::new(uniquifier) }, now, max_age)
    }
}

fn read(payload: &[u8]) -> Option<String> {
    let [uniquifier] = serde_json::from_slice(payload).ok()?;
    Some(uniquifier)
}

fn read_of_version_3(payload: &[u8]) -> Option<String> {
    let (_, _, uniquifier): (Value, Value, String) = serde_json::from_slice(payload).ok()?;
    Some(uniquifier)
}
