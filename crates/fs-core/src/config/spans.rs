//! Durations in settings files: `"90 minutes"`, or a number of seconds.
//!
//! Use it as `#[serde(with = "…")]`, and [`optional`] for an `Option<Duration>`.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use super::parse_duration_text;

/// Units, in descending order.
const UNITS: [(&str, u128); 6] = [
    ("weeks", 604_800_000_000),
    ("days", 86_400_000_000),
    ("hours", 3_600_000_000),
    ("minutes", 60_000_000),
    ("seconds", 1_000_000),
    ("milliseconds", 1_000),
];

/// Serializes a duration in the greatest unit of which it is a whole number.
///
/// # Errors
///
/// Returns an error if the serializer does.
pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(*span))
}

/// Deserializes a duration.
///
/// # Errors
///
/// Returns an error if the value is not a duration. Its message says what to write.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(SpanVisitor)
}

fn written(span: Duration) -> String {
    let micros = span.as_micros();
    let fits = UNITS.iter().find(|(_, unit)| micros != 0 && micros.is_multiple_of(*unit));
    match fits {
        Some((name, unit)) => {
            let count = micros / unit;
            let name = if count == 1 { name.trim_end_matches('s') } else { name };
            format!("{count} {name}")
        }
        None if micros == 0 => "0 seconds".to_owned(),
        None => format!("{micros} microseconds"),
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds, or a text such as \"90 minutes\" or \"5 days\"")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Duration, E> {
        let wrong = |_| E::custom("a span of time cannot be negative");
        u64::try_from(seconds).map(Duration::from_secs).map_err(wrong)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        let plural = format!("{}s", text.trim_end().trim_end_matches('s'));
        // The error shows what was written.
        parse_duration_text(&plural).or_else(|_| parse_duration_text(text)).map_err(E::custom)
    }
}

/// Durations that can be disabled.
pub mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Serializes a duration, or `None`.
    ///
    /// # Errors
    ///
    /// Returns an error if the serializer does.
    pub fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Deserializes a duration, or `None`.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not a duration. Its message says what to write.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Span(#[serde(with = "super")] Duration);

        Ok(Option::<Span>::deserialize(deserializer)?.map(|Span(span)| span))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Spans {
        #[serde(with = "super")]
        one: Duration,
        #[serde(with = "super::optional")]
        other: Option<Duration>,
    }

    #[test]
    fn spans_are_written_as_people_write_them() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (5_400, "90 minutes"),
            (86_400, "1 day"),
            (2 * 604_800, "2 weeks"),
        ] {
            let span = Duration::from_secs(seconds);
            let value = to_value(Spans { one: span, other: Some(span) }).unwrap();
            assert_eq!(value, json!({ "one": text, "other": text }));
            let read: Spans = from_value(value).unwrap();
            assert_eq!((read.one, read.other), (span, Some(span)));
        }
        assert_eq!(written(Duration::from_micros(1_500_000)), "1500 milliseconds");
        assert_eq!(written(Duration::from_micros(7)), "7 microseconds");
    }

    #[test]
    fn spans_are_read_in_every_way_that_makes_sense() {
        let read = |value| from_value::<Spans>(json!({ "one": value, "other": null }));
        for (value, seconds) in
            [(json!(60), 60), (json!("1 minute"), 60), (json!("2 days"), 172_800)]
        {
            let read = read(value).unwrap();
            assert_eq!((read.one.as_secs(), read.other), (seconds, None));
        }
        for wrong in
            [json!(-1), json!("soon"), json!(true), json!("1.5 hours"), json!("5 fortnights")]
        {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        let error = read(json!("5 dayz")).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("\"5 dayz\"") && error.contains("days"), "{error}");
    }
}
