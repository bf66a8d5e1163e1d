//! Stores that the contract is played on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fs_core::port::UserStore;
use fs_store_memory::MemoryStore;
use fs_store_sqlx::SqlxStore;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Row};
use tempfile::TempDir;

/// Store that keeps the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StoreKind {
    /// The in-memory store.
    Memory,
    /// A SQLite file of its own, which is removed with the server.
    Sqlite,
    /// A schema of its own on the PostgreSQL server at `FS_TEST_POSTGRES_URL`, by default the local
    /// one.
    Postgres,
}

/// Factory of empty stores of one kind.
pub(super) enum Stores {
    Memory,
    Sqlite { folder: TempDir, count: AtomicU32 },
    Postgres { admin: PgPool, schema: String, url: String, shared: Option<Arc<SqlxStore>> },
}

impl Stores {
    /// Opens the factory. If `shared` is set, all stores may be a single one that is emptied each
    /// time.
    pub(super) async fn open(kind: StoreKind, shared: bool) -> Result<Self, String> {
        match kind {
            StoreKind::Memory => Ok(Self::Memory),
            StoreKind::Sqlite => {
                let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
                Ok(Self::Sqlite { folder, count: AtomicU32::new(0) })
            }
            StoreKind::Postgres => open_postgres(shared).await.map_err(|error| error.to_string()),
        }
    }

    /// Creates a store without users.
    pub(super) async fn empty(&self) -> Result<Arc<dyn UserStore>, String> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
            Self::Sqlite { folder, count } => {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let file = folder.path().join(format!("{number}.sqlite3"));
                let store = SqlxStore::sqlite(&file.to_string_lossy()).await;
                let store = store.map_err(|error| error.to_string())?;
                store.migrate().await.map_err(|error| error.to_string())?;
                Ok(Arc::new(store))
            }
            Self::Postgres { admin, schema, url, shared } => {
                let emptied = empty_tables(admin, schema).await;
                emptied.map_err(|error| error.to_string())?;
                if let Some(store) = shared {
                    return Ok(Arc::clone(store) as Arc<dyn UserStore>);
                }
                let store = SqlxStore::postgres(url).await;
                Ok(Arc::new(store.map_err(|error| error.to_string())?))
            }
        }
    }

    /// Closes the stores and removes all their data.
    pub(super) async fn close(&self) -> Result<(), String> {
        if let Self::Postgres { admin, schema, shared, .. } = self {
            if let Some(store) = shared {
                store.close().await;
            }
            let drop = format!("DROP SCHEMA {schema} CASCADE");
            let dropped = sqlx::query(AssertSqlSafe(drop)).execute(admin).await;
            dropped.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

async fn open_postgres(shared: bool) -> Result<Stores, Box<dyn std::error::Error>> {
    let url = std::env::var("FS_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let admin = PgPoolOptions::new().max_connections(1).connect(&url).await?;
    // Safe to format into SQL: the only variable part is a process id.
    let schema = format!("fs_contract_{}", std::process::id());
    for sql in
        [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")]
    {
        sqlx::query(AssertSqlSafe(sql)).execute(&admin).await?;
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    // Skip waiting for the disk: durability does not matter here, and speed does.
    let options = format!("options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff");
    let url = format!("{url}{joint}{options}");
    let store = SqlxStore::postgres(&url).await?;
    store.migrate().await?;
    let shared = match shared {
        true => Some(Arc::new(store)),
        false => {
            store.close().await;
            None
        }
    };
    Ok(Stores::Postgres { admin, schema, url, shared })
}

async fn empty_tables(admin: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    let named = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = $1 \
                 AND tablename NOT LIKE '%migrations%'";
    let tables = sqlx::query(named).bind(schema).fetch_all(admin).await?;
    let tables: Result<Vec<String>, _> = tables.iter().map(|row| row.try_get(0)).collect();
    let tables: Vec<_> = tables?.into_iter().map(|table| format!("{schema}.{table}")).collect();
    // Faster than TRUNCATE for tables this small.
    let mut sql = "SET session_replication_role = replica; SET synchronous_commit = off".to_owned();
    tables.iter().for_each(|table| sql.push_str(&format!("; DELETE FROM {table}")));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await?;
    Ok(())
}
