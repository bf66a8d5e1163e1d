//! Eviction table, verified on real databases.

use std::sync::Arc;

use fs_store_sqlx::SqlxStore;
use fs_testkit::evictions::{Profile, Walk};

use crate::server::or_not_run;

async fn check(store: SqlxStore) {
    for profile in [Profile::Standard, Profile::FlaskSecurity4] {
        let differences = Walk::new(profile, Arc::new(store.clone())).check_all().await;
        let list: Vec<_> = differences.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{}", list.join("\n"));
    }
}

#[tokio::test]
async fn events_evict_what_the_table_says() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("accounts.db");
    let store = SqlxStore::sqlite(place.to_str().unwrap()).await.unwrap();
    store.migrate().await.unwrap();
    check(store).await;
}

#[tokio::test]
async fn events_evict_what_the_table_says_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    check(store).await;
    schema.drop().await;
}
