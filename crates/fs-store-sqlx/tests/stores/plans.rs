//! Tests that lookups use indexes, and that SQLite's limits are as documented.

use fs_store_sqlx::SqlxStore;
use sqlx::{AssertSqlSafe, Row, SqlitePool};

use crate::existing::sqlite;

/// Returns SQLite's query plan for a condition on users.
async fn plan(pool: &SqlitePool, condition: &str) -> String {
    let query = format!(
        "EXPLAIN QUERY PLAN SELECT u.id, r.name FROM \"user\" u \
         LEFT JOIN fs_user_extra x ON x.user_id = u.id \
         LEFT JOIN roles_users ru ON ru.user_id = u.id \
         LEFT JOIN \"role\" r ON r.id = ru.role_id WHERE {condition}"
    );
    let rows = sqlx::query(AssertSqlSafe(query)).bind("x").fetch_all(pool).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
}

#[tokio::test]
async fn every_lookup_uses_an_index() {
    let (pool, store): (_, SqlxStore) = sqlite(include_str!("flask_security_sqlite.sql")).await;
    store.migrate().await.unwrap();
    for condition in [
        "u.id = ?",
        "u.fs_uniquifier = ?",
        "u.email = ?",
        "u.username = ?",
        "u.us_phone_number = ?",
        "lower(u.email) = lower(?)",
        "lower(u.username) = lower(?)",
    ] {
        let plan = plan(&pool, condition).await;
        assert!(!plan.contains("SCAN"), "{condition}: {plan}");
    }
    for query in [
        "SELECT 1 FROM fs_credential c JOIN \"user\" u ON u.id = c.user_id WHERE c.id = ?",
        "SELECT 1 FROM fs_credential WHERE user_id = ? AND kind = 'auth_token'",
        "DELETE FROM fs_credential WHERE id = ? AND revision = 1",
        "DELETE FROM fs_session WHERE parent = ?",
    ] {
        let explain = format!("EXPLAIN QUERY PLAN {query}");
        let rows = sqlx::query(AssertSqlSafe(explain)).bind("x").fetch_all(&pool).await.unwrap();
        let plan = rows.iter().map(|row| row.get::<String, _>("detail")).collect::<String>();
        assert!(!plan.contains("SCAN"), "{query}: {plan}");
    }
    // Conditions used for a name that no user has.
    for condition in ["c.email = ?", "lower(c.email) = lower(?)", "lower(c.username) = lower(?)"] {
        let query = format!(
            "EXPLAIN QUERY PLAN SELECT u.id FROM \"user\" u WHERE u.id = coalesce( \
             (SELECT c.id FROM \"user\" c WHERE {condition} ORDER BY c.id + 0 LIMIT 1), \
             (SELECT min(id) FROM \"user\"))"
        );
        let rows = sqlx::query(AssertSqlSafe(query)).bind("x").fetch_all(&pool).await.unwrap();
        let plan: Vec<_> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
        let reads = ["SEARCH u", "SEARCH c", "SEARCH user"];
        let all = reads.iter().all(|read| plan.iter().any(|line| line.starts_with(read)));
        assert!(all && !plan.iter().any(|line| line.starts_with("SCAN")), "{plan:?}");
    }
    let query = "EXPLAIN QUERY PLAN SELECT u.id FROM \"user\" u WHERE u.id IN ( \
                 SELECT c.id FROM \"user\" c WHERE lower(c.email) = lower(?) \
                 UNION ALL SELECT min(o.id) FROM \"user\" o \
                 WHERE NOT EXISTS (SELECT 1 FROM \"user\" e WHERE lower(e.email) = lower(?)))";
    let rows = sqlx::query(query).bind("x").bind("x").fetch_all(&pool).await.unwrap();
    let plan: Vec<_> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
    assert!(!plan.iter().any(|line| line.starts_with("SCAN")), "{plan:?}");
    let query = "EXPLAIN QUERY PLAN SELECT id, email FROM \"user\" WHERE email GLOB '*[^ -~]*'";
    let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
    let plan = rows.iter().map(|row| row.get::<String, _>("detail")).collect::<String>();
    assert!(plan.contains("fs_user_email_wide"), "{plan}");
}
