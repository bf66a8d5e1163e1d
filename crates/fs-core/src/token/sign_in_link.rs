//! Tokens of sign-in links.

use std::time::Duration;

use super::binding::{Binding, BindingSalt};
use super::codec::Codec;
use super::{TokenProblem, TokenSigner};
use crate::Timestamp;
use crate::model::Uniquifier;
use crate::secret::Secret;

/// Token of a sign-in link: its holder can read the user's mail and may sign in once. The caller
/// must enforce that it is single-use, and that the user still has the address ([`is_for`]).
///
/// [`is_for`]: Self::is_for
#[derive(Clone, Debug)]
pub struct SignInLinkToken {
    /// Uniquifier of the user.
    pub uniquifier: Uniquifier,
    address: Option<Binding>,
}

impl SignInLinkToken {
    /// Issues a token for a link that is mailed to `email`. In the itsdangerous format it contains
    /// the uniquifier only, as Flask-Security's does.
    pub fn issue(
        signer: &TokenSigner,
        uniquifier: &Uniquifier,
        email: &str,
        now: Timestamp,
    ) -> Secret {
        let codec = &signer.sign_in_link;
        match codec {
            Codec::Native(_) => {
                // Only the other format needs a salt.
                let address = Binding::of(codec, email, BindingSalt([0; 12]));
                codec.seal(&(uniquifier.as_str(), address), now)
            }
            Codec::Itsdangerous(_) => codec.seal(&[uniquifier.as_str()], now),
        }
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
        let codec = &signer.sign_in_link;
        let opened = codec.open(text).ok_or(TokenProblem::Invalid)?;
        let invalid = |_| TokenProblem::Invalid;
        let (uniquifier, address) = match codec {
            Codec::Native(_) => {
                let (uniquifier, address): (String, String) =
                    serde_json::from_slice(&opened.payload).map_err(invalid)?;
                (uniquifier, Some(Binding::read(codec, opened.key, address)))
            }
            Codec::Itsdangerous(_) => {
                let [uniquifier]: [String; 1] =
                    serde_json::from_slice(&opened.payload).map_err(invalid)?;
                (uniquifier, None)
            }
        };
        let token = Self { uniquifier: Uniquifier::new(uniquifier), address };
        opened.in_time(token, now, Some(max_age))
    }

    /// Checks whether the link was mailed to this address. If not, the token is invalid. A token in
    /// the itsdangerous format does not contain the address, so it is for any.
    pub fn is_for(&self, email: &str) -> bool {
        self.address.as_ref().is_none_or(|address| address.matches(email))
    }
}
