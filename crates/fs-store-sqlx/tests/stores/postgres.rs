//! Store conformance suite on PostgreSQL.

use std::sync::Arc;

use fs_testkit::conformance::{FreshStore, NoStore, not_run};

use crate::server::Schema;

async fn fresh() -> Result<FreshStore, NoStore> {
    let schema = Schema::new().await?;
    let store = schema.store();
    store.migrate().await?;
    Ok(FreshStore::new(Arc::new(store)).with_cleanup(schema.drop()))
}

/// Reports that the tests of this file did not run. Fails with `FS_REQUIRE_POSTGRES=1`, as in CI,
/// because they must run there.
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
