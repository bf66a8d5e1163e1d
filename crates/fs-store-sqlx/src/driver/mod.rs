//! Connections: statements and values in, rows out, the same for every database.

mod connection;
mod postgres;
mod readers;
mod sqlite;
mod transaction;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlitePool};

use crate::dialect::{Dialect, POSTGRES, SQLITE};
use crate::error::Error;
use crate::value::{Row, Value};
use connection::Connection;
use readers::Readers;

pub(crate) use postgres::{Server, connect as connect_postgres};
pub(crate) use sqlite::{connect as connect_sqlite, is_in_memory};
pub(crate) use transaction::Writer;

/// The connections of a store.
pub(crate) enum Pool {
    /// SQLite has one writer at a time. Those who wait for it wait in the pool, in order, instead
    /// of asking the file again and again; readers have connections of their own.
    Sqlite {
        read: Reads,
        write: SqlitePool,
        /// A database in memory goes with its last connection, so none is closed.
        in_memory: bool,
    },
    Postgres(Server),
}

/// What reads from SQLite.
pub(crate) enum Reads {
    /// Connections of our own.
    Own(Box<Readers>),
    /// The application's, or the writer's for a database in memory.
    Pool(SqlitePool),
}

impl Pool {
    pub(crate) fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite { .. } => &SQLITE,
            Self::Postgres(_) => &POSTGRES,
        }
    }

    /// The rows of a query that writes nothing. The statement is in the database's own dialect.
    pub(crate) async fn rows(
        &self,
        query: &Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite { read, .. } => {
                let query = AssertSqlSafe(Arc::clone(query));
                let arguments = sqlite::arguments(values)?;
                let rows = match read {
                    Reads::Own(readers) => readers.rows(query, arguments).await?,
                    Reads::Pool(pool) => sqlx::query_with(query, arguments).fetch_all(pool).await?,
                };
                Ok(rows.iter().map(sqlite::row).collect())
            }
            Self::Postgres(server) => server.rows(query, values).await,
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Writer, Error> {
        match self {
            Self::Sqlite { write, in_memory, .. } => {
                let connection = Connection::sqlite(write.acquire().await?, *in_memory);
                let mut writer = Writer::new(connection, &SQLITE);
                writer.begin_sqlite().await?;
                Ok(writer)
            }
            Self::Postgres(server) => server.begin().await,
        }
    }

    /// Begins a transaction that may take its time.
    pub(crate) async fn begin_migration(&self) -> Result<Writer, Error> {
        match self {
            Self::Sqlite { .. } => self.begin().await,
            Self::Postgres(server) => server.begin_migration().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                match read {
                    Reads::Own(readers) => readers.close().await,
                    Reads::Pool(pool) => pool.close().await,
                }
                write.close().await;
            }
            Self::Postgres(server) => server.pool.close().await,
        }
    }
}
