//! Secrets in the format of passlib's `AppWallet` and `TOTP`, which Flask-Security uses.
//!
//! The format is JSON, encrypted with AES-256 in counter mode under a key from PBKDF2-HMAC-SHA256.
//! It has no authentication: an altered text decrypts to another secret. Use it only for databases
//! that are shared with Flask-Security, and migrate away from it.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{TotpSecret, WalletProblem};
use crate::secret::Secret;

/// Length of the salt that is written, in bytes.
pub(super) const SALT: usize = 12;

/// Binary logarithm of the number of rounds that is written, by passlib and here.
const COST: u8 = 14;

/// Maximum binary logarithm of the number of rounds that is read: a second of work.
const HIGHEST_COST: u8 = 20;

/// Encrypted secret to write. The fields are in the order of their names, as Python sorts them.
#[derive(Serialize)]
struct Written<'a> {
    enckey: EncryptedKey<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    v: u8,
}

#[derive(Serialize)]
struct EncryptedKey<'a> {
    c: u8,
    k: String,
    s: String,
    t: &'a str,
    v: u8,
}

/// Secret as passlib writes it. Default values are omitted: six digits, thirty seconds.
#[derive(Deserialize)]
pub(super) struct Stored {
    #[serde(rename = "type")]
    kind: String,
    v: u64,
    enckey: Option<StoredKey>,
    key: Option<Secret>,
    alg: Option<String>,
    digits: Option<u64>,
    period: Option<u64>,
}

#[derive(Deserialize)]
struct StoredKey {
    c: u64,
    k: String,
    s: String,
    t: String,
    v: u64,
}

pub(super) fn write(secret: &TotpSecret, tag: &str, key: &Secret, salt: &[u8; SALT]) -> String {
    let mut encrypted = secret.expose().to_vec();
    apply_cipher(&mut encrypted, key, salt, COST);
    let (k, s) = (BASE32_NOPAD.encode(&encrypted), BASE32_NOPAD.encode(salt));
    let enckey = EncryptedKey { c: COST, k, s, t: tag, v: 1 };
    #[expect(clippy::expect_used, reason = "texts and numbers are JSON")]
    serde_json::to_string(&Written { enckey, kind: "totp", v: 1 }).expect("it is JSON")
}

impl Stored {
    pub(super) fn read(text: &str) -> Result<Self, WalletProblem> {
        let stored: Self = serde_json::from_str(text).map_err(|_| WalletProblem::Malformed)?;
        let usual = stored.alg.as_deref().is_none_or(|alg| alg == "sha1")
            && stored.digits.is_none_or(|digits| digits == 6)
            && stored.period.is_none_or(|period| period == 30);
        if stored.kind != "totp" || stored.v != 1 || !usual {
            return Err(WalletProblem::Unsupported);
        }
        Ok(stored)
    }

    /// Returns the tag of the key with which it is encrypted, or `None` if it is not encrypted.
    pub(super) fn tag(&self) -> Option<&str> {
        self.enckey.as_ref().map(|key| key.t.as_str())
    }

    /// Decrypts the secret. `key` is the key of the [`tag`](Self::tag).
    pub(super) fn open(&self, key: Option<&Secret>) -> Result<TotpSecret, WalletProblem> {
        match (&self.enckey, &self.key) {
            (Some(encrypted), None) => encrypted.open(key.ok_or(WalletProblem::UnknownKey)?),
            (None, Some(plain)) => {
                TotpSecret::from_base32(plain.expose()).map_err(|_| WalletProblem::Malformed)
            }
            _ => Err(WalletProblem::Malformed),
        }
    }
}

impl StoredKey {
    fn open(&self, key: &Secret) -> Result<TotpSecret, WalletProblem> {
        let cost = u8::try_from(self.c).ok().filter(|cost| *cost <= HIGHEST_COST);
        let (Some(cost), 1) = (cost, self.v) else { return Err(WalletProblem::Unsupported) };
        let decode = |text: &str| BASE32_NOPAD.decode(text.trim_end_matches('=').as_bytes());
        let salt = decode(&self.s).map_err(|_| WalletProblem::Malformed)?;
        let secret = decode(&self.k).map_err(|_| WalletProblem::Malformed)?;
        let mut secret = Zeroizing::new(secret);
        apply_cipher(&mut secret, key, &salt, cost);
        TotpSecret::from_bytes(&secret).map_err(|_| WalletProblem::Malformed)
    }
}

/// Encrypts or decrypts, which is the same operation.
fn apply_cipher(octets: &mut [u8], key: &Secret, salt: &[u8], cost: u8) {
    let mut derived = Zeroizing::new([0; 48]);
    pbkdf2::pbkdf2_hmac::<Sha256>(key.expose().as_bytes(), salt, 1 << cost, derived.as_mut());
    let (aes_key, counter) = derived.split_at(32);
    #[expect(clippy::expect_used, reason = "the lengths are those of AES-256")]
    Ctr128BE::<Aes256>::new_from_slices(aes_key, counter)
        .expect("32 and 16 octets")
        .apply_keystream(octets);
}
