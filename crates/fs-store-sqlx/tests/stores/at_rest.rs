//! Tests of what a stolen copy of the database reveals.

use fs_core::Timestamp;
use fs_core::model::{SessionId, SessionKind, SessionRecord, Uniquifier};
use fs_core::port::{Change, UserStore};
use fs_store_sqlx::SqlxStore;

use crate::existing::sqlite;
use crate::server::or_not_run;

const COLUMNS: &str = "SELECT id || ' ' || kind || ' ' || uniquifier || ' ' || created_at || ' ' || \
     expires_at || ' ' || coalesce(user_agent, '') || ' ' || coalesce(client_ip, '') FROM fs_session";

async fn begin_session(store: &SqlxStore) -> SessionId {
    store.migrate().await.unwrap();
    let id = SessionId::from_random([7; 32]);
    let session = SessionRecord {
        key: id.key(),
        kind: SessionKind::SignIn,
        uniquifier: Uniquifier::new("ann"),
        created_at: Timestamp::from_secs(1),
        authenticated_at: None,
        expires_at: Timestamp::from_secs(2),
        user_agent: None,
        client_ip: None,
        parent: None,
    };
    store.commit(Change::InsertSession(session).into()).await.unwrap();
    id
}

fn assert_useless(rows: &[String], id: &SessionId) {
    let [row] = rows else { panic!("{rows:?}") };
    assert!(row.contains(id.key().as_str()) && !row.contains(id.as_str()), "{row}");
}

#[tokio::test]
async fn rows_of_sessions_name_no_session_on_sqlite() {
    let (pool, store) = sqlite("").await;
    let id = begin_session(&store).await;
    let rows: Vec<String> = sqlx::query_scalar(COLUMNS).fetch_all(&pool).await.unwrap();
    assert_useless(&rows, &id);
}

#[tokio::test]
async fn rows_of_sessions_name_no_session_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    schema.run(include_str!("flask_security_postgres.sql")).await.unwrap();
    let id = begin_session(&schema.store()).await;
    let rows: Vec<String> = sqlx::query_scalar(COLUMNS).fetch_all(&schema.pool).await.unwrap();
    assert_useless(&rows, &id);
    schema.drop().await;
}
