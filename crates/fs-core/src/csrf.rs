//! CSRF tokens, which prove that a request comes from a page of this application.
//!
//! A session holds a random [`CsrfSecret`]. Pages and JSON answers contain a signed token of it,
//! and a request that changes state must send one back. Other sites can make the browser send our
//! cookies, but they cannot read our pages. The HTTP layer decides which requests are checked; this
//! module decides whether a token is valid.

use std::fmt;
use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use subtle::ConstantTimeEq;

use crate::Timestamp;
use crate::secret::Secret;
use crate::token::{Codec, SigningKeys, TokenFormat, TokenProblem};

/// Length of a secret in bytes.
const LENGTH: usize = 20;

/// CSRF secret of a session, from which its tokens are made: 20 random bytes.
#[derive(Clone)]
pub struct CsrfSecret([u8; LENGTH]);

impl CsrfSecret {
    /// Creates a secret from random bytes.
    pub fn from_random(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses the result of [`to_text`](Self::to_text). Returns `None` for any other text.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut secret = [0; LENGTH];
        if text.len() != 2 * LENGTH {
            return None;
        }
        HEXLOWER.decode_mut(text.as_bytes(), &mut secret).ok().map(|_| Self(secret))
    }

    /// Returns the secret as 40 lower-case hexadecimal digits, like Flask-WTF's `csrf_token`.
    pub fn to_text(&self) -> Secret {
        Secret::from(HEXLOWER.encode(&self.0))
    }
}

impl PartialEq for CsrfSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CsrfSecret {}

impl fmt::Debug for CsrfSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfSecret(..)")
    }
}

/// Reason why a request failed the CSRF check. The variants are in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrfProblem {
    /// The request has no token.
    #[error("the CSRF token is missing")]
    TokenMissing,
    /// The session has no CSRF secret, because its cookie was removed or never sent.
    #[error("the session has no CSRF secret")]
    SessionMissing,
    /// The token has expired. A new page has a new token.
    #[error("the CSRF token has expired")]
    Expired,
    /// The token was not issued by this application, or was altered.
    #[error("the CSRF token is invalid")]
    Invalid,
    /// The token belongs to another session.
    #[error("the CSRF token belongs to another session")]
    Mismatch,
}

/// Issues and checks CSRF tokens. Create one at the start: it derives its keys once.
///
/// ```
/// use fs_core::Timestamp;
/// use fs_core::csrf::{CsrfSecret, CsrfSigner};
/// use fs_core::secret::Secret;
/// use fs_core::token::{SigningKeys, TokenFormat};
///
/// let keys = SigningKeys::new(vec![Secret::from("32 random octets or more, of course")])?;
/// let signer = CsrfSigner::new(&keys, TokenFormat::Native);
/// let now = Timestamp::from_secs(1_700_000_000);
/// let session = CsrfSecret::from_random([17; 20]);
///
/// let token = signer.issue(&session, [42; 20], now);
/// assert_eq!(signer.check(Some(token.expose()), Some(&session), now, None), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CsrfSigner {
    codec: Codec,
}

impl CsrfSigner {
    /// Derives the keys and creates the protection. The itsdangerous format is that of Flask-WTF.
    pub fn new(keys: &SigningKeys, format: TokenFormat) -> Self {
        Self { codec: Codec::new(keys, format, "wtf-csrf-token", "csrf") }
    }

    /// Issues a token for a session. `mask` must be 20 new random bytes for each answer.
    ///
    /// The secret is masked, so that no two answers contain the same text. This prevents an attack
    /// on compressed answers (BREACH). Flask-WTF's format has no mask.
    pub fn issue(&self, secret: &CsrfSecret, mask: [u8; LENGTH], now: Timestamp) -> Secret {
        match &self.codec {
            Codec::Native(_) => {
                let masked = [mask, xor(&secret.0, &mask)].concat();
                self.codec.seal(&BASE64URL_NOPAD.encode(&masked), now)
            }
            Codec::Itsdangerous(_) => self.codec.seal(secret.to_text().expose(), now),
        }
    }

    /// Checks the token of a request against the secret of its session.
    ///
    /// `limit` is the maximum age, in whole seconds. `None` disables expiry.
    ///
    /// # Errors
    ///
    /// Returns the first [`CsrfProblem`] that applies, in the order of its variants.
    pub fn check(
        &self,
        token: Option<&str>,
        secret: Option<&CsrfSecret>,
        now: Timestamp,
        limit: Option<Duration>,
    ) -> Result<(), CsrfProblem> {
        let token = token.filter(|token| !token.is_empty()).ok_or(CsrfProblem::TokenMissing)?;
        let secret = secret.ok_or(CsrfProblem::SessionMissing)?;
        let opened = self.codec.open(token).ok_or(CsrfProblem::Invalid)?;
        let text: String =
            serde_json::from_slice(&opened.payload).map_err(|_| CsrfProblem::Invalid)?;
        let text = opened.in_time(text, now, limit).map_err(|problem| match problem {
            TokenProblem::Expired(_) => CsrfProblem::Expired,
            TokenProblem::Invalid => CsrfProblem::Invalid,
        })?;
        let signed = match &self.codec {
            Codec::Native(_) => unmask(&text),
            Codec::Itsdangerous(_) => CsrfSecret::from_text(&text),
        };
        if signed.as_ref() == Some(secret) { Ok(()) } else { Err(CsrfProblem::Mismatch) }
    }
}

impl fmt::Debug for CsrfSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfSigner(..)")
    }
}

fn xor(one: &[u8; LENGTH], other: &[u8; LENGTH]) -> [u8; LENGTH] {
    let mut both = *one;
    both.iter_mut().zip(other).for_each(|(octet, other)| *octet ^= other);
    both
}

fn unmask(text: &str) -> Option<CsrfSecret> {
    let masked = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (mask, masked) = masked.split_first_chunk()?;
    Some(CsrfSecret(xor(masked.try_into().ok()?, mask)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
    const HOUR: Option<Duration> = Some(Duration::from_secs(3600));
    const FORMATS: [TokenFormat; 2] = [TokenFormat::Native, TokenFormat::Itsdangerous];

    fn signer(format: TokenFormat) -> CsrfSigner {
        CsrfSigner::new(&SigningKeys::new(vec![Secret::from("secret")]).unwrap(), format)
    }

    fn secret() -> CsrfSecret {
        CsrfSecret::from_text("ad70fb23f243d483da54528eaf1718ea36656304").unwrap()
    }

    #[test]
    fn writes_and_reads_flask_wtfs_token() {
        let token = "ImFkNzBmYjIzZjI0M2Q0ODNkYTU0NTI4ZWFmMTcxOGVhMzY2NTYzMDQi.ZVPxAA.lXSmM1TDy5Oxhr7JEP_6a2ay8hs";
        let signer = signer(TokenFormat::Itsdangerous);
        assert_eq!(signer.issue(&secret(), [0; 20], NOW).expose(), token);
        assert_eq!(signer.check(Some(token), Some(&secret()), NOW, HOUR), Ok(()));
    }

    #[test]
    fn problems_are_found_in_their_order() {
        for format in FORMATS {
            let signer = signer(format);
            let token = signer.issue(&secret(), [9; 20], NOW);
            let token = token.expose();
            let late = NOW.plus(Duration::from_secs(3601));
            let own = secret();
            let other = CsrfSecret::from_random([1; 20]);
            let foreign =
                CsrfSigner::new(&SigningKeys::new(vec![Secret::from("other")]).unwrap(), format)
                    .issue(&secret(), [9; 20], NOW);
            let is = |token, secret, now, problem| {
                assert_eq!(signer.check(token, secret, now, HOUR), Err(problem), "{format:?}");
            };
            is(None, None, NOW, CsrfProblem::TokenMissing);
            is(Some(""), Some(&own), NOW, CsrfProblem::TokenMissing);
            is(Some("nonsense"), None, NOW, CsrfProblem::SessionMissing);
            is(Some(token), Some(&other), late, CsrfProblem::Expired);
            is(Some(foreign.expose()), Some(&own), late, CsrfProblem::Invalid);
            is(Some("nonsense"), Some(&own), NOW, CsrfProblem::Invalid);
            is(Some(token), Some(&other), NOW, CsrfProblem::Mismatch);
            assert_eq!(signer.check(Some(token), Some(&secret()), late, None), Ok(()));
        }
    }

    #[test]
    fn tokens_of_one_session_differ_and_all_work() {
        let signer = signer(TokenFormat::Native);
        let tokens = [[1; 20], [2; 20]].map(|mask| signer.issue(&secret(), mask, NOW));
        let payload = |token: &Secret| token.expose().split('.').nth(1).unwrap().to_owned();
        assert_ne!(payload(&tokens[0]), payload(&tokens[1]));
        for token in &tokens {
            assert_eq!(signer.check(Some(token.expose()), Some(&secret()), NOW, HOUR), Ok(()));
        }
    }

    #[test]
    fn secrets_are_40_small_digits_and_stay_hidden() {
        assert_eq!(secret().to_text().expose(), "ad70fb23f243d483da54528eaf1718ea36656304");
        for text in ["", "ad70", "AD70FB23F243D483DA54528EAF1718EA36656304", "é"] {
            assert_eq!(CsrfSecret::from_text(text), None);
        }
        assert_eq!(format!("{:?}", secret()), "CsrfSecret(..)");
    }

    proptest! {
        #[test]
        fn every_mask_comes_off(secret: [u8; 20], mask: [u8; 20]) {
            let (signer, secret) = (signer(TokenFormat::Native), CsrfSecret(secret));
            let token = signer.issue(&secret, mask, NOW);
            prop_assert_eq!(signer.check(Some(token.expose()), Some(&secret), NOW, HOUR), Ok(()));
        }

        #[test]
        fn altered_tokens_never_pass(
            native: bool,
            at in any::<prop::sample::Index>(),
            byte in 0_u8..128,
        ) {
            let signer = signer(FORMATS[usize::from(native)]);
            let mut bytes = signer.issue(&secret(), [3; 20], NOW).expose().as_bytes().to_vec();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(signer.check(Some(&text), Some(&secret()), NOW, HOUR).is_err());
        }

        #[test]
        fn no_text_passes_or_panics(text in "\\PC{0,60}|(v1)?[.A-Za-z0-9_-]{0,120}") {
            for format in FORMATS {
                prop_assert!(signer(format).check(Some(&text), Some(&secret()), NOW, None).is_err());
            }
        }
    }
}
