//! A moment in time, to the microsecond.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How far the clocks of two nodes may be apart.
///
/// Whatever carries the time at which it was made (tokens, links, cookies, codes that were sent) is
/// accepted when that time lies up to this much in the future. Its age counts as zero until then.
/// It is the same for everything, so that no part of a site refuses what another part accepts.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(10);

/// A moment in UTC, counted in microseconds since 1970-01-01T00:00:00Z.
///
/// Databases keep microseconds, so a value that was stored and loaded compares equal to the one
/// that was written. Arithmetic saturates: there is no input that makes it panic.
///
/// ```
/// use std::time::Duration;
/// use fs_core::Timestamp;
///
/// let start = Timestamp::from_seconds(1_700_000_000);
/// assert_eq!(start.plus(Duration::from_secs(60)).since(start), Duration::from_secs(60));
/// assert_eq!(start.to_string(), "2023-11-14T22:13:20Z");
/// ```
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of the Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// Later than every other moment.
    pub const MAX: Self = Self(i64::MAX);

    /// The moment `seconds` after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment and `span` more.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This moment less `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// How long ago `made` was, where another node may have noted it; zero when it lies up to
    /// [`CLOCK_LEEWAY`] in the future, `None` when it lies further ahead.
    pub fn age_of(self, made: Self) -> Option<Duration> {
        (made <= self.plus(CLOCK_LEEWAY)).then(|| self.since(made))
    }

    /// As a date and time of the `time` crate; years beyond 9999 become the last one.
    pub fn to_offset_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(time::PrimitiveDateTime::MAX.assume_utc())
    }

    /// From a date and time of the `time` crate, cut to the microsecond.
    pub fn from_offset_date_time(moment: OffsetDateTime) -> Self {
        let micros = moment.unix_timestamp_nanos().div_euclid(1_000);
        Self(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_offset_date_time().format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A span of time in words, in the largest unit that it is a whole number of: `5 days`, `1 hour`.
/// Fractions of a second are told of spans below one alone: `500 milliseconds`.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(fs_core::span_text(Duration::from_secs(7_200)), "2 hours");
/// assert_eq!(fs_core::span_text(Duration::from_secs(60)), "1 minute");
/// ```
pub fn span_text(span: Duration) -> String {
    const SECOND: u128 = 1_000_000;
    let micros = match span.as_secs() {
        0 => span.as_micros(),
        seconds => u128::from(seconds) * SECOND,
    };
    let units = [
        ("day", 86_400 * SECOND),
        ("hour", 3_600 * SECOND),
        ("minute", 60 * SECOND),
        ("second", SECOND),
        ("millisecond", 1_000),
        ("microsecond", 1),
    ];
    let fits = |unit: &&(&str, u128)| micros >= unit.1 && micros.is_multiple_of(unit.1);
    let (name, length) = units.iter().find(fits).copied().unwrap_or(("second", SECOND));
    let count = micros / length;
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_below_a_second_are_told_as_they_are() {
        for (micros, text) in [
            (0, "0 seconds"),
            (1, "1 microsecond"),
            (1_000, "1 millisecond"),
            (500_000, "500 milliseconds"),
            (1_500, "1500 microseconds"),
            (1_000_000, "1 second"),
            (1_500_000, "1 second"),
            (90_000_000, "90 seconds"),
            (3_600_000_000, "1 hour"),
        ] {
            assert_eq!(span_text(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn an_age_is_never_negative_and_ends_with_the_leeway() {
        let now = Timestamp::from_seconds(1_000);
        let micro = Duration::from_micros(1);
        for (made, age) in [
            (now.minus(CLOCK_LEEWAY), Some(CLOCK_LEEWAY)),
            (now, Some(Duration::ZERO)),
            (now.plus(CLOCK_LEEWAY), Some(Duration::ZERO)),
            (now.plus(CLOCK_LEEWAY).plus(micro), None),
            (Timestamp::MAX, None),
        ] {
            assert_eq!(now.age_of(made), age, "{made}");
        }
    }
}
