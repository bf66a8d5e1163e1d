//! Tests of the number of statements of a start and of a look-up.

use std::time::Duration;

use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{NewUser, Uniquifier, UserId};
use fs_core::port::{Batch, Change, CommitError, Counter, Guard, Identity, UserLookup, UserStore};
use fs_store_sqlx::SqlxStore;
use fs_testkit::log::Log;
use sqlx::AssertSqlSafe;
use tracing_subscriber::filter::LevelFilter;

use crate::server::or_not_run;

/// Returns the number of statements that the log shows, without those that open a connection.
fn statements(log: &Log) -> usize {
    let text = log.text();
    let statements = text.lines().filter(|line| line.contains(" sqlx::query: "));
    statements.filter(|line| !line.contains("current_setting('statement_timeout')")).count()
}

#[tokio::test]
async fn a_start_on_complete_tables_takes_two_statements_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    schema.store().migrate().await.unwrap();
    let log = Log::default();
    let guard = log.begin(LevelFilter::DEBUG);
    let store = SqlxStore::postgres(&schema.url(schema.port())).await.unwrap();
    assert!(store.migrate().await.unwrap().is_empty());
    let nobody = UserLookup::Id(UserId::new("1"));
    assert!(store.user(&nobody).await.unwrap().is_none());
    drop(guard);
    assert_eq!(statements(&log), 3, "two, and the look-up: {}", log.text());
    store.close().await;
    schema.drop().await;
}

#[tokio::test]
async fn a_start_needs_no_right_to_create_tables_that_exist() {
    let Some(schema) = or_not_run().await else { return };
    schema.store().migrate().await.unwrap();
    let (name, role) = (schema.name(), format!("{}_role", schema.name()));
    let grant = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {name} TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name} TO {role}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA {name} TO {role}"
    );
    schema.run(&grant).await.unwrap();
    let pool = sqlx::PgPool::connect_with(schema.options().username(&role)).await.unwrap();
    let store = SqlxStore::from_postgres(pool);
    assert!(store.migrate().await.unwrap().is_empty());
    schema.run("DROP INDEX fs_user_email_lower").await.unwrap();
    assert!(store.migrate().await.is_err(), "the role may not create an index");
    store.close().await;
    schema.store().migrate().await.unwrap();
    schema.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    schema.drop().await;
}

#[tokio::test]
async fn a_look_up_is_one_statement_however_postgres_folds_letters() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    for (value, uniquifier) in
        [("an\u{130}ta@site.test", "u1"), ("anke@site.test", "u2"), ("\u{c4}nne@site.test", "u3")]
    {
        let insert = format!(
            "INSERT INTO \"user\" (email, active, fs_uniquifier) \
             VALUES ('{value}', true, '{uniquifier}')"
        );
        schema.run(&insert).await.unwrap();
    }
    assert!(store.user(&by_email("warm@site.test")).await.unwrap().is_none());
    for (typed, finds) in [
        ("ANKE@site.test", true),
        // PostgreSQL maps the stored letter to an ASCII one.
        ("anita@site.test", false),
        // It maps the typed letter, the Kelvin sign, to an ASCII one.
        ("an\u{212a}e@site.test", false),
        ("nobod\u{212a}@site.test", false),
        ("\u{e4}nne@site.test", true),
        ("\u{e4}nna@site.test", false),
    ] {
        // The first use of a query prepares it.
        store.user(&by_email(typed)).await.unwrap();
        let log = Log::default();
        let guard = log.begin(LevelFilter::DEBUG);
        assert_eq!(store.user(&by_email(typed)).await.unwrap().is_some(), finds, "{typed}");
        drop(guard);
        let text = log.text();
        assert_eq!(statements(&log), 1, "{typed}: {text}");
        assert!(text.contains("rows_returned=1"), "{typed}: {text}");
    }
    store.close().await;
    schema.drop().await;
}

/// Some databases fold the case of ASCII letters only, so the others are compared here.
#[tokio::test]
async fn a_look_up_of_other_letters_costs_the_same_for_nobody() {
    let Some(schema) = or_not_run().await else { return };
    let name = format!("{}_c", schema.name());
    let create = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    schema.run(&format!("CREATE DATABASE {name} {create}")).await.unwrap();
    let pool = sqlx::PgPool::connect_with(schema.options().database(&name)).await.unwrap();
    let store = SqlxStore::from_postgres(pool.clone());
    let create = AssertSqlSafe(format!("CREATE SCHEMA {}", schema.name()));
    sqlx::raw_sql(create).execute(&pool).await.unwrap();
    store.migrate().await.unwrap();
    for email in ["bob@site.test", "\u{c4}nne@site.test"] {
        let user = NewUser::new(email, Uniquifier::new(email));
        store.commit(Change::InsertUser(Box::new(user)).into()).await.unwrap();
    }
    let mut costs = Vec::new();
    for (typed, finds) in
        [("\u{e4}nne@site.test", true), ("\u{e4}nna@site.test", false), ("anna\u{212a}", false)]
    {
        store.user(&by_email(typed)).await.unwrap();
        let log = Log::default();
        let guard = log.begin(LevelFilter::DEBUG);
        assert_eq!(store.user(&by_email(typed)).await.unwrap().is_some(), finds, "{typed}");
        drop(guard);
        costs.push((statements(&log), log.text().matches("rows_returned=1").count()));
    }
    // All such values, and one user's row.
    assert_eq!(costs, [(2, 2); 3]);
    store.close().await;
    schema.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    schema.drop().await;
}

/// Work that only has to cost the same commits counters with a cap of zero.
#[tokio::test]
async fn a_cap_of_zero_costs_the_same_as_one_that_is_reached() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    let count = |name, cap| {
        let (now, window) = (Timestamp::from_secs(1_800_000_000), Duration::from_secs(60));
        Change::Count { counter: Counter::new("c", name), now, cap, window }
    };
    store.commit(count("full", 1).into()).await.unwrap();
    let mut costs = Vec::new();
    for refused in [count("full", 1), count("full", 0), count("new", 0)] {
        let log = Log::default();
        let guard = log.begin(LevelFilter::DEBUG);
        let done = store.commit(Batch::from(count("other", 9)).and(refused)).await;
        drop(guard);
        assert!(matches!(done, Err(CommitError::Stale(Guard::Counter(_)))), "{done:?}");
        costs.push(statements(&log));
    }
    assert_eq!(costs, [3; 3], "with that of the transaction");
    // Nothing was counted.
    store.commit(count("new", 1).into()).await.unwrap();
    store.close().await;
    schema.drop().await;
}

fn by_email(value: &str) -> UserLookup {
    let attribute = IdentityAttribute::Email;
    UserLookup::Identity(Identity { attribute, value: value.to_owned(), ignore_case: true })
}
