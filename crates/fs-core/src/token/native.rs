//! Our own token format.
//!
//! The format is `v1.payload.timestamp.mac`, the last three in base64url without padding: JSON, the
//! seconds since the epoch as in itsdangerous, and an HMAC-SHA256 over everything before it. The
//! key of each purpose is derived from the signing key by HKDF-SHA256 (RFC 5869), with the
//! configured salt as salt and the purpose as info. So the purposes are separate even if two salts
//! are equal.

use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::SigningKeys;
use super::timed::{MAX_TEXT, Opened, decode_time, encode_time, keyed};
use crate::Timestamp;

const VERSION: &str = "v1";

/// Length of the MAC of a token, in bytes.
const MAC: usize = 32;

/// Length of the MAC that binds a token to a text, in bytes. Under a secret key, 128 bits suffice.
const TIE: usize = 16;

/// Signs and opens texts of one purpose.
#[derive(Clone)]
pub(crate) struct Signer {
    keys: Vec<Keys>,
}

#[derive(Clone)]
struct Keys {
    sign: Hmac<Sha256>,
    tie: Hmac<Sha256>,
}

impl Signer {
    pub(crate) fn new(keys: &SigningKeys, salt: &str, purpose: &str) -> Self {
        let keys = keys.iter().map(|key| {
            let hkdf = Hkdf::<Sha256>::new(Some(salt.as_bytes()), key.expose().as_bytes());
            Keys { sign: derive(&hkdf, purpose, "sign"), tie: derive(&hkdf, purpose, "tie") }
        });
        Self { keys: keys.collect() }
    }

    pub(crate) fn sign(&self, payload: &[u8], now: Timestamp) -> String {
        let mut text =
            format!("{VERSION}.{}.{}", BASE64URL_NOPAD.encode(payload), encode_time(now));
        if let Some(keys) = self.keys.first() {
            let mac = keys.sign.clone().chain_update(&text).finalize().into_bytes();
            text.push('.');
            BASE64URL_NOPAD.encode_append(&mac, &mut text);
        }
        text
    }

    pub(crate) fn open(&self, text: &str) -> Option<Opened> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (signed, mac) = text.rsplit_once('.')?;
        let mac = decode_mac(mac)?;
        let genuine =
            |keys: &Keys| keys.sign.clone().chain_update(signed).verify_slice(&mac).is_ok();
        let key = self.keys.iter().position(genuine)?;
        let (payload, time) = signed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
        Some(Opened { payload, issued_at: decode_time(time)?, key })
    }

    /// Returns a short MAC of `text` for a token, which does not reveal the text.
    pub(crate) fn tie(&self, text: &str) -> String {
        let Some(keys) = self.keys.first() else { return String::new() };
        let mac = keys.tie.clone().chain_update(text).finalize().into_bytes();
        BASE64URL_NOPAD.encode(mac.get(..TIE).unwrap_or_default())
    }

    /// Checks whether `tie` is the MAC of `text` under the key with this index.
    pub(crate) fn is_tied(&self, key: usize, tie: &str, text: &str) -> bool {
        let (Some(keys), Ok(tie)) = (self.keys.get(key), BASE64URL_NOPAD.decode(tie.as_bytes()))
        else {
            return false;
        };
        tie.len() == TIE && keys.tie.clone().chain_update(text).verify_truncated_left(&tie).is_ok()
    }
}

/// Decodes a MAC without allocating.
fn decode_mac(text: &str) -> Option<[u8; MAC]> {
    let mut mac = [0; MAC];
    if BASE64URL_NOPAD.decode_len(text.len()) != Ok(MAC) {
        return None;
    }
    BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut mac).ok().map(|_| mac)
}

fn derive(hkdf: &Hkdf<Sha256>, purpose: &str, what: &str) -> Hmac<Sha256> {
    let mut key = [0; 32];
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 octets")]
    hkdf.expand(format!("fs {VERSION} {purpose} {what}").as_bytes(), &mut key)
        .expect("HKDF-SHA256 gives up to 8160 octets");
    keyed(&key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    fn signer(secrets: &[&str], salt: &str, purpose: &str) -> Signer {
        let keys = SigningKeys::new(secrets.iter().map(|text| Secret::from(*text)).collect());
        Signer::new(&keys.unwrap(), salt, purpose)
    }

    /// Tokens of one version must verify under the next.
    #[test]
    fn the_format_stays() {
        let text =
            signer(&["secret"], "salt", "auth").sign(b"[1]", Timestamp::from_secs(1_700_000_000));
        assert_eq!(text, "v1.WzFd.ZVPxAA.ZmzW2zjQrKmnkesUeAVqLCWIIqz8p9PQoGpDOqLs-Qw");
    }

    #[test]
    fn keys_rotate() {
        let old = signer(&["old"], "s", "p");
        let new = signer(&["new", "old"], "s", "p");
        let now = Timestamp::from_secs(5);
        let opened = new.open(&old.sign(b"1", now)).unwrap();
        assert_eq!((opened.key, opened.issued_at), (1, 5));
        assert!(new.is_tied(1, &old.tie("text"), "text"));
        assert!(!new.is_tied(0, &old.tie("text"), "text"));
        assert!(old.open(&new.sign(b"1", now)).is_none());
    }

    #[test]
    fn purposes_and_salts_stand_apart() {
        let now = Timestamp::EPOCH;
        let text = signer(&["k"], "s", "a").sign(b"1", now);
        assert!(signer(&["k"], "s", "b").open(&text).is_none());
        assert!(signer(&["k"], "t", "a").open(&text).is_none());
        assert!(signer(&["l"], "s", "a").open(&text).is_none());
    }

    #[test]
    fn ties_hold_one_text_and_their_full_length() {
        let signer = signer(&["k"], "s", "p");
        let tie = signer.tie("text");
        assert!(signer.is_tied(0, &tie, "text"));
        assert!(!signer.is_tied(0, &tie, "texT"));
        assert!(!signer.is_tied(1, &tie, "text"));
        let short = BASE64URL_NOPAD.encode(&BASE64URL_NOPAD.decode(tie.as_bytes()).unwrap()[..8]);
        assert!(!signer.is_tied(0, &short, "text"));
        assert!(!signer.is_tied(0, "", "text"));
    }

    proptest! {
        #[test]
        fn altered_texts_never_open(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
            let signer = signer(&["secret"], "salt", "auth");
            let mut bytes = signer.sign(b"[\"x\"]", Timestamp::from_secs(1)).into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(signer.open(std::str::from_utf8(&bytes).unwrap()).is_none());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}|(v1)?[.A-Za-z0-9_-]{0,80}") {
            let signer = signer(&["k"], "s", "p");
            prop_assert!(signer.open(&text).is_none());
            prop_assert!(!signer.is_tied(0, &text, "text"));
        }
    }
}
