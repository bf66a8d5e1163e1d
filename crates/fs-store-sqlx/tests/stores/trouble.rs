//! Tests of databases that do not answer, reveal too much, or grow.

use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, PasswordHash, SessionId, SessionKind,
    SessionRecord, Uniquifier,
};
use fs_core::port::{
    Batch, Change, CommitError, Counter, ExpectedCredential, OutboxEntry, OutboxId,
    OutgoingMessage, OutgoingSms, Page, Receipt, SpentSecret, StoreError, UserStore,
};
use fs_store_sqlx::SqlxStore;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::existing::sqlite;
use crate::server::or_not_run;

fn new_user() -> Change {
    let mut user = NewUser::new("ann@lp.com", Uniquifier::new("a"));
    user.password = Some(PasswordHash::new("a-secret-hash"));
    Change::InsertUser(Box::new(user))
}

#[tokio::test]
async fn a_database_that_another_process_writes_to_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fs.db");
    let first = SqlxStore::sqlite(&file.to_string_lossy()).await.unwrap();
    first.migrate().await.unwrap();
    first.close().await;

    let options = SqliteConnectOptions::new().filename(&file).busy_timeout(Duration::ZERO);
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let store = SqlxStore::from_sqlite(pool.clone(), pool.clone());
    let other = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert!(matches!(
        store.commit(new_user().into()).await,
        Err(CommitError::Store(StoreError::Unavailable(_)))
    ));
    // Readers do not wait for writers.
    assert_eq!(store.roles().await.unwrap(), []);
    other.rollback().await.unwrap();
    store.commit(new_user().into()).await.unwrap();
}

#[tokio::test]
async fn a_pool_without_connections_is_unavailable() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(10))
        .connect_with(options)
        .await
        .unwrap();
    let store = SqlxStore::from_sqlite(pool.clone(), pool.clone());
    store.migrate().await.unwrap();
    let held = pool.acquire().await.unwrap();
    assert!(matches!(store.roles().await, Err(StoreError::Unavailable(_))));
    drop(held);
    store.roles().await.unwrap();
    store.close().await;
    assert!(matches!(store.roles().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn readers_that_give_up_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fs.db");
    let store = SqlxStore::sqlite(&file.to_string_lossy()).await.unwrap();
    store.migrate().await.unwrap();
    store.commit(new_user().into()).await.unwrap();
    for round in 0..50 {
        let reads: Vec<_> = (0..10)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.users(Page { offset: 0, limit: 9 }).await })
            })
            .collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        // Some reads have started, some have not, and some have finished.
        reads.iter().step_by(2).for_each(tokio::task::JoinHandle::abort);
        for read in reads.into_iter().skip(1).step_by(2) {
            assert_eq!(read.await.unwrap().unwrap().len(), 1);
        }
    }
    store.close().await;
    assert!(matches!(store.roles().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.commit(new_user().into()).await,
        Err(CommitError::Store(StoreError::Unavailable(_)))
    ));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Port 9 is the discard service; nothing listens there.
    let pool = PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(1))
        .connect_lazy("postgres://fs@127.0.0.1:9/fs")
        .unwrap();
    let store = SqlxStore::from_postgres(pool);
    assert!(matches!(store.roles().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.commit(new_user().into()).await,
        Err(CommitError::Store(StoreError::Unavailable(_)))
    ));
}

#[tokio::test]
async fn a_place_that_is_no_file_is_an_error() {
    assert!(SqlxStore::sqlite("/proc/no/such/folder/fs.db").await.is_err());
    assert!(SqlxStore::postgres("not a url").await.is_err());
}

/// Returns the complete text of an error, with its causes.
fn said(outcome: Result<Receipt, CommitError>) -> String {
    match outcome {
        Err(error @ CommitError::Store(StoreError::Other(_))) => format!("{error} {error:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_do_not_show_what_was_written() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    sqlx::query("CREATE TRIGGER no BEFORE INSERT ON \"user\" BEGIN SELECT RAISE(ABORT, 'no'); END")
        .execute(&pool)
        .await
        .unwrap();
    let text = said(store.commit(new_user().into()).await);
    assert!(!text.contains("secret") && !text.contains("ann@"), "{text}");
}

#[tokio::test]
async fn errors_do_not_show_what_was_written_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    let column = "ALTER TABLE \"user\" ADD COLUMN surname VARCHAR(9) NOT NULL";
    schema.run(column).await.unwrap();
    // PostgreSQL's own error contains the whole row.
    let text = said(store.commit(new_user().into()).await);
    assert!(text.contains("surname"), "{text}");
    assert!(!text.contains("secret") && !text.contains("ann@"), "{text}");
    schema.drop().await;
}

#[tokio::test]
async fn expired_rows_are_forgotten() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let ann = NewUser::new("ann@example.com", Uniquifier::new("ann"));
    let made = store.commit(Change::InsertUser(Box::new(ann)).into()).await.unwrap();
    let owner = made.users[0].clone();
    for number in 0..50_u8 {
        let now = Timestamp::from_secs(number.into());
        let window = Duration::from_secs(1);
        let batch = Batch::new()
            .and(Change::Spend { secret: SpentSecret([number; 32]), until: now.plus(window) })
            .and(Change::Count {
                counter: Counter::new("c", &number.to_string()),
                now,
                cap: 1,
                window,
            })
            .and(Change::InsertSession(SessionRecord {
                key: SessionId::from_random([number; 32]).key(),
                kind: SessionKind::SignIn,
                uniquifier: Uniquifier::new("a"),
                created_at: now,
                authenticated_at: None,
                expires_at: now.plus(window),
                user_agent: None,
                client_ip: None,
                parent: None,
            }))
            .and(Change::PutCredential {
                credential: Box::new(CredentialRecord {
                    key: CredentialKey::of(CredentialKind::AuthToken, &number.to_string()),
                    kind: CredentialKind::AuthToken,
                    owner: owner.clone(),
                    value: serde_json::Value::Null,
                    created_at: now,
                    used_at: None,
                    expires_at: now.plus(window),
                    revision: 0,
                }),
                expect: ExpectedCredential::Absent,
            });
        store.commit(batch).await.unwrap();
    }
    for table in ["fs_spent", "fs_counter", "fs_session", "fs_credential"] {
        let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        let count: i64 = count.fetch_one(&pool).await.unwrap();
        assert_eq!(count, 1, "{table}");
    }
}

#[tokio::test]
async fn messages_that_cannot_be_read_do_not_hold_up_the_others() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let message = |id: &str, at| {
        let sms = OutgoingSms { to: "+41446681800".to_owned(), text: "123456".into() };
        let (id, message) = (OutboxId(id.to_owned()), OutgoingMessage::Sms(sms));
        Change::Enqueue(Box::new(OutboxEntry { id, message, at: Timestamp::from_secs(at) }))
    };
    for number in 0..5 {
        store.commit(message(&format!("bad{number}"), number).into()).await.unwrap();
    }
    sqlx::query("UPDATE fs_outbox SET subject = x'fffe'").execute(&pool).await.unwrap();
    store.commit(message("good", 9).into()).await.unwrap();
    let (now, until) = (Timestamp::from_secs(10), Timestamp::from_secs(130));
    let claimed = store.claim_messages(now, until, 1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].id.0, "good");
    assert!(store.claim_messages(now, until, 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_told_from_a_failure() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let ann = NewUser::new("ann@example.com", Uniquifier::new("ann"));
    store.commit(Change::InsertUser(Box::new(ann)).into()).await.unwrap();
    let (now, key) = (Timestamp::from_secs(1), SessionId::from_random([1; 32]).key());
    let session = SessionRecord {
        key: key.clone(),
        kind: SessionKind::SignIn,
        uniquifier: Uniquifier::new("ann"),
        created_at: now,
        authenticated_at: None,
        expires_at: Timestamp::from_secs(99),
        user_agent: None,
        client_ip: None,
        parent: None,
    };
    store.commit(Change::InsertSession(session).into()).await.unwrap();
    assert!(store.session(&key, now).await.unwrap().is_some());
    sqlx::query("UPDATE fs_session SET kind = 'odd'").execute(&pool).await.unwrap();
    assert!(matches!(store.session(&key, now).await, Err(StoreError::Unreadable(_))));
}
