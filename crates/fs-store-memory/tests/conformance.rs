//! Store conformance suite, run on the in-memory store.

use std::sync::Arc;

use fs_store_memory::MemoryStore;
use fs_testkit::conformance::{FreshStore, NoStore};

async fn fresh() -> Result<FreshStore, NoStore> {
    Ok(FreshStore::new(Arc::new(MemoryStore::new())))
}

fs_testkit::store_conformance!(fresh);
