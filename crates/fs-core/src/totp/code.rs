//! Generation and verification of codes.

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::TotpSecret;
use crate::model::SessionKey;
use crate::port::SpentSecret;
use crate::secret::Secret;
use crate::token::keyed;
use crate::{CLOCK_LEEWAY, Timestamp};

/// Maximum length of a text that is parsed as a code, in bytes.
const LONGEST_TYPED: usize = 64;

/// Maximum number of steps of a window to either side.
const FARTHEST: u64 = 1_000;

/// Number of a time step, counted from 1970. Each step has one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u64);

/// Window of accepted steps around the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// This many steps to either side. RFC 6238 recommends one.
    Steps(u64),
    /// All steps within this time to either side, even partly. This is Flask-Security's behaviour:
    /// 120 seconds are nine steps, 300 are twenty-one.
    Seconds(#[serde(with = "crate::config::spans")] Duration),
    /// All steps within this time before now, even partly. It is for sent codes, which cannot
    /// arrive before their time. The node that sent the code may be ahead by
    /// [`CLOCK_LEEWAY`](crate::CLOCK_LEEWAY).
    Back(#[serde(with = "crate::config::spans")] Duration),
}

impl Window {
    /// Returns how far the window reaches into the past.
    pub(crate) fn reach(self, period: Duration) -> Duration {
        match self {
            Self::Steps(steps) => {
                period.saturating_mul(u32::try_from(steps.min(FARTHEST)).unwrap_or(u32::MAX))
            }
            Self::Seconds(span) | Self::Back(span) => span,
        }
    }
}

impl Default for Window {
    /// Returns a window of one step to either side.
    fn default() -> Self {
        Self::Steps(1)
    }
}

/// Number of digits of codes, and duration of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotpRules {
    digits: u8,
    period: u64,
}

/// Error for rules that apps do not support or that are not safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TotpRulesError {
    /// The number of digits is not from 6 to 8.
    #[error("codes have 6, 7 or 8 digits, not {0}")]
    Digits(u8),
    /// The duration of a step is not from 15 to 120 whole seconds.
    #[error("a step lasts from 15 to 120 whole seconds, not {0:?}")]
    Period(Duration),
}

impl Default for TotpRules {
    /// Returns rules of 6 digits and 30 seconds, which every app supports.
    fn default() -> Self {
        Self { digits: 6, period: 30 }
    }
}

impl TotpRules {
    /// Creates rules with this number of digits and this duration of a step. Many apps silently
    /// ignore values other than 6 digits and 30 seconds, so test before you rely on others.
    ///
    /// # Errors
    ///
    /// Returns [`TotpRulesError`] unless codes have 6 to 8 digits (RFC 4226) and steps last from 15
    /// to 120 whole seconds (at most two minutes: NIST SP 800-63B-4, 3.1.4).
    pub fn new(digits: u8, period: Duration) -> Result<Self, TotpRulesError> {
        if !(6..=8).contains(&digits) {
            return Err(TotpRulesError::Digits(digits));
        }
        if !(15..=120).contains(&period.as_secs()) || period.subsec_nanos() != 0 {
            return Err(TotpRulesError::Period(period));
        }
        Ok(Self { digits, period: period.as_secs() })
    }

    /// Returns the number of digits of a code.
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// Returns the duration of a step.
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.period)
    }

    /// Returns the step of a time. Times before 1970 are in the first step.
    pub fn step_at(&self, now: Timestamp) -> Step {
        Step(seconds(now) / self.period)
    }

    /// Returns the code at a time, as an app shows it and as it is sent by mail or text message.
    ///
    /// ```
    /// use fs_core::Timestamp;
    /// use fs_core::totp::{TotpRules, TotpSecret, Window};
    ///
    /// let rules = TotpRules::default();
    /// let secret = TotpSecret::from_base32("QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY")?;
    /// let now = Timestamp::from_secs(1_700_000_000);
    ///
    /// assert_eq!(rules.code_at(&secret, now).expose(), "047151");
    /// let step = rules.check(&secret, "047 151", now, Window::default(), None);
    /// assert_eq!(step, Some(rules.step_at(now)));
    /// # Ok::<(), fs_core::totp::NotATotpSecret>(())
    /// ```
    pub fn code_at(&self, secret: &TotpSecret, now: Timestamp) -> Secret {
        Secret::from(self.generator(secret).generate(seconds(now)).to_string())
    }

    /// Returns the code of a step.
    pub fn code_of(&self, secret: &TotpSecret, step: Step) -> Secret {
        let at = step.0.saturating_mul(self.period);
        Secret::from(self.generator(secret).generate(at).to_string())
    }

    /// Returns the step whose code was typed, or `None` if it is not in the window.
    ///
    /// Blanks, `-` and `=` in the typed text are ignored. The rest must be the digits 0 to 9, as
    /// many as a code has. Steps up to and including `after` are refused, if given. All candidates
    /// are compared, each in constant time.
    ///
    /// Spend the step in the commit that the code permits, see [`spent`]; otherwise the code can be
    /// replayed.
    pub fn check(
        &self,
        secret: &TotpSecret,
        typed: &str,
        now: Timestamp,
        window: Window,
        after: Option<Step>,
    ) -> Option<Step> {
        self.find(secret, typed, self.candidates(now, window), after)
    }

    /// Returns the step whose code was typed, among the `steps` that follow the present one. Use it
    /// only for codes that were sent ahead of their time.
    pub(crate) fn check_ahead(
        &self,
        secret: &TotpSecret,
        typed: &str,
        now: Timestamp,
        steps: u64,
    ) -> Option<Step> {
        let present = self.step_at(now).0;
        let ahead = present.saturating_add(1)..=present.saturating_add(steps.min(FARTHEST));
        self.find(secret, typed, ahead, None)
    }

    fn find(
        &self,
        secret: &TotpSecret,
        typed: &str,
        candidates: RangeInclusive<u64>,
        after: Option<Step>,
    ) -> Option<Step> {
        let typed = self.clean(typed)?;
        let generator = self.generator(secret);
        let mut found = None;
        for step in candidates {
            let code = Zeroizing::new(generator.generate(step * self.period).to_string());
            let same: bool = code.as_bytes().ct_eq(typed.as_bytes()).into();
            if same && found.is_none() && after.is_none_or(|after| Step(step) > after) {
                found = Some(Step(step));
            }
        }
        found
    }

    /// Returns the time from which the step is outside of the window on every node. From then on,
    /// the record that it was spent may be removed.
    pub fn closed_at(&self, step: Step, window: Window) -> Timestamp {
        let end = step.0.saturating_add(1).saturating_mul(self.period);
        let (steps, span) = match window {
            Window::Steps(steps) => (steps.min(FARTHEST), Duration::ZERO),
            Window::Seconds(span) | Window::Back(span) => (0, span.min(self.farthest())),
        };
        let end = end.saturating_add(steps * self.period);
        let end = Timestamp::from_secs(i64::try_from(end).unwrap_or(i64::MAX));
        end.plus(span).plus(CLOCK_LEEWAY)
    }

    fn candidates(&self, now: Timestamp, window: Window) -> RangeInclusive<u64> {
        let now = seconds(now);
        match window {
            Window::Steps(steps) => {
                let (step, steps) = (now / self.period, steps.min(FARTHEST));
                step.saturating_sub(steps)..=step.saturating_add(steps)
            }
            Window::Seconds(span) => {
                let span = span.min(self.farthest()).as_secs();
                now.saturating_sub(span) / self.period..=now.saturating_add(span) / self.period
            }
            Window::Back(span) => {
                let span = span.min(self.farthest()).as_secs();
                let latest = now.saturating_add(CLOCK_LEEWAY.as_secs());
                now.saturating_sub(span) / self.period..=latest / self.period
            }
        }
    }

    fn farthest(&self) -> Duration {
        Duration::from_secs(FARTHEST * self.period)
    }

    fn clean(&self, typed: &str) -> Option<Zeroizing<String>> {
        if typed.len() > LONGEST_TYPED {
            return None;
        }
        let left_out = |letter: &char| letter.is_whitespace() || matches!(letter, '-' | '=');
        let mut code = Zeroizing::new(String::with_capacity(LONGEST_TYPED));
        code.extend(typed.chars().filter(|letter| !left_out(letter)));
        let good = code.len() == usize::from(self.digits)
            && code.bytes().all(|octet| octet.is_ascii_digit());
        good.then_some(code)
    }

    fn generator(&self, secret: &TotpSecret) -> totp_rs::Totp {
        totp_rs::Builder::new()
            .with_digits(self.digits)
            .with_step_duration(self.period)
            .with_secret(secret.expose().to_vec())
            .build_noncompliant()
    }
}

/// Returns the secret to spend with [`Change::Spend`](crate::port::Change::Spend) for an accepted
/// step.
///
/// `user_key` is the user's key in the store. The result is a MAC under the TOTP secret: it reveals
/// nothing, and differs for each user and for each secret of a user.
pub fn spent(user_key: &str, secret: &TotpSecret, step: Step) -> SpentSecret {
    let mac: Hmac<Sha256> = keyed(secret.expose());
    let mac = mac.chain_update("fs totp step v1").chain_update(step.0.to_be_bytes());
    SpentSecret(mac.chain_update(user_key).finalize().into_bytes().into())
}

/// Returns the key of the record that the code of a step was sent to a user. It is a MAC under the
/// secret, like that of [`spent`].
pub(crate) fn sent(user_key: &str, secret: &TotpSecret, step: Step) -> SessionKey {
    let mac: Hmac<Sha256> = keyed(secret.expose());
    let mac = mac.chain_update("fs totp sent v1").chain_update(step.0.to_be_bytes());
    SessionKey::new(BASE64URL_NOPAD.encode(&mac.chain_update(user_key).finalize().into_bytes()))
}

/// Returns the secret to spend with [`Change::Spend`](crate::port::Change::Spend) when the code of
/// a step is sent, so that no other message contains that code.
pub(crate) fn sent_once(user_key: &str, secret: &TotpSecret, step: Step) -> SpentSecret {
    let mac: Hmac<Sha256> = keyed(secret.expose());
    let mac = mac.chain_update("fs totp sent once v1").chain_update(step.0.to_be_bytes());
    SpentSecret(mac.chain_update(user_key).finalize().into_bytes().into())
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
    /// Codes of the secret below, as passlib generates them: four steps back, the present one, and
    /// three ahead.
    const AROUND: [&str; 9] =
        ["406443", "419795", "990637", "289273", "430720", "047151", "739597", "065297", "782353"];
    const PRESENT: usize = 5;

    fn secret() -> TotpSecret {
        TotpSecret::from_base32("QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY").unwrap()
    }

    fn check(typed: &str, window: Window) -> Option<Step> {
        TotpRules::default().check(&secret(), typed, NOW, window, None)
    }

    fn span(seconds: u64) -> Window {
        Window::Seconds(Duration::from_secs(seconds))
    }

    /// Test vectors of RFC 6238, appendix B.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let rules = TotpRules::new(8, Duration::from_secs(30)).unwrap();
        let secret = TotpSecret::from_random(*b"12345678901234567890");
        for (time, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(rules.code_at(&secret, Timestamp::from_secs(time)).expose(), code);
        }
    }

    #[test]
    fn windows_reach_as_far_as_they_say() {
        let present = TotpRules::default().step_at(NOW).0;
        let accepted = |window| {
            let good = |at: &usize| check(AROUND[*at], window).is_some();
            let steps: Vec<_> = (0..AROUND.len()).filter(good).collect();
            (*steps.first().unwrap(), *steps.last().unwrap(), steps.len())
        };
        assert_eq!(accepted(Window::default()), (4, 6, 3));
        assert_eq!(accepted(Window::Steps(0)), (5, 5, 1));
        // The present moment is 20 seconds into its step.
        assert_eq!(accepted(span(0)), (5, 5, 1));
        assert_eq!(accepted(span(9)), (5, 5, 1));
        assert_eq!(accepted(span(10)), (5, 6, 2));
        assert_eq!(accepted(span(20)), (5, 6, 2));
        assert_eq!(accepted(span(21)), (4, 6, 3));
        let back = |seconds| Window::Back(Duration::from_secs(seconds));
        // Sent by a node whose clock is ahead: the next step begins within the leeway.
        assert_eq!([accepted(back(20)), accepted(back(21))], [(5, 6, 2), (4, 6, 3)]);
        for (at, code) in AROUND.iter().enumerate() {
            let step = check(code, span(150)).unwrap();
            assert_eq!(step.0 + PRESENT as u64, present + at as u64);
        }
        let rules = TotpRules::default();
        assert_eq!(rules.candidates(NOW, span(120)).count(), 9);
        assert_eq!(rules.candidates(NOW, span(300)).count(), 21);
    }

    #[test]
    fn a_code_ahead_of_its_time_is_found_as_such() {
        let rules = TotpRules::default();
        let present = rules.step_at(NOW).0;
        let ahead = |at: usize, steps| rules.check_ahead(&secret(), AROUND[at], NOW, steps);
        assert_eq!(ahead(PRESENT, 3), None);
        assert_eq!(ahead(PRESENT + 1, 3), Some(Step(present + 1)));
        assert_eq!(ahead(PRESENT + 3, 3), Some(Step(present + 3)));
        assert_eq!(ahead(PRESENT + 3, 2), None);
        assert_eq!(rules.code_of(&secret(), Step(present + 3)).expose(), AROUND[PRESENT + 3]);
    }

    #[test]
    fn steps_that_were_accepted_are_refused() {
        let rules = TotpRules::default();
        let check = |at: usize, after: u64| {
            rules.check(&secret(), AROUND[at], NOW, Window::default(), Some(Step(after)))
        };
        let present = rules.step_at(NOW).0;
        assert_eq!(check(PRESENT, present), None);
        assert_eq!(check(PRESENT - 1, present), None);
        assert_eq!(check(PRESENT + 1, present), Some(Step(present + 1)));
        assert_eq!(check(PRESENT, present - 1), Some(Step(present)));
    }

    #[test]
    fn typed_codes_are_cleaned_and_nothing_else_is_taken() {
        for typed in ["047151", " 047 151\n", "047-151", "0=4-7\u{a0}1 5 1=", "\u{2003}047151"] {
            assert!(check(typed, Window::default()).is_some(), "{typed}");
        }
        let huge = format!("047151{}", " ".repeat(LONGEST_TYPED));
        for typed in [
            "",
            "47151",
            "0047151",
            "047152",
            "+47151",
            "04715１",
            "０４７１５１",
            "٠٤٧١٥١",
            "047.151",
            "0x7151",
            "047151\0",
            &huge,
        ] {
            assert_eq!(check(typed, Window::default()), None, "{typed}");
        }
    }

    #[test]
    fn every_number_of_digits_checks() {
        for digits in 6..=8 {
            for period in [15, 30, 120] {
                let rules = TotpRules::new(digits, Duration::from_secs(period)).unwrap();
                let code = rules.code_at(&secret(), NOW);
                assert_eq!(code.expose().len(), usize::from(digits));
                let step = rules.check(&secret(), code.expose(), NOW, Window::Steps(0), None);
                assert_eq!(step, Some(rules.step_at(NOW)));
            }
        }
        let refused = |digits, period| TotpRules::new(digits, period).is_err();
        assert!(refused(5, Duration::from_secs(30)) && refused(9, Duration::from_secs(30)));
        assert!(refused(6, Duration::ZERO) && refused(6, Duration::from_secs(121)));
        assert!(refused(6, Duration::from_millis(30_500)));
    }

    #[test]
    fn other_secrets_have_other_codes() {
        let other = TotpSecret::from_random([7; 20]);
        let rules = TotpRules::default();
        assert_eq!(rules.check(&other, AROUND[PRESENT], NOW, Window::default(), None), None);
    }

    #[test]
    fn marks_name_user_secret_and_step() {
        let mark = spent("17", &secret(), Step(5));
        assert_eq!(mark, spent("17", &secret(), Step(5)));
        assert_ne!(mark, spent("18", &secret(), Step(5)));
        assert_ne!(mark, spent("17", &secret(), Step(6)));
        assert_ne!(mark, spent("17", &TotpSecret::from_random([7; 20]), Step(5)));
    }

    proptest! {
        /// The record of a spent step may be removed once no window reaches the step, not even on a
        /// node whose clock is behind.
        #[test]
        fn a_mark_outlives_its_window(now in 1_000_000_i64..10_000_000, wide in 0_u64..400) {
            let rules = TotpRules::default();
            let back = Window::Back(Duration::from_secs(wide));
            for window in [Window::Steps(wide), span(wide), back] {
                let made = Timestamp::from_secs(now);
                let step = rules.step_at(made);
                let closed = rules.closed_at(step, window).minus(CLOCK_LEEWAY);
                let just_before = closed.minus(Duration::from_micros(1));
                prop_assert!(rules.candidates(just_before, window).contains(&step.0));
                prop_assert!(!rules.candidates(closed, window).contains(&step.0));
            }
        }

        #[test]
        fn no_input_panics(
            typed in "\\PC{0,80}|[0-9 =-]{0,12}",
            now: i64,
            wide: u64,
            nanos in 0_u32..1_000_000_000,
            after: Option<u64>,
        ) {
            let (rules, now) = (TotpRules::default(), Timestamp::from_micros(now));
            for window in [Window::Steps(wide), Window::Seconds(Duration::new(wide, nanos))] {
                let after = after.map(Step);
                rules.check(&secret(), &typed, now, window, after);
                rules.closed_at(Step(wide), window);
            }
        }
    }
}
