//! The secret that is shared with an authenticator app.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Number of characters of a group, for display.
const GROUP: usize = 4;

/// Maximum length of a text that is parsed as base 32, in bytes.
const LONGEST_TEXT: usize = 256;

/// Secret of one authenticator of one user. Anyone who has it can compute every code.
///
/// New secrets have 20 bytes, as RFC 4226 recommends. Imported ones have 10 to 64; shorter ones are
/// refused, even if another system stored them.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

/// Error for a text or key that cannot be a TOTP secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a TOTP secret: it takes 10 to 64 octets, written in base 32")]
pub struct NotATotpSecret;

impl TotpSecret {
    /// Creates a secret from random bytes.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Creates a secret from bytes of another system.
    ///
    /// # Errors
    ///
    /// Returns [`NotATotpSecret`] if it is shorter than 10 bytes or longer than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotATotpSecret> {
        if !(10..=64).contains(&bytes.len()) {
            return Err(NotATotpSecret);
        }
        Ok(Self(Zeroizing::new(bytes.to_vec())))
    }

    /// Parses base 32 as users and apps write it: in upper or lower case, with or without blanks,
    /// hyphens and padding.
    ///
    /// # Errors
    ///
    /// Returns [`NotATotpSecret`] if the text is not base 32, or the secret is too short or too
    /// long.
    ///
    /// ```
    /// use fs_core::totp::TotpSecret;
    ///
    /// let secret = TotpSecret::from_base32("qzyg 4lif ya4g plcv vi2q nqay 4o6b pqsy")?;
    /// assert_eq!(secret.to_base32().expose(), "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY");
    /// # Ok::<(), fs_core::totp::NotATotpSecret>(())
    /// ```
    pub fn from_base32(text: &str) -> Result<Self, NotATotpSecret> {
        if text.len() > LONGEST_TEXT {
            return Err(NotATotpSecret);
        }
        let mut clean = Zeroizing::new(String::with_capacity(LONGEST_TEXT));
        let kept = |letter: &char| !letter.is_whitespace() && !matches!(letter, '-' | '=');
        clean.extend(text.chars().filter(kept).map(|letter| letter.to_ascii_uppercase()));
        let bytes = BASE32_NOPAD.decode(clean.as_bytes()).map_err(|_| NotATotpSecret)?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }

    /// Returns the secret in base 32 without padding, as in URIs and JSON answers.
    pub fn to_base32(&self) -> Secret {
        Secret::from(BASE32_NOPAD.encode(&self.0))
    }

    /// Returns the secret in base 32, in groups of four with hyphens, for users who type it into
    /// their app.
    pub fn to_groups(&self) -> Secret {
        let text = Zeroizing::new(BASE32_NOPAD.encode(&self.0));
        let mut groups = String::with_capacity(2 * text.len());
        for (at, letter) in text.chars().enumerate() {
            if at > 0 && at.is_multiple_of(GROUP) {
                groups.push('-');
            }
            groups.push(letter);
        }
        Secret::from(groups)
    }

    /// Returns the bytes, for a cipher or a MAC.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for TotpSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TotpSecret {}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_written_for_apps_and_for_people() {
        let secret = TotpSecret::from_random(*b"12345678901234567890");
        assert_eq!(secret.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(secret.to_groups().expose(), "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ");
        assert_eq!(format!("{secret:?}"), "TotpSecret(..)");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let long = "A".repeat(LONGEST_TEXT + 1);
        for text in ["", "GEZD", "GEZDGNBVGY3TQOJ0", "GEZDGNBVGY3TQOJ1", "ＧEZDGNBVGY3TQOJQ", &long]
        {
            assert_eq!(TotpSecret::from_base32(text), Err(NotATotpSecret), "{text}");
        }
        assert!(TotpSecret::from_bytes(&[0; 9]).is_err());
        assert!(TotpSecret::from_bytes(&[0; 65]).is_err());
    }

    proptest! {
        #[test]
        fn every_secret_comes_back(bytes in prop::collection::vec(any::<u8>(), 10..=64)) {
            let secret = TotpSecret::from_bytes(&bytes).unwrap();
            for text in [secret.to_base32(), secret.to_groups()] {
                prop_assert_eq!(TotpSecret::from_base32(text.expose()).unwrap(), secret.clone());
                let small = text.expose().to_lowercase();
                prop_assert_eq!(TotpSecret::from_base32(&small).unwrap(), secret.clone());
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = TotpSecret::from_base32(&text);
        }
    }
}
