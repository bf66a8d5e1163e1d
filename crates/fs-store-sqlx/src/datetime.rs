//! Dates and times as SQLAlchemy keeps them in SQLite: `2021-03-04 05:06:07.000089`, in UTC.

use fs_core::Timestamp;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!(version = 2, "[hour]:[minute]:[second][optional [.[subsecond]]]");
const WRITTEN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// The text of a moment.
pub(crate) fn format(moment: Timestamp) -> Result<String, time::error::Format> {
    to_primitive(moment).format(WRITTEN)
}

/// The moment of a text: with or without fractions, with `T` instead of the blank, with a `Z`, or a
/// date alone.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = Date::parse(date, DATE).ok()?;
    let clock = rest.strip_prefix([' ', 'T']).unwrap_or(rest);
    let clock = clock.strip_suffix('Z').or(clock.strip_suffix("+00:00")).unwrap_or(clock);
    let time = if clock.is_empty() { Time::MIDNIGHT } else { Time::parse(clock, TIME).ok()? };
    Some(from_primitive(PrimitiveDateTime::new(date, time)))
}

/// As the `time` crate has it for a column without a zone.
pub(crate) fn to_primitive(moment: Timestamp) -> PrimitiveDateTime {
    let moment = moment.to_offset_date_time();
    PrimitiveDateTime::new(moment.date(), moment.time())
}

/// The reverse of [`to_primitive`].
pub(crate) fn from_primitive(moment: PrimitiveDateTime) -> Timestamp {
    Timestamp::from_offset_date_time(moment.assume_utc())
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
        let moment = Some(Timestamp::from_seconds(1_614_834_367));
        for text in [
            "2021-03-04 05:06:07",
            "2021-03-04T05:06:07Z",
            "2021-03-04 05:06:07.0",
            "2021-03-04 05:06:07+00:00",
        ] {
            assert_eq!(parse(text), moment, "{text}");
        }
        assert_eq!(parse("1970-01-01"), Some(Timestamp::EPOCH));
        for text in
            ["", "yesterday", "2021-03-04 25:00:00", "2021-03-04 05:06:07+02:00", "2021-03-0é"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
