//! Column values, and rows that are read value by value.

use fs_core::Timestamp;

use crate::datetime;
use crate::error::Error;

/// Column value, independent of the database. It may be a secret, so it does not implement `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null(Kind),
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    /// A date and time without a zone, in UTC.
    Time(Timestamp),
    /// A value of an unknown type, or one that is not valid text.
    Unreadable,
}

/// Type of a NULL, which PostgreSQL requires for a bound value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Int,
    Text,
    Time,
}

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null(_))
    }

    /// Checks whether the value is the text of an IP address without a zone.
    pub(crate) fn is_address(&self) -> bool {
        matches!(self, Self::Text(text) if text.parse::<std::net::IpAddr>().is_ok())
    }

    /// Returns a timestamp as our own tables store it: as microseconds in an integer.
    pub(crate) fn micros(moment: Timestamp) -> Self {
        Self::Int(moment.as_micros())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null(Kind::Text), Self::from)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null(Kind::Int), Self::Int)
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(moment: Option<Timestamp>) -> Self {
        moment.map_or(Self::Null(Kind::Time), Self::Time)
    }
}

/// Row, read column by column in the order of the query.
///
/// Each method reads the next column. Its argument is the column's name, for error messages.
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn next(&mut self, column: &'static str) -> Result<Value, Error> {
        self.0.next().ok_or(Error::Unreadable { column })
    }

    /// Reads a text. Accepts a number too: in some columns SQLite stores a text of digits as a
    /// number.
    pub(crate) fn text(&mut self, column: &'static str) -> Result<Option<String>, Error> {
        match self.next(column)? {
            Value::Null(_) => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Int(number) => Ok(Some(number.to_string())),
            Value::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(Error::Unreadable { column }),
            },
            _ => Err(Error::Unreadable { column }),
        }
    }

    /// Reads a text. Returns `None` for an empty text, which other applications store in place of
    /// NULL.
    pub(crate) fn filled(&mut self, column: &'static str) -> Result<Option<String>, Error> {
        Ok(self.text(column)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn required_text(&mut self, column: &'static str) -> Result<String, Error> {
        self.text(column)?.ok_or(Error::Unreadable { column })
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<Option<i64>, Error> {
        match self.next(column)? {
            Value::Null(_) => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Error::Unreadable { column }),
            },
            _ => Err(Error::Unreadable { column }),
        }
    }

    pub(crate) fn required_int(&mut self, column: &'static str) -> Result<i64, Error> {
        self.int(column)?.ok_or(Error::Unreadable { column })
    }

    /// Reads a Boolean. NULL and an empty text are `false`, as in Python.
    pub(crate) fn bool(&mut self, column: &'static str) -> Result<bool, Error> {
        let value = match self.next(column)? {
            Value::Null(_) => Some(false),
            Value::Bool(value) => Some(value),
            Value::Int(number) => Some(number != 0),
            Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "1" | "t" | "true" | "y" | "yes" => Some(true),
                "" | "0" | "f" | "false" | "n" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        };
        value.ok_or(Error::Unreadable { column })
    }

    /// Reads a date and time: a value of the database's own type, a text ([`datetime::parse`]), or
    /// a number of seconds since 1970. Returns `None` for an empty text and for 0, as Python does.
    ///
    /// [`datetime::parse`]: crate::datetime::parse
    pub(crate) fn time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        let found = match self.next(column)? {
            Value::Null(_) | Value::Int(0) => return Ok(None),
            Value::Time(moment) => Some(moment),
            Value::Int(number) => datetime::from_number(number),
            Value::Text(text) if matches!(text.trim(), "" | "0") => return Ok(None),
            Value::Text(text) => datetime::parse(&text).or_else(|| datetime::from_digits(&text)),
            _ => None,
        };
        found.map(Some).ok_or(Error::Unreadable { column })
    }

    /// Reads a timestamp of one of our own tables, in microseconds.
    pub(crate) fn micros(&mut self, column: &'static str) -> Result<Timestamp, Error> {
        self.required_int(column).map(Timestamp::from_micros)
    }
}
