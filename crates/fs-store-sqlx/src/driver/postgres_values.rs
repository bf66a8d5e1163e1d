//! Values in statements and rows of PostgreSQL.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Row as _, TypeInfo, ValueRef};
use time::PrimitiveDateTime;

use crate::datetime;
use crate::error::Error;
use crate::value::{Kind, Row, Value};

/// PostgreSQL's epoch, 2000-01-01, in microseconds since 1970.
const MILLENNIUM: i128 = 946_684_800_000_000;
pub(super) fn arguments(values: Vec<Value>) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Null(Kind::Int) => arguments.add(None::<i64>),
            Value::Null(Kind::Text) | Value::Unreadable => arguments.add(None::<String>),
            Value::Null(Kind::Time) => arguments.add(None::<PrimitiveDateTime>),
            Value::Int(number) => arguments.add(number),
            Value::Bool(value) => arguments.add(value),
            Value::Text(text) if text.contains('\0') => return Err(Error::Nul),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Time(moment) => arguments.add(datetime::to_primitive(moment)),
        };
        added.map_err(Error::Unwritable)?;
    }
    Ok(arguments)
}

/// Converts a row. A value that cannot be read becomes [`Value::Unreadable`] and does not fail the
/// row.
pub(super) fn row(row: &PgRow) -> Row {
    let value = |at| -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::Null(Kind::Text));
        }
        let kind = raw.type_info().into_owned();
        Ok(match kind.name() {
            "INT2" => Value::Int(row.try_get::<i16, _>(at)?.into()),
            "INT4" => Value::Int(row.try_get::<i32, _>(at)?.into()),
            "INT8" => Value::Int(row.try_get(at)?),
            "BOOL" => Value::Bool(row.try_get(at)?),
            "BYTEA" => Value::Bytes(row.try_get(at)?),
            // Microseconds since 2000. The `time` crate would panic at "infinity".
            "TIMESTAMP" | "TIMESTAMPTZ" => {
                let micros: i64 = row.try_get_unchecked(at)?;
                let moment = datetime::in_range(i128::from(micros) + MILLENNIUM);
                moment.map_or(Value::Unreadable, Value::Time)
            }
            _ => Value::Text(row.try_get(at)?),
        })
    };
    let value = |at| value(at).unwrap_or(Value::Unreadable);
    Row::new((0..row.len()).map(value).collect())
}
