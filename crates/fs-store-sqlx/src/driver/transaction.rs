//! Transactions that leave their connection either clean or closed.
//!
//! sqlx counts open transactions by the statements that it sent. SQLite ends a transaction by
//! itself when the disk is full, and from then on the count is wrong. So this module sends the
//! statements itself and counts nothing: it rolls back after every failure, and when a caller is
//! cancelled.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::connection::Connection;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::value::{Row, Value};

/// Transaction. Dropping it rolls it back.
pub(crate) struct Writer {
    /// Connection of the transaction. `None` once it has ended.
    connection: Option<Connection>,
    pub(crate) dialect: &'static Dialect,
}

impl Writer {
    /// Creates a transaction on a connection that has none open.
    pub(super) fn new(connection: Connection, dialect: &'static Dialect) -> Self {
        Self { connection: Some(connection), dialect }
    }

    #[cfg(feature = "sqlite")]
    pub(super) async fn begin_sqlite(&mut self) -> Result<(), Error> {
        let connection = self.connection()?;
        match connection.script("BEGIN IMMEDIATE").await {
            // The application returned the connection with a transaction open.
            Err(error) if error.is_nested_transaction() => {
                connection.script("ROLLBACK").await?;
                connection.script("BEGIN IMMEDIATE").await.map(drop)
            }
            begun => begun.map(drop),
        }
    }

    /// Begins the transaction and returns the last row of the statements.
    #[cfg(feature = "postgres")]
    pub(super) async fn begin_postgres(
        &mut self,
        statements: &'static str,
    ) -> Result<Option<Row>, Error> {
        Ok(self.connection()?.script(statements).await?.into_iter().next())
    }

    /// Runs a statement and returns the number of rows that it wrote.
    pub(crate) async fn execute(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        let statement = self.dialect.translate(statement);
        self.connection()?.execute(statement, values).await
    }

    /// Returns the rows of a query.
    pub(crate) async fn rows(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.dialect.translate(statement);
        self.connection()?.rows(statement, values).await
    }

    /// Returns the rows of a query that is already in the database's own dialect.
    pub(super) async fn rows_of(
        &mut self,
        query: &Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.connection()?.rows(Arc::clone(query), values).await
    }

    /// Returns the first row of a query, or `None` if it has no rows.
    pub(crate) async fn row(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Runs several statements that bind no values.
    pub(crate) async fn script(&mut self, statements: &'static str) -> Result<(), Error> {
        self.connection()?.script(statements).await.map(drop)
    }

    /// Commits the transaction. If the connection breaks meanwhile, the outcome is unknown; the
    /// error says so.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        match self.connection()?.script("COMMIT").await {
            Ok(_) => {
                self.connection = None;
                Ok(())
            }
            Err(Error::Connection(error)) => Err(Error::Unconfirmed(error)),
            Err(error) => Err(error),
        }
    }

    /// Rolls the transaction back, and returns when its locks are gone.
    pub(crate) async fn roll_back(mut self) {
        // The transaction keeps the connection meanwhile, in case the future is dropped.
        if let Some(connection) = &mut self.connection {
            connection.rollback().await;
        }
        self.connection = None;
    }

    /// Disables the timeout for answers.
    pub(super) fn take_time(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.patience = Duration::MAX;
        }
    }

    /// Closes the connection.
    pub(super) fn abandon(mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.ruin();
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.connection.as_mut().ok_or(Error::Connection(sqlx::Error::PoolClosed))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { connection.rollback().await })),
            Err(_) => connection.ruin(),
        }
    }
}
