//! Database that keeps the users.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use fs_core::port::{StoreError, UserStore};
use fs_core::secret::Secret;
use fs_store_memory::MemoryStore;
use fs_store_sqlx::SqlxStore;

use crate::private_file;

/// Database to select on the command line.
#[derive(Clone)]
pub(crate) enum Database {
    /// Memory of the process, which is lost when the program ends.
    Memory,
    /// SQLite file.
    Sqlite(String),
    /// URL of a PostgreSQL server, which may contain a password.
    Postgres(Secret),
}

impl Database {
    /// Opens the database, and creates missing tables.
    pub(crate) async fn open(&self) -> Result<Arc<dyn UserStore>, StoreError> {
        let store = match self {
            Self::Memory => return Ok(Arc::new(MemoryStore::new())),
            Self::Sqlite(path) => {
                // The file holds password hashes and mails with links, so only its owner may read
                // it. SQLite gives its companion files the same mode. If the file exists already or
                // cannot be created, SQLite reports that.
                let _ = private_file::create(Path::new(path));
                SqlxStore::sqlite(path).await?
            }
            Self::Postgres(url) => SqlxStore::postgres(url.expose()).await?,
        };
        eprint!("{}", store.migrate().await?);
        Ok(Arc::new(store))
    }

    /// Returns the default path of the signing key, or `None` for an in-memory database, whose
    /// sessions do not outlive the key.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        match self {
            Self::Memory => None,
            Self::Sqlite(path) => Some(PathBuf::from(format!("{path}.key"))),
            Self::Postgres(_) => Some(PathBuf::from("demo.key")),
        }
    }
}

/// Error for a URL of another database. It does not contain the URL, which may hold a password.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a database of the demo: use the path of a SQLite file, postgres://... or memory")]
pub(crate) struct UnknownDatabase;

impl FromStr for Database {
    type Err = UnknownDatabase;

    fn from_str(text: &str) -> Result<Self, UnknownDatabase> {
        if text == "memory" {
            return Ok(Self::Memory);
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::from(text)));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty()
            || text.contains("://")
            || text.starts_with("postgres") && text.contains('@')
        {
            return Err(UnknownDatabase);
        }
        Ok(Self::Sqlite(path.to_owned()))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in memory: everything is gone at the end"),
            Self::Sqlite(path) => f.write_str(path),
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}
