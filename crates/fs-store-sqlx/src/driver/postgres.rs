//! PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{Arguments, Connection, Row as _, TypeInfo, ValueRef};
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::datetime;
use crate::driver::Pool;
use crate::error::Error;
use crate::value::{Kind, Row, Value};

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tried before it is used: the server may be gone.
const TRUSTED: Duration = Duration::from_secs(2);

/// Connects to the server of a `postgres:` URL.
pub(crate) async fn connect(url: &str) -> Result<Pool, Error> {
    let pool = PgPoolOptions::new()
        .acquire_timeout(PATIENCE)
        // Asking before every query would double the round trips.
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(PgConnectOptions::from_str(url)?)
        .await?;
    Ok(Pool::Postgres(pool))
}

pub(super) fn arguments(values: Vec<Value>) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Null(Kind::Int) => arguments.add(None::<i64>),
            Value::Null(Kind::Text) => arguments.add(None::<String>),
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

pub(super) fn row(row: &PgRow) -> Result<Row, Error> {
    let value = |at| {
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
            "TIMESTAMP" => Value::Time(datetime::from_primitive(row.try_get(at)?)),
            "TIMESTAMPTZ" => {
                let moment: OffsetDateTime = row.try_get(at)?;
                Value::Time(fs_core::Timestamp::from_offset_date_time(moment))
            }
            _ => Value::Text(row.try_get(at)?),
        })
    };
    (0..row.len()).map(value).collect::<Result<_, Error>>().map(Row::new)
}
