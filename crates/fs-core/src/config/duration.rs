//! Parses Flask-Security's duration texts: `5 days`, `30 minutes`.

use std::time::Duration;

/// Error for a text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a span of time; write a whole number and weeks, days, hours, minutes, seconds, milliseconds or microseconds, as in \"5 days\""
)]
pub struct DurationTextError(pub String);

/// Parses `<whole number> <unit>`. The unit is a plural word in lower case, as in Flask-Security.
///
/// ```
/// use std::time::Duration;
/// use fs_core::config::parse_duration_text;
///
/// assert_eq!(parse_duration_text("2 hours"), Ok(Duration::from_secs(7_200)));
/// assert!(parse_duration_text("1 day").is_err());
/// ```
///
/// # Errors
///
/// Returns [`DurationTextError`] if the text is not a duration. Its message has the text and what
/// to write instead.
pub fn parse_duration_text(text: &str) -> Result<Duration, DurationTextError> {
    let wrong = || DurationTextError(text.chars().take(40).collect());
    let (count, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let count: u64 = count.parse().map_err(|_| wrong())?;
    let micros: u64 = match unit.trim() {
        "weeks" => 604_800_000_000,
        "days" => 86_400_000_000,
        "hours" => 3_600_000_000,
        "minutes" => 60_000_000,
        "seconds" => 1_000_000,
        "milliseconds" => 1_000,
        "microseconds" => 1,
        _ => return Err(wrong()),
    };
    count.checked_mul(micros).map(Duration::from_micros).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_reference_reads_and_nothing_else() {
        assert_eq!(parse_duration_text("5 days").unwrap().as_secs(), 432_000);
        assert_eq!(parse_duration_text("1 weeks").unwrap().as_secs(), 604_800);
        for wrong in
            ["", "5", "days", "5 day", "5 Days", "-1 days", "1.5 hours", "99999999999999 weeks"]
        {
            assert!(parse_duration_text(wrong).is_err(), "{wrong:?}");
        }
    }
}
