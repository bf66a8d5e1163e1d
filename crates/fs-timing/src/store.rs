//! Stores on which the endpoints are measured.

use std::sync::Arc;

use fs_core::port::UserStore;
use fs_store_memory::MemoryStore;
use fs_store_sqlx::SqlxStore;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;

use crate::Outcome;

/// Store that keeps the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StoreKind {
    /// The in-memory store.
    Memory,
    /// A SQLite file of its own.
    Sqlite,
    /// A schema of its own on the PostgreSQL server at `FS_TEST_POSTGRES_URL`, by default the local
    /// one.
    Postgres,
}

impl StoreKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Store without users, with the resources to clean up afterwards.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn UserStore>,
    behind: Behind,
}

enum Behind {
    Memory,
    Sqlite(SqlxStore, TempDir),
    Postgres(SqlxStore, PgPool, String),
}

impl Opened {
    pub(crate) async fn new(kind: StoreKind) -> Outcome<Self> {
        Ok(match kind {
            StoreKind::Memory => {
                Self { store: Arc::new(MemoryStore::new()), behind: Behind::Memory }
            }
            StoreKind::Sqlite => {
                let folder = tempfile::tempdir()?;
                let file = folder.path().join("timing.sqlite3");
                let store = SqlxStore::sqlite(&file.to_string_lossy()).await?;
                store.migrate().await?;
                Self { store: Arc::new(store.clone()), behind: Behind::Sqlite(store, folder) }
            }
            StoreKind::Postgres => open_postgres().await?,
        })
    }

    pub(crate) async fn close(self) -> Outcome<()> {
        match self.behind {
            Behind::Memory => {}
            Behind::Sqlite(store, folder) => {
                store.close().await;
                folder.close()?;
            }
            Behind::Postgres(store, admin, schema) => {
                store.close().await;
                let drop = format!("DROP SCHEMA {schema} CASCADE");
                sqlx::query(AssertSqlSafe(drop)).execute(&admin).await?;
            }
        }
        Ok(())
    }
}

async fn open_postgres() -> Outcome<Opened> {
    let url = std::env::var("FS_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let admin = PgPoolOptions::new().max_connections(1).connect(&url).await?;
    // Safe to format into SQL: the only variable part is a process id.
    let schema = format!("fs_timing_{}", std::process::id());
    let create = format!("CREATE SCHEMA {schema}");
    sqlx::query(AssertSqlSafe(create)).execute(&admin).await?;
    let joint = if url.contains('?') { '&' } else { '?' };
    // Waiting for the disk would hide the differences.
    let options = format!("options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff");
    let store = SqlxStore::postgres(&format!("{url}{joint}{options}")).await?;
    store.migrate().await?;
    Ok(Opened { store: Arc::new(store.clone()), behind: Behind::Postgres(store, admin, schema) })
}
