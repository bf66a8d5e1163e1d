//! Tests of the number of statements of a start and of a look-up.

use fs_core::identity::IdentityAttribute;
use fs_core::model::UserId;
use fs_core::port::{Identity, UserLookup, UserStore};
use fs_store_sqlx::SqlxStore;
use fs_testkit::log::Log;
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
async fn a_look_up_is_one_statement_beside_a_value_that_postgres_folds_otherwise() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    let insert = "INSERT INTO \"user\" (email, active, fs_uniquifier) \
                  VALUES ('an\u{130}ta@site.test', true, 'u1')";
    schema.run(insert).await.unwrap();
    let anita = Identity {
        attribute: IdentityAttribute::Email,
        value: "anita@site.test".to_owned(),
        ignore_case: true,
    };
    let by = UserLookup::Identity(anita);
    assert!(store.user(&by).await.unwrap().is_none());
    let log = Log::default();
    let guard = log.begin(LevelFilter::DEBUG);
    assert!(store.user(&by).await.unwrap().is_none());
    drop(guard);
    assert_eq!(statements(&log), 1, "{}", log.text());
    store.close().await;
    schema.drop().await;
}
