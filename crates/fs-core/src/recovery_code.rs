//! Recovery codes, for users who lost their second factor.
//!
//! A user gets several codes, sees them once and keeps them on paper. Each is single-use and is
//! accepted wherever a second factor is required. Digests under a key of the application are
//! stored, so that a copy of the database does not reveal the codes. A code has 80 random bits;
//! NIST SP 800-63B-4, 4.2.1.1, requires 64.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::token::{SigningKeys, keyed};

/// Default number of codes for each user.
pub const RECOVERY_CODES: usize = 8;

/// Number of random bytes in a code.
const LENGTH: usize = 10;

/// Number of characters in a code without hyphens, of five bits each.
const LETTERS: usize = 16;
const GROUP: usize = 4;

/// Crockford's alphabet: without I, L and O, which look like digits, and without U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Maximum length of a text that is parsed as a code, in bytes.
const LONGEST_TYPED: usize = 128;

/// A recovery code in plain text, to be shown once.
///
/// ```
/// use fs_core::recovery_code::{RecoveryCode, RecoveryCodeHasher};
/// use fs_core::secret::Secret;
/// use fs_core::token::SigningKeys;
///
/// let keys = SigningKeys::new(vec![Secret::from("32 random octets or more, of course")])?;
/// let hasher = RecoveryCodeHasher::new(&keys);
/// let code = RecoveryCode::from_random([0, 68, 50, 20, 199, 66, 84, 182, 53, 207]);
/// assert_eq!(code.expose(), "0123-4567-89ab-cdef");
///
/// let stored = [hasher.hash(&code)];
/// assert_eq!(hasher.find(&stored, "O123 4567 89AB CDEF"), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RecoveryCode(Secret);

impl RecoveryCode {
    /// Creates a code from random bytes.
    pub fn from_random(bytes: [u8; LENGTH]) -> Self {
        let number = bytes.iter().fold(0_u128, |number, octet| number << 8 | u128::from(*octet));
        let mut text = String::with_capacity(LETTERS + LETTERS / GROUP);
        for at in 0..LETTERS {
            if at > 0 && at.is_multiple_of(GROUP) {
                text.push('-');
            }
            let bits = (number >> (5 * (LETTERS - 1 - at))) & 31;
            let letter = usize::try_from(bits).ok().and_then(|bits| ALPHABET.get(bits));
            text.extend(letter.map(|letter| char::from(*letter)));
        }
        Self(Secret::from(text))
    }

    /// Returns the code as it is shown: in lower case, in four groups of four with hyphens.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// Digest of a recovery code, as a store keeps it.
#[derive(Clone)]
pub struct RecoveryCodeHash([u8; 32]);

impl RecoveryCodeHash {
    /// Parses the result of [`to_text`](Self::to_text). Returns `None` for any other text.
    pub fn from_text(text: &str) -> Option<Self> {
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }

    /// Creates a hash from a digest of [`RecoveryCodeHasher`].
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Returns the text for a store: 43 characters of base64url.
    pub fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }
}

impl PartialEq for RecoveryCodeHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for RecoveryCodeHash {}

impl fmt::Debug for RecoveryCodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodeHash(..)")
    }
}

/// Hashes and finds recovery codes. Create one at the start: it derives its keys once.
///
/// The first signing key hashes; all of them are used to find a code. Removing a key invalidates
/// the codes that it hashed.
#[derive(Clone)]
pub struct RecoveryCodeHasher {
    newest: Hmac<Sha256>,
    all: Vec<Hmac<Sha256>>,
}

impl RecoveryCodeHasher {
    /// Derives the keys and creates the hasher.
    pub fn new(keys: &SigningKeys) -> Self {
        let all: Vec<_> = keys.iter().map(derive).collect();
        let newest = all.first().cloned().unwrap_or_else(|| keyed(&[]));
        Self { newest, all }
    }

    /// Returns the digest to store.
    pub fn hash(&self, code: &RecoveryCode) -> RecoveryCodeHash {
        let letters: Zeroizing<String> =
            Zeroizing::new(code.expose().chars().filter(|letter| *letter != '-').collect());
        digest(&self.newest, &letters)
    }

    /// Returns the index of the code that was typed, or `None` if it is not among the user's codes.
    ///
    /// Upper case, blanks, hyphens and letters that look like digits are accepted. All codes are
    /// compared, each in constant time. Remove the code in the commit that its use permits, with a
    /// guard that the codes are unchanged.
    pub fn find(&self, codes: &[RecoveryCodeHash], typed: &str) -> Option<usize> {
        let letters = normalise(typed)?;
        let mut found = None;
        for mac in &self.all {
            let typed = digest(mac, &letters);
            for (at, code) in codes.iter().enumerate() {
                if *code == typed {
                    found = Some(at);
                }
            }
        }
        found
    }
}

impl fmt::Debug for RecoveryCodeHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodeHasher(..)")
    }
}

fn derive(key: &Secret) -> Hmac<Sha256> {
    let mut derived = Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 octets")]
    Hkdf::<Sha256>::new(Some(b"fs recovery code v1"), key.expose().as_bytes())
        .expand(b"hash", derived.as_mut())
        .expect("HKDF-SHA256 gives up to 8160 octets");
    keyed(derived.as_ref())
}

fn digest(mac: &Hmac<Sha256>, letters: &str) -> RecoveryCodeHash {
    RecoveryCodeHash(mac.clone().chain_update(letters).finalize().into_bytes().into())
}

/// Returns the sixteen letters of the typed text, or `None` if it cannot be a code.
fn normalise(typed: &str) -> Option<Zeroizing<String>> {
    if typed.len() > LONGEST_TYPED {
        return None;
    }
    let mut letters = Zeroizing::new(String::with_capacity(LONGEST_TYPED));
    for letter in typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
        let letter = match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let known = u8::try_from(letter).is_ok_and(|octet| ALPHABET.contains(&octet));
        if !known {
            return None;
        }
        letters.push(letter);
    }
    (letters.len() == LETTERS).then_some(letters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hasher(keys: &[&str]) -> RecoveryCodeHasher {
        let keys = SigningKeys::new(keys.iter().map(|key| Secret::from(*key)).collect());
        RecoveryCodeHasher::new(&keys.unwrap())
    }

    fn codes() -> [RecoveryCode; 3] {
        [[0; 10], [0xff; 10], [8, 134, 66, 152, 232, 74, 150, 198, 185, 240]]
            .map(RecoveryCode::from_random)
    }

    #[test]
    fn codes_are_written_for_people() {
        let texts = codes().map(|code| code.expose().to_owned());
        assert_eq!(texts, ["0000-0000-0000-0000", "zzzz-zzzz-zzzz-zzzz", "1234-5678-9abc-defg"]);
    }

    #[test]
    fn the_code_that_was_typed_is_found_and_no_other() {
        let hasher = hasher(&["key"]);
        let stored = codes().map(|code| hasher.hash(&code));
        for (typed, at) in [
            ("1234-5678-9abc-defg", Some(2)),
            ("123456789abcdefg", Some(2)),
            (" L234 5678\t9ABC-DEFG\n", Some(2)),
            ("i234-5678-9abc-defg", Some(2)),
            ("oooo-OOOO-0000-oO0o", Some(0)),
            ("zzzz-zzzz-zzzz-zzzz", Some(1)),
            ("1234-5678-9abc-defh", None),
            ("1234-5678-9abc-def", None),
            ("1234-5678-9abc-defgg", None),
            ("u234-5678-9abc-defg", None),
            ("１234-5678-9abc-defg", None),
            ("", None),
            ("----", None),
        ] {
            assert_eq!(hasher.find(&stored, typed), at, "{typed:?}");
        }
        assert_eq!(hasher.find(&stored, &format!("123456789abcdefg{}", " ".repeat(128))), None);
        assert_eq!(hasher.find(&[], "1234-5678-9abc-defg"), None);
        assert_eq!(hasher.find(&stored[..2], "1234-5678-9abc-defg"), None);
    }

    #[test]
    fn keys_rotate() {
        let old = [hasher(&["old"]).hash(&codes()[0])];
        let typed = "0000-0000-0000-0000";
        assert_eq!(hasher(&["new", "old"]).find(&old, typed), Some(0));
        assert_eq!(hasher(&["new"]).find(&old, typed), None);
        let new = [hasher(&["new", "old"]).hash(&codes()[0])];
        assert_eq!(hasher(&["new"]).find(&new, typed), Some(0));
    }

    /// Codes on paper must work under the next version.
    #[test]
    fn the_digest_stays() {
        let text = hasher(&["key"]).hash(&codes()[2]).to_text();
        assert_eq!(text, "Y0UO2f6npqfy96HpPF54xGvu4mJC0ctUc2_FdLIaM1s");
        assert_eq!(RecoveryCodeHash::from_text(&text), Some(hasher(&["key"]).hash(&codes()[2])));
        for wrong in ["", "AAAA", "é", &format!("{text}A")] {
            assert_eq!(RecoveryCodeHash::from_text(wrong), None);
        }
    }

    #[test]
    fn nothing_is_shown() {
        let hasher = hasher(&["key"]);
        let shown = format!("{hasher:?} {:?} {:?}", codes()[0], hasher.hash(&codes()[0]));
        assert_eq!(shown, "RecoveryCodeHasher(..) RecoveryCode(..) RecoveryCodeHash(..)");
    }

    proptest! {
        #[test]
        fn every_code_is_found(bytes: [u8; LENGTH], other: [u8; LENGTH]) {
            prop_assume!(bytes != other);
            let hasher = hasher(&["key"]);
            let (code, other) = (RecoveryCode::from_random(bytes), RecoveryCode::from_random(other));
            let stored = [hasher.hash(&other), hasher.hash(&code)];
            prop_assert_eq!(hasher.find(&stored, code.expose()), Some(1));
            prop_assert_eq!(hasher.find(&stored, &code.expose().to_uppercase()), Some(1));
            prop_assert_eq!(hasher.find(&stored[..1], code.expose()), None);
        }

        #[test]
        fn no_text_panics(typed in "\\PC{0,140}") {
            let hasher = hasher(&["key"]);
            prop_assert_eq!(hasher.find(&[hasher.hash(&codes()[0])], &typed), None);
        }
    }
}
