//! Points in time with microsecond precision.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::message::{Label, Language};

/// Maximum difference between the clocks of two nodes.
///
/// Tokens, links, cookies and sent codes carry their creation time. They are accepted if it is at
/// most this far in the future; their age is then zero. All parts use the same value, so that no
/// part refuses what another one accepts.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(10);

/// A point in time in UTC, in microseconds since 1970-01-01T00:00:00Z.
///
/// Databases keep microseconds, so a stored value compares equal after it is loaded. Arithmetic
/// saturates and never panics.
///
/// ```
/// use std::time::Duration;
/// use fs_core::Timestamp;
///
/// let start = Timestamp::from_secs(1_700_000_000);
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
    /// The latest point in time.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates a timestamp from seconds since the epoch.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Creates a timestamp from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the timestamp `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the timestamp `span` earlier.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Returns the time since `earlier`, or zero if `earlier` is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Returns the age of something that another node created at `made`. It is zero if `made` is up
    /// to [`CLOCK_LEEWAY`] in the future, and `None` if it is further ahead.
    pub fn age_of(self, made: Self) -> Option<Duration> {
        (made <= self.plus(CLOCK_LEEWAY)).then(|| self.since(made))
    }

    /// Converts to a date and time of the `time` crate. Years after 9999 become the last possible
    /// value.
    pub fn to_offset_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(time::PrimitiveDateTime::MAX.assume_utc())
    }

    /// Converts from a date and time of the `time` crate, truncated to microseconds.
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

/// Formats a duration in English words, in the largest unit of which it is a whole number: `5
/// days`, `1 hour`. Fractions of a second are shown only below one second: `500 milliseconds`.
/// [`Language::span`] does the same in any language.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(fs_core::span_text(Duration::from_secs(7_200)), "2 hours");
/// assert_eq!(fs_core::span_text(Duration::from_secs(60)), "1 minute");
/// ```
pub fn span_text(span: Duration) -> String {
    Language::english().span(span)
}

/// Returns the greatest unit of which the span is a whole number, and how many there are.
pub(crate) fn counted(span: Duration) -> (Label, u128) {
    const SECOND: u128 = 1_000_000;
    let micros = match span.as_secs() {
        0 => span.as_micros(),
        seconds => u128::from(seconds) * SECOND,
    };
    let units = [
        (Label::SpanDays, 86_400 * SECOND),
        (Label::SpanHours, 3_600 * SECOND),
        (Label::SpanMinutes, 60 * SECOND),
        (Label::SpanSeconds, SECOND),
        (Label::SpanMilliseconds, 1_000),
        (Label::SpanMicroseconds, 1),
    ];
    let fits = |unit: &&(Label, u128)| micros >= unit.1 && micros.is_multiple_of(unit.1);
    let (unit, length) = units.iter().find(fits).copied().unwrap_or((Label::SpanSeconds, SECOND));
    (unit, micros / length)
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
        let now = Timestamp::from_secs(1_000);
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
