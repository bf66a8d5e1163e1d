//! Values on their way into and out of a database.

use fs_core::Timestamp;

use crate::error::Error;

/// A value of a column, the same for every database. It may be a secret, so it has no `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null(Kind),
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    /// A date and time without a zone, in UTC.
    Time(Timestamp),
}

/// What a missing value would have been: PostgreSQL wants to know.
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

    /// A moment in a table of our own: microseconds in an integer.
    pub(crate) fn micros(moment: Timestamp) -> Self {
        Self::Int(moment.micros())
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

/// A row, read column by column in the order of the query.
///
/// Each method takes the next column; its argument is the column's name, for errors.
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn next(&mut self, column: &'static str) -> Result<Value, Error> {
        self.0.next().ok_or(Error::Unreadable { column })
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<Option<String>, Error> {
        match self.next(column)? {
            Value::Null(_) => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(Error::Unreadable { column }),
        }
    }

    pub(crate) fn required_text(&mut self, column: &'static str) -> Result<String, Error> {
        self.text(column)?.ok_or(Error::Unreadable { column })
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<Option<i64>, Error> {
        match self.next(column)? {
            Value::Null(_) => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            _ => Err(Error::Unreadable { column }),
        }
    }

    pub(crate) fn required_int(&mut self, column: &'static str) -> Result<i64, Error> {
        self.int(column)?.ok_or(Error::Unreadable { column })
    }

    pub(crate) fn bool(&mut self, column: &'static str) -> Result<bool, Error> {
        match self.next(column)? {
            Value::Bool(value) => Ok(value),
            Value::Int(number) => Ok(number != 0),
            _ => Err(Error::Unreadable { column }),
        }
    }

    /// A date and time without a zone, as a database's own type or as SQLAlchemy's text.
    pub(crate) fn time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        match self.next(column)? {
            Value::Null(_) => Ok(None),
            Value::Time(moment) => Ok(Some(moment)),
            Value::Text(text) => {
                crate::datetime::parse(&text).map(Some).ok_or(Error::Unreadable { column })
            }
            _ => Err(Error::Unreadable { column }),
        }
    }

    /// A moment in a table of our own.
    pub(crate) fn micros(&mut self, column: &'static str) -> Result<Timestamp, Error> {
        self.required_int(column).map(Timestamp::from_micros)
    }
}
