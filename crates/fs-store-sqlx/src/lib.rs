//! SQLite and PostgreSQL as a store of fs.
//!
//! The tables are those of Flask-Security's own models (`user`, `role`, `roles_users`), so an
//! existing database opens as it is and both sides can run on it. What fs adds is in tables of its
//! own, whose names begin with `fs_`.
//!
//! ```
//! use fs_core::model::{NewUser, Uniquifier};
//! use fs_core::port::{Change, UserLookup, UserStore};
//! use fs_store_sqlx::SqlxStore;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), fs_core::port::CommitError> {
//! let store = SqlxStore::sqlite(":memory:").await?;
//! store.migrate().await?;
//! let ann = NewUser::new("ann@example.com", Uniquifier::from_random([7; 16]));
//! let receipt = store.commit(Change::InsertUser(Box::new(ann)).into()).await?;
//! assert!(store.user(&UserLookup::Id(receipt.users[0].clone())).await?.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # What to know
//!
//! - [`SqlxStore::migrate`] makes missing tables and indexes and alters no table that exists.
//!   Columns of `user` and `role` that an application left out are read as empty; writing a value
//!   to one is an error that names it.
//! - Values are unique exactly. Where the case is ignored, letters outside of ASCII count too
//!   ([`fs_core::port::fold_case`]). SQLite, and PostgreSQL in a database with the `C` locale, know
//!   the case of ASCII letters only: there, looking for a name with other letters goes through all
//!   names that have such letters, by an index that holds no others.
//! - Texts with a NUL character are refused by writes and match nothing in reads.
//! - A commit whose connection breaks while the database confirms it answers with an error that says
//!   so: the database may have kept it. All other errors mean that nothing was written.
//! - On an existing database in which users share a telephone number, or a username as in the
//!   first version of Flask-Security's models, it stays possible to share one. A uniquifier that is
//!   shared or empty opens no account.
//! - A row that cannot be read is refused alone, and the log names its key and column. Lists go on
//!   without it.
//! - On PostgreSQL a write waits three seconds for a lock and ten for a statement, unless the role or
//!   the database has time-outs of its own; on SQLite it waits five seconds for another process.
//!   Then it is [`StoreError::Unavailable`]. So is a full disk, until there is room.

mod column;
mod datetime;
mod dialect;
mod driver;
mod error;
mod migrate;
mod migration;
mod read;
mod shape;
mod store;
mod value;
mod write;

use std::sync::Arc;

use fs_core::port::StoreError;
use sqlx::{PgPool, SqlitePool};
use tokio::sync::OnceCell;

use driver::{Pool, Reads, Server};
use error::Error;
use read::Queries;
use shape::Shape;

pub use migration::{Added, Migration, Problem};

/// A store in SQLite or PostgreSQL. Clones share its connections.
#[derive(Clone)]
pub struct SqlxStore {
    pool: Arc<Pool>,
    opened: Arc<OnceCell<Opened>>,
}

/// What is known about a database once it was looked at.
struct Opened {
    shape: Shape,
    queries: Queries,
}

impl SqlxStore {
    /// Opens a SQLite database: a path, a `sqlite:` URL, or `:memory:`. The file is made if there
    /// is none. It is in WAL mode, with foreign keys, and a commit is on the disk when it returns.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub async fn sqlite(place: &str) -> Result<Self, StoreError> {
        Ok(Self::new(driver::connect_sqlite(place).await?))
    }

    /// Connects to PostgreSQL (12 or newer): `postgres://user:password@host/database`.
    ///
    /// # Errors
    ///
    /// The URL is not one, or the server does not let us in.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self::new(driver::connect_postgres(url).await?))
    }

    /// On SQLite connections that the application has already. `write` should be a pool of one
    /// connection, since SQLite has one writer; the same pool twice works too. Turn foreign keys
    /// and WAL on.
    pub fn from_sqlite(read: SqlitePool, write: SqlitePool) -> Self {
        let in_memory = driver::is_in_memory(&write);
        Self::new(Pool::Sqlite { read: Reads::Pool(read), write, in_memory })
    }

    /// On PostgreSQL connections that the application has already.
    pub fn from_postgres(pool: PgPool) -> Self {
        Self::new(Pool::Postgres(Server::new(pool)))
    }

    /// Does without named prepared statements, for a pooler that gives each transaction another
    /// connection to PostgreSQL: PgBouncer with `pool_mode = transaction`.
    ///
    /// Every read becomes a transaction, which takes three round trips more. PgBouncer 1.21 and
    /// newer keeps track of prepared statements where its `max_prepared_statements` is above 0; then
    /// this is not needed. Without a pooler, and on SQLite, it changes nothing that matters.
    ///
    /// Call it first: what the store has learned about its tables is forgotten.
    #[must_use]
    pub fn without_prepared_statements(self) -> Self {
        match &*self.pool {
            Pool::Postgres(server) => Self::new(Pool::Postgres(server.unprepared())),
            Pool::Sqlite { .. } => self,
        }
    }

    /// The connections, for tables of the application's own: its migrations, its queries, its
    /// transactions. On SQLite they are the ones that write.
    pub fn pool(&self) -> SqlPool {
        match &*self.pool {
            Pool::Sqlite { write, .. } => SqlPool::Sqlite(write.clone()),
            Pool::Postgres(server) => SqlPool::Postgres(server.pool.clone()),
        }
    }

    /// Makes the tables and indexes that are missing, and returns what it added and what it could
    /// not. Safe to call at every start, by several processes at once. The same is logged.
    ///
    /// A role that a user was given twice in `roles_users` (the original's models allow that) is
    /// taken from them once.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Other`] if a table lacks a column that is needed or has one of a type
    /// that cannot be used; the error names each with its table, its type and the type to give it.
    /// Also if the database refuses, for instance because the account may not make tables.
    pub async fn migrate(&self) -> Result<Migration, StoreError> {
        Ok(migrate::migrate(&self.pool).await?)
    }

    /// Closes all connections and waits until they are.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn new(pool: Pool) -> Self {
        Self { pool: Arc::new(pool), opened: Arc::default() }
    }

    /// Looks at the database, once.
    async fn opened(&self) -> Result<&Opened, Error> {
        self.opened
            .get_or_try_init(|| async {
                let shape = Shape::read(&self.pool).await?;
                if let Some(table) = shape.missing() {
                    return Err(Error::MissingTable(table));
                }
                let queries = Queries::new(self.pool.dialect(), &shape);
                Ok(Opened { shape, queries })
            })
            .await
    }
}

/// The connections of a store. Clones share them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SqlPool {
    /// To a SQLite database.
    Sqlite(SqlitePool),
    /// To a PostgreSQL server.
    Postgres(PgPool),
}

impl std::fmt::Debug for SqlxStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlxStore").finish_non_exhaustive()
    }
}
