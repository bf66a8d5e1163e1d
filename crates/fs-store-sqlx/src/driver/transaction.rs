//! Transactions that leave their connection clean, or closed.
//!
//! sqlx counts transactions by what it sent. SQLite ends one by itself when the disk is full, and
//! the count is wrong from then on. So the statements are sent here, and nothing is counted: after
//! every failure, and when a caller goes away, the transaction is rolled back.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::connection::Connection;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::value::{Row, Value};

/// A transaction. Dropped, it is rolled back.
pub(crate) struct Writer {
    /// `None` once the transaction has ended.
    connection: Option<Connection>,
    pub(crate) dialect: &'static Dialect,
}

impl Writer {
    /// On a connection on which no transaction has begun.
    pub(super) fn new(connection: Connection, dialect: &'static Dialect) -> Self {
        Self { connection: Some(connection), dialect }
    }

    pub(super) async fn begin_sqlite(&mut self) -> Result<(), Error> {
        let connection = self.connection()?;
        match connection.script("BEGIN IMMEDIATE").await {
            // Somebody gave the connection back with a transaction open.
            Err(error) if error.is_nested_transaction() => {
                connection.script("ROLLBACK").await?;
                connection.script("BEGIN IMMEDIATE").await.map(drop)
            }
            begun => begun.map(drop),
        }
    }

    /// Begins, and returns the row that the statements end with.
    pub(super) async fn begin_postgres(
        &mut self,
        statements: &'static str,
    ) -> Result<Option<Row>, Error> {
        Ok(self.connection()?.script(statements).await?.into_iter().next())
    }

    /// Runs a statement and returns how many rows it wrote.
    pub(crate) async fn execute(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        let statement = self.dialect.translate(statement);
        self.connection()?.execute(statement, values).await
    }

    /// The rows of a query.
    pub(crate) async fn rows(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.dialect.translate(statement);
        self.connection()?.rows(statement, values).await
    }

    /// The rows of a query that is in the database's own dialect.
    pub(super) async fn rows_of(
        &mut self,
        query: &Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.connection()?.rows(Arc::clone(query), values).await
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn row(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Runs several statements without values.
    pub(crate) async fn script(&mut self, statements: &'static str) -> Result<(), Error> {
        self.connection()?.script(statements).await.map(drop)
    }

    /// Commits. A connection that breaks meanwhile leaves the outcome unknown, and the error says
    /// so.
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

    /// Waits for answers as long as they take.
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
