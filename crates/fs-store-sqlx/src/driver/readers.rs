//! Connections that read from a SQLite file.
//!
//! A pool of sqlx tests a connection after every use and spawns a task for that. For a file the
//! test always succeeds, and it costs more than a typical query.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Maximum time to wait for a connection, or for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Maximum number of concurrent reads.
const READERS: usize = 8;

/// Fixed number of connections that are opened on demand.
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions) -> Self {
        Self { options, permits: Semaphore::new(READERS), idle: Mutex::default() }
    }

    pub(super) async fn rows(
        &self,
        query: AssertSqlSafe<Arc<str>>,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let permit = timeout(PATIENCE, self.permits.acquire()).await;
        let _permit =
            permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let kept = self.idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        // On an error or a dropped future, the connection is dropped as well.
        let rows = sqlx::query_with(query, arguments).fetch_all(&mut connection).await?;
        self.idle().push(connection);
        Ok(rows)
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // The connection is closed even if this returns an error.
            drop(connection.close().await);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
