//! Connections: statements and values in, rows out, the same for every database.

mod postgres;
mod readers;
mod sqlite;

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::dialect::{Dialect, POSTGRES, SQLITE};
use crate::error::Error;
use crate::value::{Row, Value};
use readers::Readers;

pub(crate) use postgres::connect as connect_postgres;
pub(crate) use sqlite::connect as connect_sqlite;

/// The connections of a store.
pub(crate) enum Pool {
    /// SQLite has one writer at a time. Those who wait for it wait in the pool, in order, instead
    /// of asking the file again and again; readers have connections of their own.
    Sqlite {
        read: Reads,
        write: SqlitePool,
    },
    Postgres(PgPool),
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
        let query = AssertSqlSafe(Arc::clone(query));
        match self {
            Self::Sqlite { read, .. } => {
                let arguments = sqlite::arguments(values)?;
                let rows = match read {
                    Reads::Own(readers) => readers.rows(query, arguments).await?,
                    Reads::Pool(pool) => sqlx::query_with(query, arguments).fetch_all(pool).await?,
                };
                rows.iter().map(sqlite::row).collect()
            }
            Self::Postgres(pool) => {
                let arguments = postgres::arguments(values)?;
                let rows = sqlx::query_with(query, arguments).fetch_all(pool).await?;
                rows.iter().map(postgres::row).collect()
            }
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Writer, Error> {
        let transaction = match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        };
        Ok(Writer { transaction, dialect: self.dialect() })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                match read {
                    Reads::Own(readers) => readers.close().await,
                    Reads::Pool(pool) => pool.close().await,
                }
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction. Dropped, it is rolled back.
pub(crate) struct Writer {
    transaction: Tx,
    pub(crate) dialect: &'static Dialect,
}

impl Writer {
    /// Runs a statement and says how many rows it wrote.
    pub(crate) async fn execute(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        let statement = AssertSqlSafe(self.dialect.translate(statement));
        match &mut self.transaction {
            Tx::Sqlite(tx) => {
                let query = sqlx::query_with(statement, sqlite::arguments(values)?);
                Ok(query.execute(&mut **tx).await?.rows_affected())
            }
            Tx::Postgres(tx) => {
                let query = sqlx::query_with(statement, postgres::arguments(values)?);
                Ok(query.execute(&mut **tx).await?.rows_affected())
            }
        }
    }

    /// The rows of a query.
    pub(crate) async fn rows(
        &mut self,
        statement: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let statement = AssertSqlSafe(self.dialect.translate(statement));
        match &mut self.transaction {
            Tx::Sqlite(tx) => {
                let query = sqlx::query_with(statement, sqlite::arguments(values)?);
                query.fetch_all(&mut **tx).await?.iter().map(sqlite::row).collect()
            }
            Tx::Postgres(tx) => {
                let query = sqlx::query_with(statement, postgres::arguments(values)?);
                query.fetch_all(&mut **tx).await?.iter().map(postgres::row).collect()
            }
        }
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
        match &mut self.transaction {
            Tx::Sqlite(tx) => sqlx::raw_sql(statements).execute(&mut **tx).await.map(drop)?,
            Tx::Postgres(tx) => sqlx::raw_sql(statements).execute(&mut **tx).await.map(drop)?,
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self.transaction {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
