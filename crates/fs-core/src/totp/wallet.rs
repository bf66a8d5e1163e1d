//! Encryption of TOTP secrets for the database.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::TotpSecret;
use super::app_wallet::{self, Stored};
use crate::model::SealedSecret;
use crate::secret::Secret;
use crate::token::SigningKeys;
use crate::value_cipher::{SALT, ValueCipher};

/// Prefix of encrypted texts in our own format.
const PREFIX: &str = "fs2";

/// Maximum length of a tag. With it an encrypted text still fits the 255 characters of the column.
const LONGEST_TAG: usize = 64;

/// Maximum length of a text to decrypt, in bytes.
const LONGEST: usize = 2_048;

/// Format in which secrets are encrypted. Both formats can always be decrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletFormat {
    /// Our own format: AES-256-GCM with a key for each text, derived by HKDF-SHA256 and bound to
    /// the key's tag.
    #[default]
    Native,
    /// passlib's format, so that a Flask-Security application can share the database: AES-256-CTR
    /// with a key derived by PBKDF2. It has no authentication: someone who can write to the
    /// database can alter a secret unnoticed.
    Passlib,
}

/// Keys for the encryption of TOTP secrets: the newest one encrypts, all of them decrypt.
///
/// Keep a key as long as a secret is encrypted with it. Unencrypted texts of passlib and
/// `otpauth://` URIs can be opened as well.
///
/// ```
/// use std::collections::BTreeMap;
/// use fs_core::totp::{TotpSecret, Wallet, WalletFormat};
///
/// let keys = BTreeMap::from([("1".to_owned(), "a random text of 32 octets or more".into())]);
/// let wallet = Wallet::new(keys, WalletFormat::Native)?;
/// let secret = TotpSecret::from_random([7; 20]);
///
/// let sealed = wallet.seal(&secret, [42; 24]);
/// assert_eq!(wallet.open(&sealed)?, secret);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Wallet {
    newest: Key,
    older: Vec<Key>,
    format: WalletFormat,
}

#[derive(Clone)]
struct Key {
    tag: String,
    secret: Secret,
    cipher: ValueCipher,
}

/// Error in the keys of a wallet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalletKeyError {
    /// No key is given.
    #[error("there is no key to seal TOTP secrets with: set one, a random text of 32 octets")]
    None,
    /// The key with this tag is empty.
    #[error("the key {0:?} for TOTP secrets is empty: set a random text of 32 octets")]
    Empty(String),
    /// The text is not a valid tag.
    #[error(
        "{0:?} cannot be the tag of a key for TOTP secrets: take up to 64 of a-z, A-Z, 0-9, \
         and after the first of these also `_`, `.` and `-`"
    )]
    Tag(String),
}

/// Reason why a stored secret cannot be decrypted. It never contains the stored text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletProblem {
    /// The text has an unknown format.
    #[error("the stored TOTP secret is in no known format")]
    Malformed,
    /// The text was encrypted with a key that this wallet does not have.
    #[error("the stored TOTP secret was sealed with a key that is not configured any more")]
    UnknownKey,
    /// The text was altered, or its tag now belongs to another key.
    #[error("the stored TOTP secret was altered, or the key of its tag was replaced")]
    Altered,
    /// The format is known, but requires an unsupported version, algorithm, number of digits or
    /// period, or an absurd amount of work.
    #[error("the stored TOTP secret asks for a version or settings that are not supported")]
    Unsupported,
}

impl Wallet {
    /// Creates a wallet of tagged keys, such as Flask-Security's `TOTP_SECRETS`.
    ///
    /// The key with the greatest tag is the newest. Tags are compared as numbers if all of them are
    /// numbers, otherwise alphabetically.
    ///
    /// # Errors
    ///
    /// Returns [`WalletKeyError`] if there is no key, or a key or tag is invalid.
    pub fn new(
        keys: BTreeMap<String, Secret>,
        format: WalletFormat,
    ) -> Result<Self, WalletKeyError> {
        let numbers = keys.keys().all(|tag| tag.bytes().all(|octet| octet.is_ascii_digit()));
        let mut keys: Vec<_> = keys.into_iter().collect();
        if numbers {
            keys.sort_by(|(one, _), (other, _)| by_number(one, other));
        }
        let keys = keys.into_iter().rev().map(|(tag, secret)| Key::new(tag, secret));
        Self::of(keys.collect::<Result<_, _>>()?, format)
    }

    /// Creates a wallet of keys without tags, newest first. It encrypts in our own format.
    ///
    /// # Errors
    ///
    /// Returns [`WalletKeyError`] if there is no key, or a key or tag is invalid.
    pub fn from_keys(keys: &SigningKeys) -> Result<Self, WalletKeyError> {
        let key = |secret: &Secret| Key::new(tag_of(secret), secret.clone());
        Self::of(keys.iter().map(key).collect::<Result<_, _>>()?, WalletFormat::Native)
    }

    fn of(keys: Vec<Key>, format: WalletFormat) -> Result<Self, WalletKeyError> {
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(WalletKeyError::None)?;
        Ok(Self { newest, older: keys.collect(), format })
    }

    /// Encrypts a secret with the newest key. `random` must be random and never used before.
    ///
    /// passlib's format takes 16384 rounds of PBKDF2, some milliseconds.
    pub fn seal(&self, secret: &TotpSecret, random: [u8; SALT]) -> SealedSecret {
        let Key { tag, secret: key, .. } = &self.newest;
        SealedSecret::new(match self.format {
            WalletFormat::Native => self.newest.seal(secret, random),
            WalletFormat::Passlib => {
                let mut salt = [0; app_wallet::SALT];
                salt.iter_mut().zip(random).for_each(|(octet, random)| *octet = random);
                app_wallet::write(secret, tag, key, &salt)
            }
        })
    }

    /// Decrypts a text of [`seal`](Self::seal) or of passlib.
    ///
    /// # Errors
    ///
    /// Returns [`WalletProblem`] if the text cannot be decrypted.
    pub fn open(&self, sealed: &SealedSecret) -> Result<TotpSecret, WalletProblem> {
        let text = sealed.expose();
        if text.len() > LONGEST {
            return Err(WalletProblem::Malformed);
        }
        if let Some((tag, body)) = native_parts(text) {
            return self.key(tag).ok_or(WalletProblem::UnknownKey)?.open(body);
        }
        if text.starts_with("otpauth://") {
            return from_uri(text);
        }
        let stored = Stored::read(text)?;
        let key = stored.tag().and_then(|tag| self.key(tag));
        stored.open(key.map(|key| &key.secret))
    }

    /// Checks whether a stored secret has the current format and the newest key. If not, encrypt it
    /// again at the next opportunity.
    pub fn is_current(&self, sealed: &SealedSecret) -> bool {
        let text = sealed.expose();
        match self.format {
            WalletFormat::Native => {
                native_parts(text).is_some_and(|(tag, _)| tag == self.newest.tag)
            }
            WalletFormat::Passlib => {
                Stored::read(text).is_ok_and(|stored| stored.tag() == Some(&self.newest.tag))
            }
        }
    }

    fn key(&self, tag: &str) -> Option<&Key> {
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.tag == tag)
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wallet(..)")
    }
}

impl Key {
    fn new(tag: String, secret: Secret) -> Result<Self, WalletKeyError> {
        let letter = |octet: u8| octet.is_ascii_alphanumeric();
        let good = tag.bytes().next().is_some_and(letter)
            && tag.bytes().all(|octet| letter(octet) || matches!(octet, b'_' | b'.' | b'-'))
            && tag.len() <= LONGEST_TAG;
        if !good {
            return Err(WalletKeyError::Tag(tag));
        }
        if secret.is_empty() {
            return Err(WalletKeyError::Empty(tag));
        }
        let key = derive(&secret, &format!("seal {tag}"));
        #[expect(clippy::expect_used, reason = "HKDF-SHA256 takes keys of 32 octets")]
        let cipher = ValueCipher::new(&key).expect("HKDF-SHA256 takes keys of 32 octets");
        Ok(Self { tag, secret, cipher })
    }

    /// Encrypts a secret as `fs2:tag:`, followed by salt and ciphertext in base64url.
    fn seal(&self, secret: &TotpSecret, salt: [u8; SALT]) -> String {
        let head = format!("{PREFIX}:{}:", self.tag);
        let sealed = self.cipher.seal(secret.expose(), head.as_bytes(), salt);
        #[expect(clippy::expect_used, reason = "64 octets are not too long for the cipher")]
        let sealed = sealed.expect("64 octets are not too long");
        head + &BASE64URL_NOPAD.encode(&sealed)
    }

    fn open(&self, body: &str) -> Result<TotpSecret, WalletProblem> {
        let mut bytes = Zeroizing::new(
            BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| WalletProblem::Malformed)?,
        );
        if bytes.len() < SALT {
            return Err(WalletProblem::Malformed);
        }
        let head = format!("{PREFIX}:{}:", self.tag);
        let at = self.cipher.open(&mut bytes, head.as_bytes()).ok_or(WalletProblem::Altered)?;
        let secret = bytes.get(at).unwrap_or_default();
        TotpSecret::from_bytes(secret).map_err(|_| WalletProblem::Malformed)
    }
}

/// Returns the tag and the body of a text in our own format.
fn native_parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(PREFIX)?.strip_prefix(':')?.split_once(':')
}

/// Returns a tag for a key without one. It depends only on the key, and does not reveal it.
fn tag_of(secret: &Secret) -> String {
    let [a, b, c, d, ..] = *derive(secret, "tag");
    HEXLOWER.encode(&[a, b, c, d])
}

fn derive(secret: &Secret, what: &str) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 octets")]
    Hkdf::<Sha256>::new(Some(b"fs totp wallet v1"), secret.expose().as_bytes())
        .expand(what.as_bytes(), key.as_mut())
        .expect("HKDF-SHA256 gives up to 8160 octets");
    key
}

/// Compares strings of digits by their numeric value, whatever their length.
fn by_number(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn from_uri(text: &str) -> Result<TotpSecret, WalletProblem> {
    let totp = totp_rs::Totp::from_url_unchecked(text).map_err(|_| WalletProblem::Malformed)?;
    let usual =
        totp.algorithm() == totp_rs::Algorithm::SHA1 && totp.digits() == 6 && totp.step() == 30;
    if !usual {
        return Err(WalletProblem::Unsupported);
    }
    TotpSecret::from_bytes(totp.secret().as_bytes()).map_err(|_| WalletProblem::Malformed)
}
