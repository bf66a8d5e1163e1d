//! User store for SQLite and PostgreSQL.
//!
//! The tables are those of Flask-Security's own models (`user`, `role`, `roles_users`). An existing
//! database can be opened as it is, and both libraries can use it side by side. Everything else is
//! in additional tables, whose names begin with `fs_`.
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
//! # Features
//!
//! - `sqlite`: SQLite, built from its source.
//! - `postgres`: PostgreSQL.
//!
//! None is enabled by default, so that an application builds the drivers it uses and no other.
//!
//! # Behaviour
//!
//! - **Schema.** [`SqlxStore::migrate`] creates missing tables and indexes, and does not alter the
//!   tables of the application. Columns of `user` and `role` that the application left out are read
//!   as empty. Writing a value to one is an error that names it.
//! - **Case.** Unique indexes compare exactly. Lookups that ignore case also cover letters outside
//!   of ASCII ([`fs_core::port::fold_case`]). SQLite, and PostgreSQL in a database with the `C`
//!   locale, fold ASCII letters only. There, a lookup of a name with other letters scans all names
//!   that have such letters, with an index that holds no others.
//! - **NUL.** Writes refuse a text with a NUL character; reads find nothing for it.
//! - **Commits.** If the connection breaks while the database confirms a commit, the outcome is
//!   unknown, and the error says so. Every other error means that nothing was written.
//! - **Shared values.** In an existing database, users may share a phone number, or a username in
//!   the first version of Flask-Security's models. Sharing then stays possible. A uniquifier that
//!   is shared or empty does not identify an account.
//! - **Unreadable rows.** Reading a single row that cannot be converted is an error. Lists skip
//!   such a row. The log names its key and column.
//! - **Timeouts.** On PostgreSQL a write waits up to 3 seconds for a lock and 10 for a statement,
//!   unless the role or the database has timeouts of its own. On SQLite it waits up to 5 seconds
//!   for another process. After that it returns [`StoreError::Unavailable`], as it does while the
//!   disk is full.

// Code that one driver does not use belongs to the other one.
#![cfg_attr(not(all(feature = "sqlite", feature = "postgres")), allow(dead_code))]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("name a database: enable the feature `sqlite` or `postgres` of fs-store-sqlx");

mod catalogue;
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
#[cfg(feature = "postgres")]
use sqlx::PgPool;
#[cfg(feature = "sqlite")]
use sqlx::SqlitePool;
use tokio::sync::OnceCell;

use catalogue::Catalogue;
use driver::Pool;
#[cfg(feature = "sqlite")]
use driver::Reads;
#[cfg(feature = "postgres")]
use driver::Server;
use error::Error;
use read::Queries;
use shape::Shape;

pub use migration::{Added, Migration, Problem};

/// User store in SQLite or PostgreSQL. Clones share their connections.
#[derive(Clone)]
pub struct SqlxStore {
    pool: Arc<Pool>,
    opened: Arc<OnceCell<Opened>>,
}

/// Structure of a database, and the queries that fit it.
struct Opened {
    shape: Shape,
    queries: Queries,
}

impl Opened {
    fn new(pool: &Pool, shape: Shape) -> Self {
        let queries = Queries::new(pool.dialect(), &shape);
        Self { shape, queries }
    }
}

impl SqlxStore {
    /// Opens a SQLite database. `place` is a path, a `sqlite:` URL or `:memory:`.
    ///
    /// The file is created if it does not exist. It is in WAL mode with foreign keys enabled, and a
    /// commit is durable when it returns.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the file cannot be opened.
    #[cfg(feature = "sqlite")]
    pub async fn sqlite(place: &str) -> Result<Self, StoreError> {
        Ok(Self::new(driver::connect_sqlite(place).await?))
    }

    /// Connects to PostgreSQL (12 or newer): `postgres://user:password@host/database`.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the URL is invalid or the connection cannot be opened.
    #[cfg(feature = "postgres")]
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self::new(driver::connect_postgres(url).await?))
    }

    /// Creates a store on SQLite pools of the application.
    ///
    /// `write` should be a pool of one connection, since SQLite has one writer at a time. Passing
    /// the same pool twice works too. Enable foreign keys and WAL mode.
    #[cfg(feature = "sqlite")]
    pub fn from_sqlite(read: SqlitePool, write: SqlitePool) -> Self {
        let in_memory = driver::is_in_memory(&write);
        Self::new(Pool::Sqlite { read: Reads::Pool(read), write, in_memory })
    }

    /// Creates a store on a PostgreSQL pool of the application.
    #[cfg(feature = "postgres")]
    pub fn from_postgres(pool: PgPool) -> Self {
        Self::new(Pool::Postgres(Server::new(pool)))
    }

    /// Disables named prepared statements, for PgBouncer with `pool_mode = transaction` and other
    /// poolers that give each transaction another connection to PostgreSQL.
    ///
    /// Every read then becomes a transaction, which takes three more round trips. PgBouncer 1.21
    /// and newer does not need this if its `max_prepared_statements` is above 0. On SQLite it has
    /// no effect.
    ///
    /// Call this before any other method: it discards what the store has learned about its tables.
    #[must_use]
    pub fn without_prepared_statements(self) -> Self {
        match &*self.pool {
            #[cfg(feature = "postgres")]
            Pool::Postgres(server) => Self::new(Pool::Postgres(server.unprepared())),
            #[cfg(feature = "sqlite")]
            Pool::Sqlite { .. } => self,
        }
    }

    /// Returns the connections, for the application's own tables, migrations and transactions. On
    /// SQLite they are the connections that write.
    ///
    /// On PostgreSQL, statements on connections that [`postgres`](Self::postgres) opened end after
    /// ten seconds, unless the role or the database has a `statement_timeout` of its own. Use
    /// [`from_postgres`](Self::from_postgres) with a pool of your own, or `SET LOCAL
    /// statement_timeout`, for statements that take longer.
    pub fn pool(&self) -> SqlPool {
        match &*self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite { write, .. } => SqlPool::Sqlite(write.clone()),
            #[cfg(feature = "postgres")]
            Pool::Postgres(server) => SqlPool::Postgres(server.pool.clone()),
        }
    }

    /// Creates the missing tables and indexes. Returns what it added and the problems that it
    /// found, and logs them.
    ///
    /// It is safe to call at every start, and by several processes at once. If nothing is missing,
    /// it reads only, so the database role needs no right to create tables then.
    ///
    /// Duplicate rows of `roles_users`, which Flask-Security's models allow, are removed.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Other`] if a table lacks a required column or has one of an
    /// unsupported type. The error names each with its table, its type and the type to use. It
    /// returns a [`StoreError`] as well if the database refuses, for instance because the role may
    /// not create tables.
    pub async fn migrate(&self) -> Result<Migration, StoreError> {
        let (migration, shape) = migrate::migrate(&self.pool).await?;
        if let Some(shape) = shape {
            // Whoever opened the store before has read the same.
            let _ = self.opened.set(Opened::new(&self.pool, shape));
        }
        Ok(migration)
    }

    /// Closes all connections and waits until they are closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn new(pool: Pool) -> Self {
        Self { pool: Arc::new(pool), opened: Arc::default() }
    }

    /// Reads the structure of the database, once.
    async fn opened(&self) -> Result<&Opened, Error> {
        self.opened
            .get_or_try_init(|| async {
                let catalogue = Catalogue::read(&self.pool).await?;
                let shape = Shape::of_tables(self.pool.dialect(), &catalogue)?;
                if let Some(table) = shape.missing() {
                    return Err(Error::MissingTable(table));
                }
                Ok(Opened::new(&self.pool, shape))
            })
            .await
    }
}

/// Connection pool of a store. Clones share the connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SqlPool {
    /// A pool of connections to a SQLite database.
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    /// A pool of connections to a PostgreSQL server.
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

impl std::fmt::Debug for SqlxStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlxStore").finish_non_exhaustive()
    }
}
