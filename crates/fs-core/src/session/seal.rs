//! Encrypts sessions for cookies: XChaCha20-Poly1305 with keys derived from the signing keys.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

use super::Session;
use crate::Timestamp;
use crate::secret::Secret;

const VERSION: u8 = 1;
const NONCE: usize = 24;
const STAMP: usize = 8;
/// Maximum length of a cookie's value in bytes. Browsers accept 4096 bytes with name and
/// attributes.
const LONGEST: usize = 3_800;

/// Encrypts sessions into cookie values and decrypts them.
///
/// The first key encrypts and all of them decrypt, so that keys can be rotated. The nonces of
/// XChaCha20 are random and need no counter. The time of encryption is included, so that an old
/// copy of a cookie expires with the lifetime, whatever the browser does.
pub struct Sealer {
    ciphers: Vec<XChaCha20Poly1305>,
    purpose: &'static [u8],
}

/// Error of encrypting a session.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum SealError {
    /// The session does not fit into a cookie. Store less application data in it.
    #[error("the session is {0} bytes long, a cookie takes {LONGEST}: keep less in it")]
    TooLong(usize),
    /// No signing key is configured.
    #[error("there is no signing key")]
    NoKey,
}

impl Sealer {
    /// Creates a sealer for one purpose. It cannot decrypt values of another purpose.
    pub fn new(keys: &[Secret], purpose: &'static str) -> Self {
        let ciphers = keys
            .iter()
            .filter_map(|key| {
                let mut derived = [0_u8; 32];
                Hkdf::<Sha256>::new(Some(b"fs seal v1"), key.expose().as_bytes())
                    .expand(purpose.as_bytes(), &mut derived)
                    .ok()?;
                XChaCha20Poly1305::new_from_slice(&derived).ok()
            })
            .collect();
        Self { ciphers, purpose: purpose.as_bytes() }
    }

    /// Encrypts a session into the value of its cookie. `nonce` must be random and never used
    /// before.
    ///
    /// # Errors
    ///
    /// Returns [`SealError::TooLong`] if it does not fit into a cookie.
    pub fn seal(
        &self,
        session: &Session,
        now: Timestamp,
        nonce: [u8; NONCE],
    ) -> Result<String, SealError> {
        let json = serde_json::to_vec(session.state()).map_err(|_| SealError::NoKey)?;
        self.seal_json(&json, self.purpose, now, nonce)
    }

    /// Encrypts the application's data in a session into the value of the second cookie.
    ///
    /// It is a separate cookie, so that a handler that answers late does not restore an earlier
    /// sign-in together with its data.
    ///
    /// # Errors
    ///
    /// Returns [`SealError::TooLong`] if it does not fit into a cookie.
    pub fn seal_kept(
        &self,
        session: &Session,
        now: Timestamp,
        nonce: [u8; NONCE],
    ) -> Result<String, SealError> {
        let json = serde_json::to_vec(&session.to_kept()).map_err(|_| SealError::NoKey)?;
        self.seal_json(&json, &self.kept_purpose(), now, nonce)
    }

    fn kept_purpose(&self) -> Vec<u8> {
        [self.purpose, b" kept"].concat()
    }

    fn seal_json(
        &self,
        json: &[u8],
        purpose: &[u8],
        now: Timestamp,
        nonce: [u8; NONCE],
    ) -> Result<String, SealError> {
        let plain = [now.micros().to_be_bytes().as_slice(), json].concat();
        let text = self.seal_bytes(&plain, purpose, nonce).ok_or(SealError::NoKey)?;
        if text.len() > LONGEST { Err(SealError::TooLong(text.len())) } else { Ok(text) }
    }

    /// Decrypts the session of a cookie's value. Returns `None` if the value was not issued by this
    /// application, was altered, was encrypted more than `lifetime` ago, or is further in the
    /// future than [`CLOCK_LEEWAY`](crate::CLOCK_LEEWAY).
    pub fn open(&self, text: &str, now: Timestamp, lifetime: Duration) -> Option<Session> {
        let json = self.open_json(text, self.purpose, now, lifetime)?;
        serde_json::from_str(&json).ok().map(Session::from_state)
    }

    /// Adds the data of the second cookie to a session, if it belongs to the user of the session or
    /// to no user. A value that cannot be decrypted is ignored.
    pub fn open_kept(&self, session: &mut Session, text: &str, now: Timestamp, lifetime: Duration) {
        let json = self.open_json(text, &self.kept_purpose(), now, lifetime);
        let kept = json.and_then(|json| serde_json::from_str(&json).ok());
        session.take_kept(kept.unwrap_or_default());
    }

    fn open_json(
        &self,
        text: &str,
        purpose: &[u8],
        now: Timestamp,
        lifetime: Duration,
    ) -> Option<String> {
        if text.len() > 2 * LONGEST {
            return None;
        }
        let plain = self.open_bytes(text, purpose)?;
        let (stamp, json) = plain.split_first_chunk::<STAMP>()?;
        let sealed_at = Timestamp::from_micros(i64::from_be_bytes(*stamp));
        if now.age_of(sealed_at)? > lifetime {
            return None;
        }
        String::from_utf8(json.to_vec()).ok()
    }

    /// Encrypts a text for a store. Returns `None` if no key is configured. `nonce` must be random
    /// and never used before.
    pub(crate) fn seal_text(&self, text: &str, nonce: [u8; NONCE]) -> Option<String> {
        self.seal_bytes(text.as_bytes(), self.purpose, nonce)
    }

    /// Decrypts a text of [`seal_text`](Self::seal_text). Returns `None` for any other text.
    pub(crate) fn open_text(&self, sealed: &str) -> Option<String> {
        String::from_utf8(self.open_bytes(sealed, self.purpose)?).ok()
    }

    fn seal_bytes(&self, plain: &[u8], purpose: &[u8], nonce: [u8; NONCE]) -> Option<String> {
        let payload = Payload { msg: plain, aad: purpose };
        let sealed = self.ciphers.first()?.encrypt(&XNonce::from(nonce), payload).ok()?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(&bytes))
    }

    fn open_bytes(&self, text: &str, purpose: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&version, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        if version != VERSION {
            return None;
        }
        self.ciphers.iter().find_map(|cipher| {
            let payload = Payload { msg: sealed, aad: purpose };
            cipher.decrypt(&XNonce::from(*nonce), payload).ok()
        })
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn sealer(keys: &[&str]) -> Sealer {
        let keys: Vec<_> = keys.iter().map(|key| Secret::from(*key)).collect();
        Sealer::new(&keys, "session")
    }

    fn filled() -> Session {
        let mut session = Session::default();
        session.insert("cart", serde_json::json!([1, 2]));
        session.flash(crate::message::Category::Info, "hello");
        session
    }

    #[test]
    fn what_is_kept_is_in_a_cookie_of_its_own() {
        let now = Timestamp::from_secs(1_000);
        let sealer = sealer(&["a key"]);
        let session = sealer.seal(&filled(), now, [7; 24]).unwrap();
        let kept = sealer.seal_kept(&filled(), now, [8; 24]).unwrap();
        let mut opened = sealer.open(&session, now, DAY).unwrap();
        assert_eq!(opened.get("cart"), None);
        assert!(sealer.open(&kept, now, DAY).is_none(), "one is not taken for the other");
        sealer.open_kept(&mut opened, &session, now, DAY);
        assert_eq!(opened.get("cart"), None);
        sealer.open_kept(&mut opened, &kept, now, DAY);
        assert_eq!(opened.get("cart"), Some(&serde_json::json!([1, 2])));
        assert!(!opened.is_changed() && !opened.is_kept_changed());
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_altered() {
        let now = Timestamp::from_secs(1_000);
        let sealer = sealer(&["a key"]);
        let text = sealer.seal(&filled(), now, [7; 24]).unwrap();
        let mut opened = sealer.open(&text, now, DAY).unwrap();
        assert!(opened.take_flashes().iter().any(|flash| flash.text == "hello"));
        let opened = sealer.open(&text, now, DAY).unwrap();
        assert!(!opened.is_changed());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(sealer.open(&String::from_utf8(bytes).unwrap(), now, DAY).is_none(), "at {at}");
        }
    }

    #[test]
    fn keys_rotate_and_purposes_are_apart() {
        let now = Timestamp::from_secs(1_000);
        let old = sealer(&["old"]).seal(&filled(), now, [7; 24]).unwrap();
        assert!(sealer(&["new", "old"]).open(&old, now, DAY).is_some());
        assert!(sealer(&["new"]).open(&old, now, DAY).is_none());
        let other = Sealer::new(&[Secret::from("old")], "pending");
        assert!(other.open(&old, now, DAY).is_none());
    }

    #[test]
    fn a_copy_ends_with_its_lifetime() {
        let sealed_at = Timestamp::from_secs(1_000);
        let sealer = sealer(&["a key"]);
        let text = sealer.seal(&filled(), sealed_at, [7; 24]).unwrap();
        assert!(sealer.open(&text, sealed_at.plus(DAY), DAY).is_some());
        assert!(sealer.open(&text, sealed_at.plus(DAY + Duration::from_secs(1)), DAY).is_none());
        assert!(sealer.open(&text, sealed_at.minus(DAY), DAY).is_none());
        let leeway = crate::CLOCK_LEEWAY;
        assert!(sealer.open(&text, sealed_at.minus(leeway), DAY).is_some());
        assert!(sealer.open(&text, sealed_at.minus(leeway + leeway), DAY).is_none());
    }

    #[test]
    fn what_does_not_fit_a_cookie_is_refused() {
        let mut session = Session::default();
        session.insert("much", Value::from("x".repeat(4_000)));
        let sealed = sealer(&["a key"]).seal_kept(&session, Timestamp::EPOCH, [7; 24]);
        assert!(matches!(sealed, Err(SealError::TooLong(_))));
    }

    use serde_json::Value;
}
