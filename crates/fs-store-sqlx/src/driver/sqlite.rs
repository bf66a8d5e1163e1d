//! SQLite driver.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow,
};
use sqlx::{Arguments, ConnectOptions, Row as _, TypeInfo, ValueRef};
use tokio::time::{Instant, sleep};

use crate::datetime;
use crate::driver::readers::{PATIENCE, Readers};
use crate::driver::{Pool, Reads};
use crate::error::{Error, Meaning};
use crate::value::{Kind, Row, Value};

/// Pause between two attempts at a statement for which SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens a database file, and creates it if it does not exist. `place` is a path, a `sqlite:` URL
/// or `:memory:`.
pub(crate) async fn connect(place: &str) -> Result<Pool, Error> {
    let options = if place.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(place)?
    } else if place == ":memory:" {
        SqliteConnectOptions::from_str("sqlite::memory:")?
    } else {
        SqliteConnectOptions::new().filename(place)
    };
    let in_memory = place.contains(":memory:") || place.contains("mode=memory");
    let options = options.create_if_missing(true).foreign_keys(true).busy_timeout(PATIENCE);

    // A database in memory is lost with its last connection.
    let write = SqlitePoolOptions::new()
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await?;
    use_wal(&write).await?;
    let read = if in_memory {
        Reads::Pool(write.clone())
    } else {
        Reads::Own(Box::new(Readers::new(options.disable_statement_logging())))
    };
    Ok(Pool::Sqlite { read, write, in_memory })
}

/// Checks whether the pool's database is in memory.
pub(crate) fn is_in_memory(pool: &SqlitePool) -> bool {
    let options = pool.connect_options();
    let file = options.get_filename().to_string_lossy();
    file.is_empty() || file.contains(":memory:") || file.starts_with("file:sqlx-in-memory")
}

/// Switches the file to WAL mode, which is permanent. While another connection uses the file,
/// SQLite refuses this at once, whatever its timeout is: two processes that waited would wait for
/// each other.
async fn use_wal(pool: &SqlitePool) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        let tried = sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await;
        match tried.map_err(Error::from) {
            Err(Error::Database { meaning: Meaning::Transient, .. }) if Instant::now() < until => {
                sleep(PAUSE).await;
            }
            done => return done.map(|_| ()),
        }
    }
}

pub(super) fn arguments(values: Vec<Value>) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Null(_) | Value::Unreadable => arguments.add(None::<i64>),
            Value::Int(number) => arguments.add(number),
            Value::Bool(value) => arguments.add(value),
            Value::Text(text) if text.contains('\0') => return Err(Error::Nul),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Time(moment) => {
                let text = datetime::format(moment).map_err(|e| Error::Unwritable(e.into()))?;
                arguments.add(text)
            }
        };
        added.map_err(Error::Unwritable)?;
    }
    Ok(arguments)
}

/// Converts a row. A value that cannot be read becomes [`Value::Unreadable`] and does not fail the
/// row.
pub(super) fn row(row: &SqliteRow) -> Row {
    let value = |at| -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Value::Null(Kind::Text));
        }
        let kind = raw.type_info().into_owned();
        Ok(match kind.name() {
            "INTEGER" => Value::Int(row.try_get_unchecked(at)?),
            "BLOB" => Value::Bytes(row.try_get_unchecked(at)?),
            _ => Value::Text(row.try_get_unchecked(at)?),
        })
    };
    let value = |at| value(at).unwrap_or(Value::Unreadable);
    Row::new((0..row.len()).map(value).collect())
}
