//! Encrypts sessions for cookies: AES-256-GCM, with a key for each value.

use std::ops::Range;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::Sha256;

use super::Session;
use crate::Timestamp;
use crate::secret::Secret;
use crate::value_cipher::{SALT, ValueCipher};

const VERSION: u8 = 2;
const STAMP: usize = 8;
/// Maximum length of a cookie's value in bytes. Browsers accept 4096 bytes with name and
/// attributes.
const LONGEST: usize = 3_800;

/// Encrypts sessions into cookie values and decrypts them, with AES-256-GCM and a key for each
/// value.
///
/// The first key encrypts and all of them decrypt, so that keys can be rotated. The number of
/// values under one key needs no limit. The time of encryption is included, so that an old copy of
/// a cookie expires with the lifetime, whatever the browser does.
pub struct Sealer {
    keys: Vec<ValueCipher>,
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
        let keys = keys
            .iter()
            .filter_map(|key| {
                let mut derived = [0_u8; 32];
                Hkdf::<Sha256>::new(Some(b"fs seal v2"), key.expose().as_bytes())
                    .expand(purpose.as_bytes(), &mut derived)
                    .ok()?;
                ValueCipher::new(&derived)
            })
            .collect();
        Self { keys, purpose: purpose.as_bytes() }
    }

    /// Encrypts a session into the value of its cookie. `salt` must be random and never used
    /// before.
    ///
    /// # Errors
    ///
    /// Returns [`SealError::TooLong`] if it does not fit into a cookie.
    pub fn seal(
        &self,
        session: &Session,
        now: Timestamp,
        salt: [u8; SALT],
    ) -> Result<String, SealError> {
        let state = minicbor::to_vec(session.state()).map_err(|_| SealError::NoKey)?;
        self.seal_at(&state, self.purpose, now, salt)
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
        salt: [u8; SALT],
    ) -> Result<String, SealError> {
        let json = serde_json::to_vec(&session.to_kept()).map_err(|_| SealError::NoKey)?;
        self.seal_at(&json, &self.kept_purpose(), now, salt)
    }

    fn kept_purpose(&self) -> Vec<u8> {
        [self.purpose, b" kept"].concat()
    }

    fn seal_at(
        &self,
        content: &[u8],
        purpose: &[u8],
        now: Timestamp,
        salt: [u8; SALT],
    ) -> Result<String, SealError> {
        let plain = [now.as_micros().to_be_bytes().as_slice(), content].concat();
        let text = self.seal_bytes(&plain, purpose, salt).ok_or(SealError::NoKey)?;
        if text.len() > LONGEST { Err(SealError::TooLong(text.len())) } else { Ok(text) }
    }

    /// Decrypts the session of a cookie's value. Returns `None` if the value was not issued by this
    /// application, was altered, was encrypted more than `lifetime` ago, or is further in the
    /// future than [`CLOCK_LEEWAY`](crate::CLOCK_LEEWAY).
    pub fn open(&self, text: &str, now: Timestamp, lifetime: Duration) -> Option<Session> {
        let plain = self.open_bytes(text, self.purpose)?;
        let state = in_time(plain.as_slice(), now, lifetime)?;
        minicbor::decode(state).ok().map(Session::from_state)
    }

    /// Adds the data of the second cookie to a session, if it belongs to the user of the session or
    /// to no user. A value that cannot be decrypted is ignored.
    pub fn open_kept(&self, session: &mut Session, text: &str, now: Timestamp, lifetime: Duration) {
        let plain = self.open_bytes(text, &self.kept_purpose());
        let json = plain.as_ref().and_then(|plain| in_time(plain.as_slice(), now, lifetime));
        let kept = json.and_then(|json| serde_json::from_slice(json).ok());
        session.take_kept(kept.unwrap_or_default());
    }

    /// Encrypts a text for a store. Returns `None` if no key is configured. `salt` must be random
    /// and never used before.
    pub(crate) fn seal_text(&self, text: &str, salt: [u8; SALT]) -> Option<String> {
        self.seal_bytes(text.as_bytes(), self.purpose, salt)
    }

    /// Decrypts a text of [`seal_text`](Self::seal_text). Returns `None` for any other text.
    pub(crate) fn open_text(&self, sealed: &str) -> Option<String> {
        let plain = self.open_bytes(sealed, self.purpose)?;
        String::from_utf8(plain.as_slice().to_vec()).ok()
    }

    fn seal_bytes(&self, plain: &[u8], purpose: &[u8], salt: [u8; SALT]) -> Option<String> {
        let sealed = self.keys.first()?.seal(plain, purpose, salt)?;
        Some(URL_SAFE_NO_PAD.encode([[VERSION].as_slice(), &sealed].concat()))
    }

    fn open_bytes(&self, text: &str, purpose: &[u8]) -> Option<Plain> {
        if text.len() > 2 * LONGEST {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&mut version, sealed) = bytes.split_first_mut()?;
        if version != VERSION {
            return None;
        }
        let at = self.keys.iter().find_map(|key| key.open(sealed, purpose))?;
        Some(Plain { bytes, at: at.start + 1..at.end + 1 })
    }
}

/// Decrypted value, at its place in the decoded text.
struct Plain {
    bytes: Vec<u8>,
    at: Range<usize>,
}

impl Plain {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.at.clone()).unwrap_or_default()
    }
}

/// Returns the content of a value that was encrypted at most `lifetime` ago.
fn in_time(plain: &[u8], now: Timestamp, lifetime: Duration) -> Option<&[u8]> {
    let (stamp, content) = plain.split_first_chunk::<STAMP>()?;
    let sealed_at = Timestamp::from_micros(i64::from_be_bytes(*stamp));
    (now.age_of(sealed_at)? <= lifetime).then_some(content)
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
