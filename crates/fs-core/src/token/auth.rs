//! Tokens that authenticate requests.

use std::time::Duration;

use serde_json::Value;

use super::codec::Codec;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// Auth token: its holder can act as the user until it expires or the uniquifier changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthToken {
    /// Uniquifier of the user: the one for auth tokens if it exists, otherwise the general one.
    pub uniquifier: Uniquifier,
}

impl AuthToken {
    /// Issues a token.
    ///
    /// ```
    /// use fs_core::Timestamp;
    /// use fs_core::model::Uniquifier;
    /// use fs_core::secret::Secret;
    /// use fs_core::token::{AuthToken, Salts, SigningKeys, TokenFormat, TokenSigner};
    ///
    /// let keys = SigningKeys::new(vec![Secret::from("32 random octets or more, of course")])?;
    /// let signer = TokenSigner::new(&keys, TokenFormat::Native, &Salts::default())?;
    /// let now = Timestamp::from_secs(1_700_000_000);
    /// let user = Uniquifier::new("bd11075c07ba4ab4bc7437ebaeb19e71");
    ///
    /// let token = AuthToken::issue(&signer, &user, now);
    /// assert_eq!(AuthToken::verify(&signer, token.expose(), now, None)?.uniquifier, user);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn issue(signer: &TokenSigner, uniquifier: &Uniquifier, now: Timestamp) -> Secret {
        signer.auth.seal(&[uniquifier.as_str()], now)
    }

    /// Verifies a token that is not older than `max_age`. `None` disables expiry.
    ///
    /// The itsdangerous format also accepts tokens of Flask-Security 3: lists whose third item is
    /// the uniquifier.
    ///
    /// # Errors
    ///
    /// Returns [`TokenProblem`] if the token is invalid or has expired.
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
