//! Common parts of all signed, timed texts.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::digest::KeyInit;

use crate::Timestamp;

/// Maximum length of tokens and cookies, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024;

/// Signed text whose signature was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Signed payload, as JSON.
    pub payload: Vec<u8>,
    /// Time of signing, in seconds since the epoch.
    pub issued_at: i64,
    /// Index of the key that signed it.
    pub(crate) key: usize,
}

impl Opened {
    /// Returns `claims` if the text is not older than `max_age` and not further in the future than
    /// [`CLOCK_LEEWAY`](crate::CLOCK_LEEWAY), since another node's clock may be ahead.
    ///
    /// Ages are whole seconds. A token is still valid in the second in which it reaches `max_age`.
    /// With `None`, every age is accepted, even one in the future.
    ///
    /// # Errors
    ///
    /// Returns [`TokenProblem::Expired`] otherwise.
    pub fn in_time<C>(
        &self,
        claims: C,
        now: Timestamp,
        max_age: Option<Duration>,
    ) -> Result<C, TokenProblem<C>> {
        let age = now.age_of(Timestamp::from_secs(self.issued_at));
        match (max_age, age) {
            (None, _) => Ok(claims),
            (Some(max), Some(age)) if age.as_secs() <= max.as_secs() => Ok(claims),
            _ => Err(TokenProblem::Expired(claims)),
        }
    }
}

/// Reason why a token is not accepted. It deliberately contains no further details.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem<C> {
    /// The token was not issued by this application or not for this purpose, or it was altered.
    #[error("the token is invalid")]
    Invalid,
    /// The token is genuine but has expired; these are its claims. Use them only to send a new
    /// token to the same address, never to act on.
    #[error("the token has expired")]
    Expired(C),
}

/// Encodes the seconds since the epoch: big-endian, without leading zeros, in base64url.
pub(super) fn encode_time(now: Timestamp) -> String {
    let octets = now.as_secs().max(0).to_be_bytes();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    BASE64URL_NOPAD.encode(octets.get(zeros..).unwrap_or_default())
}

/// Decodes the result of [`encode_time`].
pub(super) fn decode_time(text: &str) -> Option<i64> {
    let zeros = 8_usize.checked_sub(BASE64URL_NOPAD.decode_len(text.len()).ok()?)?;
    let mut wide = [0; 8];
    BASE64URL_NOPAD.decode_mut(text.as_bytes(), wide.get_mut(zeros..)?).ok()?;
    i64::try_from(u64::from_be_bytes(wide)).ok()
}

/// Returns a keyed MAC, to be cloned for each text.
#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
pub(crate) fn keyed<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_whole_seconds_and_end_after_the_last() {
        let opened = Opened { payload: Vec::new(), issued_at: 1_000, key: 0 };
        let at = |micros: i64| Timestamp::from_micros(1_000_000_000 + micros);
        let max = Some(Duration::from_millis(5_900));
        assert_eq!(opened.in_time((), at(0), max), Ok(()));
        assert_eq!(opened.in_time((), at(5_999_999), max), Ok(()));
        assert_eq!(opened.in_time((), at(6_000_000), max), Err(TokenProblem::Expired(())));
        assert_eq!(opened.in_time((), at(-10_000_000), max), Ok(()));
        assert_eq!(opened.in_time((), at(-10_000_001), max), Err(TokenProblem::Expired(())));
        assert_eq!(opened.in_time((), at(-1), None), Ok(()));
        assert_eq!(opened.in_time((), Timestamp::MAX, None), Ok(()));
        assert_eq!(opened.in_time((), at(999_999), Some(Duration::ZERO)), Ok(()));
    }

    #[test]
    fn times_survive() {
        for seconds in [0, 1, 255, 256, 1_700_000_000, i64::from(u32::MAX) + 1] {
            assert_eq!(decode_time(&encode_time(Timestamp::from_secs(seconds))), Some(seconds));
        }
        assert_eq!(encode_time(Timestamp::from_secs(1_700_000_000)), "ZVPxAA");
        for wrong in ["A", "ZVPxA", "ZVPxAB==", "__________8", "AAAAAAAAAAAA", "ZVPx!A"] {
            assert_eq!(decode_time(wrong), None, "{wrong}");
        }
    }
}
