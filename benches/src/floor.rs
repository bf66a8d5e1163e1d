//! Least work that verifies a signed token, to compare with the tokens of fs.
//!
//! A token is `payload.timestamp.mac`, as in fs: base64url, and an HMAC-SHA256 whose key state is
//! kept. The payload is the text itself and not JSON. There is one key and no version.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Outcome;

/// Signs and verifies tokens with one key.
pub(crate) struct Floor(Hmac<Sha256>);

impl Floor {
    /// Creates a signer.
    pub(crate) fn new(key: &[u8]) -> Outcome<Self> {
        Ok(Self(Hmac::new_from_slice(key)?))
    }

    /// Signs a text at a time, in seconds since the epoch.
    pub(crate) fn issue(&self, text: &str, seconds: u64) -> String {
        let payload = BASE64URL_NOPAD.encode(text.as_bytes());
        let time = BASE64URL_NOPAD.encode(&seconds.to_be_bytes());
        let signed = format!("{payload}.{time}");
        let mac = self.0.clone().chain_update(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac))
    }

    /// Returns text and time of a token, or `None` if it is not genuine.
    pub(crate) fn verify(&self, token: &str) -> Option<(String, u64)> {
        let (signed, mac) = token.rsplit_once('.')?;
        let mac = BASE64URL_NOPAD.decode(mac.as_bytes()).ok()?;
        self.0.clone().chain_update(signed).verify_slice(&mac).ok()?;
        let (payload, time) = signed.split_once('.')?;
        let text = String::from_utf8(BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()?;
        let time = BASE64URL_NOPAD.decode(time.as_bytes()).ok()?;
        Some((text, u64::from_be_bytes(time.try_into().ok()?)))
    }
}
