//! Pooled connection that is closed instead of returned once it is unusable.

use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;
#[cfg(feature = "postgres")]
use sqlx::Postgres;
#[cfg(feature = "sqlite")]
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
#[cfg(feature = "postgres")]
use tokio::time::timeout;

#[cfg(feature = "postgres")]
use super::postgres_values;
#[cfg(feature = "sqlite")]
use super::sqlite;
use crate::error::Error;
use crate::value::{Row, Value};

/// Timeout for the answer to a statement. It is longer than the server's own timeouts
/// (those of `postgres.rs`), and covers servers and networks that do not answer at all.
const PATIENCE: Duration = Duration::from_secs(15);

/// Connection to SQLite or PostgreSQL.
pub(super) struct Connection {
    held: Held,
    /// Whether statements are prepared under names and kept.
    pub(super) prepared: bool,
    /// Timeout for an answer.
    pub(super) patience: Duration,
    /// Whether an error made the connection unusable.
    ruined: bool,
}

enum Held {
    #[cfg(feature = "sqlite")]
    Sqlite { connection: PoolConnection<Sqlite>, in_memory: bool },
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(connection: PoolConnection<Sqlite>, in_memory: bool) -> Self {
        Self {
            held: Held::Sqlite { connection, in_memory },
            prepared: true,
            patience: PATIENCE,
            ruined: false,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(connection: PoolConnection<Postgres>, prepared: bool) -> Self {
        Self { held: Held::Postgres(connection), prepared, patience: PATIENCE, ruined: false }
    }

    /// Runs a statement and returns the number of rows that it wrote.
    pub(super) async fn execute(
        &mut self,
        statement: Arc<str>,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        let statement = AssertSqlSafe(statement);
        let written = match &mut self.held {
            #[cfg(feature = "sqlite")]
            Held::Sqlite { connection, .. } => {
                let query = sqlx::query_with(statement, sqlite::arguments(values)?);
                query.execute(&mut **connection).await.map(|done| done.rows_affected())
            }
            #[cfg(feature = "postgres")]
            Held::Postgres(connection) => {
                let query = sqlx::query_with(statement, postgres_values::arguments(values)?);
                let query = query.persistent(self.prepared);
                limited(self.patience, query.execute(&mut **connection))
                    .await
                    .map(|done| done.rows_affected())
            }
        };
        written.map_err(|error| self.failed(error))
    }

    /// Returns the rows of a query.
    pub(super) async fn rows(
        &mut self,
        statement: Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let statement = AssertSqlSafe(statement);
        let rows = match &mut self.held {
            #[cfg(feature = "sqlite")]
            Held::Sqlite { connection, .. } => {
                let query = sqlx::query_with(statement, sqlite::arguments(values)?);
                let rows = query.fetch_all(&mut **connection).await;
                rows.map(|rows| rows.iter().map(sqlite::row).collect())
            }
            #[cfg(feature = "postgres")]
            Held::Postgres(connection) => {
                let query = sqlx::query_with(statement, postgres_values::arguments(values)?);
                let query = query.persistent(self.prepared);
                let rows = limited(self.patience, query.fetch_all(&mut **connection)).await;
                rows.map(|rows| rows.iter().map(postgres_values::row).collect())
            }
        };
        rows.map_err(|error| self.failed(error))
    }

    /// Runs statements that bind no values, in one round trip, and returns the rows of the last
    /// query.
    pub(super) async fn script(&mut self, statements: &'static str) -> Result<Vec<Row>, Error> {
        let rows = match &mut self.held {
            #[cfg(feature = "sqlite")]
            Held::Sqlite { connection, .. } => {
                let rows = sqlx::raw_sql(statements).fetch_all(&mut **connection).await;
                rows.map(|rows| rows.iter().map(sqlite::row).collect())
            }
            #[cfg(feature = "postgres")]
            Held::Postgres(connection) => {
                let script = sqlx::raw_sql(statements);
                let rows = limited(self.patience, script.fetch_all(&mut **connection)).await;
                rows.map(|rows| rows.iter().map(postgres_values::row).collect())
            }
        };
        rows.map_err(|error| self.failed(error))
    }

    /// Rolls back a transaction that may be open. Closes the connection if that fails.
    pub(super) async fn rollback(&mut self) {
        if self.ruined {
            return;
        }
        match self.script("ROLLBACK").await {
            // SQLite has rolled back by itself, as it does when the disk is full.
            Ok(_) | Err(Error::Database { .. }) if !self.ruined => {}
            _ => self.ruin(),
        }
    }

    /// Marks the connection to be closed on drop instead of returned to the pool.
    pub(super) fn ruin(&mut self) {
        self.ruined = true;
        match &mut self.held {
            #[cfg(feature = "sqlite")]
            Held::Sqlite { in_memory: true, .. } => {}
            #[cfg(feature = "sqlite")]
            Held::Sqlite { connection, .. } => connection.close_on_drop(),
            #[cfg(feature = "postgres")]
            Held::Postgres(connection) => connection.close_on_drop(),
        }
    }

    fn failed(&mut self, error: sqlx::Error) -> Error {
        let error = Error::from(error);
        #[cfg(feature = "sqlite")]
        let in_memory = matches!(self.held, Held::Sqlite { in_memory: true, .. });
        #[cfg(not(feature = "sqlite"))]
        let in_memory = false;
        if error.ruins_connection() && !in_memory {
            self.ruin();
        }
        error
    }
}

/// Waits for a server with a timeout.
#[cfg(feature = "postgres")]
async fn limited<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match timeout(patience, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
