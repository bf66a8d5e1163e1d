//! The rules of every store, on SQLite in a file.

use std::sync::Arc;

use fs_store_sqlx::SqlxStore;
use fs_testkit::conformance::{FreshStore, NoStore};

async fn fresh() -> Result<FreshStore, NoStore> {
    let folder = tempfile::tempdir()?;
    let store = SqlxStore::sqlite(&folder.path().join("fs.db").to_string_lossy()).await?;
    store.migrate().await?;
    let opened = store.clone();
    Ok(FreshStore::new(Arc::new(store)).with_cleanup(async move {
        opened.close().await;
        drop(folder);
    }))
}

fs_testkit::store_conformance!(fresh);
