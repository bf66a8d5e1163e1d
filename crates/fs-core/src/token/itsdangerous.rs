//! The timed, URL-safe format of Python's itsdangerous 2.
//!
//! The format is `payload.timestamp.signature`, each in base64url without padding. The payload is
//! JSON; if it is long and deflating makes it shorter, it is deflated and preceded by a dot. The
//! signature is an HMAC-SHA1 over everything before it, with a key derived from the secret and a
//! salt. Flask signs its session cookie in the same way, with another [`Derivation`].
//!
//! Texts from Python are accepted in any compression. Texts with stray characters in their base64,
//! which Python would ignore, are refused.

use std::io::{Read, Write};

use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::SigningKeys;
use super::timed::{MAX_TEXT, Opened, decode_time, encode_time, keyed};
use crate::Timestamp;

/// Maximum size of an inflated payload, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;

/// Derivation of the signing key from secret and salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// SHA-1 over the salt, the word `signer` and the secret: itsdangerous' default.
    DjangoConcat,
    /// HMAC-SHA1 over the salt, keyed with the secret: Flask's session cookie, salt
    /// `cookie-session`.
    Hmac,
}

/// Signs and opens texts of one salt. The keys are derived once, here.
#[derive(Clone)]
pub struct Signer {
    macs: Vec<Hmac<Sha1>>,
}

impl Signer {
    /// Creates a signer. It signs with the first key and verifies with all of them.
    pub fn new(keys: &SigningKeys, salt: &str, derivation: Derivation) -> Self {
        let derive = |secret: &str| match derivation {
            Derivation::DjangoConcat => {
                let text = [salt.as_bytes(), b"signer", secret.as_bytes()].concat();
                keyed(&Sha1::digest(text))
            }
            Derivation::Hmac => {
                let mac: Hmac<Sha1> = keyed(secret.as_bytes());
                keyed(&mac.chain_update(salt).finalize().into_bytes())
            }
        };
        Self { macs: keys.iter().map(|key| derive(key.expose())).collect() }
    }

    /// Signs `payload`, which is JSON. Python writes it without blanks, in UTF-8.
    pub fn sign(&self, payload: &[u8], now: Timestamp) -> String {
        let mut text = match deflate(payload) {
            Some(small) => format!(".{}", BASE64URL_NOPAD.encode(&small)),
            None => BASE64URL_NOPAD.encode(payload),
        };
        text.push('.');
        text.push_str(&encode_time(now));
        if let Some(mac) = self.macs.first() {
            let signature = mac.clone().chain_update(&text).finalize().into_bytes();
            text.push('.');
            BASE64URL_NOPAD.encode_append(&signature, &mut text);
        }
        text
    }

    /// Verifies a text of [`sign`](Self::sign) or Python. Returns `None` for any other text.
    pub fn open(&self, text: &str) -> Option<Opened> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let genuine =
            |mac: &Hmac<Sha1>| mac.clone().chain_update(signed).verify_slice(&signature).is_ok();
        let key = self.macs.iter().position(genuine)?;
        let (payload, time) = signed.rsplit_once('.')?;
        let issued_at = decode_time(time)?;
        let payload = match payload.strip_prefix('.') {
            Some(small) => inflate(&BASE64URL_NOPAD.decode(small.as_bytes()).ok()?)?,
            None => BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?,
        };
        Some(Opened { payload, issued_at, key })
    }
}

/// Length of a payload from which it is deflated, in bytes. Python deflates short ones too, which
/// saves a few characters and takes a hundred times as long as signing. Both accept either.
const LONG: usize = 256;

/// Returns the deflated payload, if it is at least two bytes shorter.
fn deflate(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() < LONG {
        return None;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(payload).ok()?;
    let small = encoder.finish().ok()?;
    (small.len() + 1 < payload.len()).then_some(small)
}

fn inflate(small: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    let read = ZlibDecoder::new(small).take(MAX_PAYLOAD + 1).read_to_end(&mut payload).ok()?;
    (read as u64 <= MAX_PAYLOAD).then_some(payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::secret::Secret;

    const ID: &str = "bd11075c07ba4ab4bc7437ebaeb19e71";
    const TIME: i64 = 1_700_000_000;

    fn signer(secrets: &[&str], salt: &str, derivation: Derivation) -> Signer {
        let keys = SigningKeys::new(secrets.iter().map(|text| Secret::from(*text)).collect());
        Signer::new(&keys.unwrap(), salt, derivation)
    }

    fn read(signer: &Signer, text: &str) -> Option<(serde_json::Value, i64)> {
        let opened = signer.open(text)?;
        Some((serde_json::from_slice(&opened.payload).unwrap(), opened.issued_at))
    }

    /// Test vectors of itsdangerous 2.2, with the secret `secret`.
    fn vectors() -> Vec<(&'static str, Derivation, serde_json::Value, &'static str)> {
        use Derivation::{DjangoConcat, Hmac};
        vec![
            (
                "remember-salt",
                DjangoConcat,
                json!([ID]),
                "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSJd.ZVPxAA.qqSFaQ9A3qO8HBcqlVwJ-Gbeph0",
            ),
            (
                "login-salt",
                DjangoConcat,
                json!([ID]),
                "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSJd.ZVPxAA.rU0qMV33WlMEXlzD_XIV6Mw8HQU",
            ),
            (
                "login-salt",
                DjangoConcat,
                json!(["é😀\u{7f}\n\""]),
                "WyLDqfCfmIB_XG5cIiJd.ZVPxAA.i6GfRFSo_j99uSfnxHDTKLDYBnM",
            ),
            (
                "tf-validity-salt",
                DjangoConcat,
                json!(ID),
                "ImJkMTEwNzVjMDdiYTRhYjRiYzc0MzdlYmFlYjE5ZTcxIg.ZVPxAA.uNYxxa0HapWkd-21ohBq75fDj5U",
            ),
            (
                "reset-salt",
                DjangoConcat,
                json!([ID, null]),
                "WyJiZDExMDc1YzA3YmE0YWI0YmM3NDM3ZWJhZWIxOWU3MSIsbnVsbF0.ZVPxAA.q50dmija8-bp605B6e67QXjXYPA",
            ),
            (
                "wtf-csrf-token",
                DjangoConcat,
                json!("ad70fb23f243d483da54528eaf1718ea36656304"),
                "ImFkNzBmYjIzZjI0M2Q0ODNkYTU0NTI4ZWFmMTcxOGVhMzY2NTYzMDQi.ZVPxAA.lXSmM1TDy5Oxhr7JEP_6a2ay8hs",
            ),
            (
                "cookie-session",
                Hmac,
                json!({"fs_cc": "clear"}),
                "eyJmc19jYyI6ImNsZWFyIn0.ZVPxAA.88XGEy5X418cj9KC_UcK8dVvjHE",
            ),
        ]
    }

    #[test]
    fn writes_and_reads_what_python_writes() {
        for (salt, derivation, payload, token) in vectors() {
            let signer = signer(&["secret"], salt, derivation);
            let json = serde_json::to_vec(&payload).unwrap();
            assert_eq!(signer.sign(&json, Timestamp::from_secs(TIME)), token, "{salt}");
            assert_eq!(read(&signer, token), Some((payload, TIME)), "{salt}");
        }
    }

    #[test]
    fn reads_what_python_compressed_and_compresses_what_is_long() {
        let signer = signer(&["secret"], "confirm-salt", Derivation::DjangoConcat);
        let payload = json!([ID, "5f4dcc3b5aa765d61d8327deb882cf99"]);
        let token = ".eJwFwbEVwCAIBcBdqFOIguAseSn4gPuPkLuXUMzDNIchJCBIk2WNaPBpY3pIr1TmgkbY1tpcvqZVw33mPYe-H8zDE9s.ZVPxAA.IGxMc21CRTCb81uKKIxPXgGnOBc";
        assert_eq!(read(&signer, token), Some((payload.clone(), TIME)));
        for (payload, deflated) in [(payload, false), (json!([ID.repeat(10)]), true)] {
            let json = serde_json::to_vec(&payload).unwrap();
            let ours = signer.sign(&json, Timestamp::from_secs(TIME));
            assert_eq!(ours.starts_with('.'), deflated);
            assert_eq!(read(&signer, &ours), Some((payload, TIME)));
        }
    }

    #[test]
    fn keys_rotate() {
        let old = signer(&["old"], "s", Derivation::DjangoConcat);
        let new = signer(&["new", "old"], "s", Derivation::DjangoConcat);
        let now = Timestamp::from_secs(TIME);
        assert_eq!(new.open(&old.sign(b"1", now)).unwrap().key, 1);
        assert_eq!(new.open(&new.sign(b"1", now)).unwrap().key, 0);
        assert!(old.open(&new.sign(b"1", now)).is_none());
    }

    #[test]
    fn salts_and_derivations_stand_apart() {
        let now = Timestamp::from_secs(TIME);
        let text = signer(&["k"], "a", Derivation::DjangoConcat).sign(b"1", now);
        assert!(signer(&["k"], "b", Derivation::DjangoConcat).open(&text).is_none());
        assert!(signer(&["k"], "a", Derivation::Hmac).open(&text).is_none());
    }

    #[test]
    fn a_bomb_does_not_inflate() {
        let signer = signer(&["k"], "s", Derivation::DjangoConcat);
        let now = Timestamp::from_secs(TIME);
        let fits = vec![b' '; 64 * 1024];
        assert_eq!(signer.open(&signer.sign(&fits, now)).unwrap().payload, fits);
        let bomb = vec![b' '; 4 << 20];
        let text = signer.sign(&bomb, now);
        assert!(text.len() < MAX_TEXT);
        assert!(signer.open(&text).is_none());
        assert!(signer.open(&"a.".repeat(1 << 20)).is_none());
    }

    proptest! {
        #[test]
        fn altered_texts_never_open(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
            let (salt, derivation, _, token) = &vectors()[0];
            let signer = signer(&["secret"], salt, *derivation);
            let mut bytes = token.as_bytes().to_vec();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(signer.open(std::str::from_utf8(&bytes).unwrap()).is_none());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}|[.A-Za-z0-9_-]{0,80}") {
            prop_assert!(signer(&["k"], "s", Derivation::DjangoConcat).open(&text).is_none());
        }

        #[test]
        fn every_payload_comes_back(payload in any::<Vec<u8>>(), seconds in 0..i64::MAX / 1_000_000) {
            let signer = signer(&["k"], "s", Derivation::Hmac);
            let opened = signer.open(&signer.sign(&payload, Timestamp::from_secs(seconds)));
            let opened = opened.unwrap();
            prop_assert_eq!(opened.payload, payload);
            prop_assert_eq!(opened.issued_at, seconds);
        }
    }
}
