//! The rules of every store, on PostgreSQL.

use std::sync::Arc;

use fs_testkit::conformance::{FreshStore, NoStore, not_run};

use crate::server::Schema;

async fn fresh() -> Result<FreshStore, NoStore> {
    let schema = Schema::new().await?;
    let store = schema.store();
    store.migrate().await?;
    Ok(FreshStore::new(Arc::new(store)).with_cleanup(schema.drop()))
}

/// Says that the tests of this file did not run, and fails where they must: with
/// `FS_REQUIRE_POSTGRES=1`, as in CI.
#[tokio::test]
async fn there_is_a_server() {
    match Schema::new().await {
        Ok(schema) => schema.drop().await,
        Err(NoStore::NotRun(reason)) => {
            not_run("postgres", &reason);
            assert!(std::env::var_os("FS_REQUIRE_POSTGRES").is_none(), "{reason}");
        }
        Err(NoStore::Failed(error)) => panic!("{error}"),
    }
}

fs_testkit::store_conformance!(fresh);
