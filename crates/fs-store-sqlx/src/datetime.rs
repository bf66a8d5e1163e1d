//! Dates and times as SQLAlchemy stores them in SQLite: `2021-03-04 05:06:07.000089`, in UTC.

use fs_core::Timestamp;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time, UtcOffset};

/// First and last timestamp of the years 1 to 9999, in microseconds since 1970.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'_>] = format_description!(
    version = 2,
    "[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]"
);
const WRITTEN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// Formats a timestamp.
pub(crate) fn format(moment: Timestamp) -> Result<String, time::error::Format> {
    to_primitive(moment).format(WRITTEN)
}

/// Parses a date, or a date and time: with or without seconds and fractions, with `T` or a blank,
/// with `Z`, an offset or no zone. A text without a zone is in UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let date = Date::parse(date, DATE).ok()?;
    let rest = rest.strip_prefix([' ', 'T', 't']).unwrap_or(rest);
    let (clock, offset) = split_offset(rest.trim())?;
    let time = if clock.is_empty() { Time::MIDNIGHT } else { Time::parse(clock, TIME).ok()? };
    let moment = PrimitiveDateTime::new(date, time).assume_offset(offset);
    in_range(moment.unix_timestamp_nanos() / 1_000)
}

/// Splits a text into the time of day and its offset from UTC: `+02:00`, `-0330`, `+01`, `Z`.
fn split_offset(text: &str) -> Option<(&str, UtcOffset)> {
    for utc in ["Z", "z", "UTC"] {
        if let Some(clock) = text.strip_suffix(utc) {
            return Some((clock.trim_end(), UtcOffset::UTC));
        }
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, UtcOffset::UTC)) };
    let (clock, offset) = text.split_at_checked(at)?;
    let east = offset.starts_with('+');
    let digits: String = offset.chars().skip(1).filter(|sign| *sign != ':').collect();
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: i32 = digits.parse().ok().filter(|_| plain)?;
    let seconds = match digits.len() {
        2 => number * 3_600,
        4 => number / 100 * 3_600 + number % 100 * 60,
        _ => return None,
    };
    let offset = UtcOffset::from_whole_seconds(if east { seconds } else { -seconds }).ok()?;
    Some((clock.trim_end(), offset))
}

/// Reads a number as seconds since 1970, or as milliseconds or microseconds if it would be
/// thousands of years away as seconds.
pub(crate) fn from_number(number: i64) -> Option<Timestamp> {
    let factor = match number.unsigned_abs() {
        0..100_000_000_000 => 1_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000,
        _ => 1,
    };
    in_range(i128::from(number) * factor)
}

/// Reads a number that is stored as text or has a fraction.
pub(crate) fn from_digits(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let plain = fraction.bytes().all(|digit| digit.is_ascii_digit());
    from_number(whole.parse().ok().filter(|_| plain)?)
}

/// Converts microseconds since 1970 to a timestamp, if its year is 1 to 9999.
pub(crate) fn in_range(micros: i128) -> Option<Timestamp> {
    let micros = i64::try_from(micros).ok()?;
    (FIRST..=LAST).contains(&micros).then(|| Timestamp::from_micros(micros))
}

/// Converts a timestamp to the `time` crate's type for a column without a time zone.
pub(crate) fn to_primitive(moment: Timestamp) -> PrimitiveDateTime {
    let moment = moment.to_offset_date_time();
    PrimitiveDateTime::new(moment.date(), moment.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_sqlalchemys() {
        let moment = Timestamp::from_micros(1_614_834_367_000_089);
        assert_eq!(format(moment).unwrap(), "2021-03-04 05:06:07.000089");
        assert_eq!(parse("2021-03-04 05:06:07.000089"), Some(moment));
        assert_eq!(format(Timestamp::EPOCH).unwrap(), "1970-01-01 00:00:00.000000");
        assert_eq!(format(Timestamp::MAX).unwrap(), "9999-12-31 23:59:59.999999");
    }

    #[test]
    fn other_ways_to_write_it_are_read() {
        let moment = Some(Timestamp::from_secs(1_614_834_367));
        for text in [
            "2021-03-04 05:06:07",
            "2021-03-04T05:06:07Z",
            "2021-03-04 05:06:07.0",
            "2021-03-04 05:06:07+00:00",
            "2021-03-04 07:06:07+02:00",
            "2021-03-04 07:06:07.000000+0200",
            "2021-03-04T00:36:07 -04:30",
            "2021-03-04 06:06:07 +01",
            " 2021-03-04 05:06:07 UTC ",
        ] {
            assert_eq!(parse(text), moment, "{text}");
        }
        assert_eq!(parse("2021-03-04 05:06"), Some(Timestamp::from_secs(1_614_834_360)));
        assert_eq!(parse("1970-01-01"), Some(Timestamp::EPOCH));
        for text in [
            "",
            "yesterday",
            "2021-03-04 25:00:00",
            "2021-03-04 05:06:07+99:00",
            "2021-03-04 05:06:07+2",
            "2021-03-04 05:06:07+--12",
            "2021-03-0é",
            "0000-00-00 00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_seconds_unless_that_is_thousands_of_years_away() {
        let moment = Some(Timestamp::from_secs(1_614_834_367));
        for number in [1_614_834_367, 1_614_834_367_000, 1_614_834_367_000_000] {
            assert_eq!(from_number(number), moment);
        }
        assert_eq!(from_number(i64::MAX), None);
    }
}
