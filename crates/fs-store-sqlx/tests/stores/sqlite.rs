//! Store conformance suite on SQLite, in a file.

use std::sync::Arc;

use fs_core::model::{NewUser, Uniquifier};
use fs_core::port::{Change, UserStore};
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

/// Checks that keys are not reused, because an application may keep a user's key after the user is
/// deleted.
#[tokio::test]
async fn the_key_of_a_removed_user_is_not_given_again() {
    let store = SqlxStore::sqlite(":memory:").await.unwrap();
    store.migrate().await.unwrap();
    let add = async |name: &str| {
        let new = NewUser::new(format!("{name}@site.test"), Uniquifier::new(name));
        let receipt = store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
        receipt.users.into_iter().next().unwrap()
    };
    let ann = add("ann").await;
    store.commit(Change::DeleteUser(ann.clone()).into()).await.unwrap();
    assert_ne!(add("bob").await, ann);
}
