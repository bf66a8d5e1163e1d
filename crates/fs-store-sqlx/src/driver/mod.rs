//! Database drivers: they run statements and return rows, in the same way for every database.

mod connection;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_values;
#[cfg(feature = "sqlite")]
mod readers;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;

use std::sync::Arc;

#[cfg(feature = "sqlite")]
use sqlx::{AssertSqlSafe, SqlitePool};

use crate::dialect::Dialect;
#[cfg(feature = "postgres")]
use crate::dialect::POSTGRES;
#[cfg(feature = "sqlite")]
use crate::dialect::SQLITE;
use crate::error::Error;
use crate::value::{Row, Value};
#[cfg(feature = "sqlite")]
use connection::Connection;
#[cfg(feature = "sqlite")]
use readers::Readers;

#[cfg(feature = "postgres")]
pub(crate) use postgres::{Server, connect as connect_postgres};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{connect as connect_sqlite, is_in_memory};
pub(crate) use transaction::Writer;

/// Connections of a store.
pub(crate) enum Pool {
    /// SQLite. It has one writer at a time. Callers queue for it in the pool, in order, instead of
    /// polling the file. Readers have connections of their own.
    #[cfg(feature = "sqlite")]
    Sqlite {
        read: Reads,
        write: SqlitePool,
        /// Whether the database is in memory. It would vanish with its last connection, so none is
        /// closed.
        in_memory: bool,
    },
    #[cfg(feature = "postgres")]
    Postgres(Server),
}

/// Connections that read from SQLite.
#[cfg(feature = "sqlite")]
pub(crate) enum Reads {
    /// Connections that this crate opens.
    Own(Box<Readers>),
    /// A pool of the application, or the writer's pool for a database in memory.
    Pool(SqlitePool),
}

impl Pool {
    pub(crate) fn dialect(&self) -> &'static Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { .. } => &SQLITE,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => &POSTGRES,
        }
    }

    /// Returns the rows of a query that only reads. The statement must be in the database's own
    /// dialect.
    pub(crate) async fn rows(
        &self,
        query: &Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { read, .. } => {
                let query = AssertSqlSafe(Arc::clone(query));
                let arguments = sqlite::arguments(values)?;
                let rows = match read {
                    Reads::Own(readers) => readers.rows(query, arguments).await?,
                    Reads::Pool(pool) => sqlx::query_with(query, arguments).fetch_all(pool).await?,
                };
                Ok(rows.iter().map(sqlite::row).collect())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.rows(query, values).await,
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Writer, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { write, in_memory, .. } => {
                let connection = Connection::sqlite(write.acquire().await?, *in_memory);
                let mut writer = Writer::new(connection, &SQLITE);
                writer.begin_sqlite().await?;
                Ok(writer)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.begin().await,
        }
    }

    /// Begins a transaction without the usual timeout for answers.
    pub(crate) async fn begin_migration(&self) -> Result<Writer, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { .. } => self.begin().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.begin_migration().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { read, write, .. } => {
                match read {
                    Reads::Own(readers) => readers.close().await,
                    Reads::Pool(pool) => pool.close().await,
                }
                write.close().await;
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.pool.close().await,
        }
    }
}
