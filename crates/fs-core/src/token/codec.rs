//! Signs and opens the tokens of one purpose, in either format.

use serde::Serialize;

use super::itsdangerous::{self, Derivation};
use super::keys::{SigningKeys, TokenFormat};
use super::native;
use super::timed::Opened;
use crate::Timestamp;
use crate::secret::Secret;

/// Keys of one purpose in one format.
#[derive(Clone)]
pub(crate) enum Codec {
    Native(native::Signer),
    Itsdangerous(itsdangerous::Signer),
}

impl Codec {
    pub(crate) fn new(keys: &SigningKeys, format: TokenFormat, salt: &str, purpose: &str) -> Self {
        match format {
            TokenFormat::Native => Self::Native(native::Signer::new(keys, salt, purpose)),
            TokenFormat::Itsdangerous => {
                Self::Itsdangerous(itsdangerous::Signer::new(keys, salt, Derivation::DjangoConcat))
            }
        }
    }

    /// Signs texts, lists of texts and records of texts.
    pub(crate) fn seal<T: Serialize + ?Sized>(&self, claims: &T, now: Timestamp) -> Secret {
        #[expect(clippy::expect_used, reason = "all of these are JSON, and a Vec takes all")]
        let payload = serde_json::to_vec(claims).expect("texts, lists and records are JSON");
        Secret::from(match self {
            Self::Native(signer) => signer.sign(&payload, now),
            Self::Itsdangerous(signer) => signer.sign(&payload, now),
        })
    }

    pub(crate) fn open(&self, text: &str) -> Option<Opened> {
        match self {
            Self::Native(signer) => signer.open(text),
            Self::Itsdangerous(signer) => signer.open(text),
        }
    }
}
