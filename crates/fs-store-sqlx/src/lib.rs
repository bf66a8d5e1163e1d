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
//! - A commit whose connection breaks while the database confirms it answers with an error though
//!   the database may have kept it. All other errors mean that nothing was written.
//! - On an existing database in which users share a telephone number, or a username as in the
//!   first version of Flask-Security's models, it stays possible to share one.

mod datetime;
mod dialect;
mod driver;
mod error;
mod migrate;
mod read;
mod shape;
mod store;
mod value;
mod write;

use std::sync::Arc;

use fs_core::port::StoreError;
use sqlx::{PgPool, SqlitePool};
use tokio::sync::OnceCell;

use driver::{Pool, Reads};
use error::Error;
use read::Queries;
use shape::Shape;

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
        Self::new(Pool::Sqlite { read: Reads::Pool(read), write })
    }

    /// On PostgreSQL connections that the application has already. Their time zone is UTC unless
    /// the application changed what sqlx sets.
    pub fn from_postgres(pool: PgPool) -> Self {
        Self::new(Pool::Postgres(pool))
    }

    /// Makes the tables and indexes that are missing. Safe to call at every start, by several
    /// processes at once.
    ///
    /// A role that a user was given twice in `roles_users` (the original's models allow that) is
    /// taken from them once.
    ///
    /// # Errors
    ///
    /// The database refuses, for instance because the account may not make tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
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
                let queries = Queries::new(self.pool.dialect(), &shape);
                Ok(Opened { shape, queries })
            })
            .await
    }
}

impl std::fmt::Debug for SqlxStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlxStore").finish_non_exhaustive()
    }
}
