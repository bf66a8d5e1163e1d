//! Tests of PostgreSQL behind failing networks, standbys and poolers.

use fs_core::model::{NewUser, Uniquifier, UserField, UserId};
use fs_core::port::{Batch, Change, CommitError, Page, Receipt, StoreError, UserLookup, UserStore};
use fs_store_sqlx::SqlxStore;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;

use crate::own_server::OwnServer;
use crate::proxy::Proxy;
use crate::server::{missing, or_not_run};

const PAGE: Page = Page { offset: 0, limit: 100 };

fn add_user(name: &str) -> Batch {
    Change::InsertUser(Box::new(NewUser::new(format!("{name}@lp.com"), Uniquifier::new(name))))
        .into()
}

fn deactivate(user: &UserId) -> Batch {
    let set = vec![UserField::Active(false)];
    Change::UpdateUser { user: user.clone(), expect: vec![UserField::Active(true)], set }.into()
}

/// Returns the message of the error.
fn unavailable(outcome: Result<Receipt, CommitError>) -> String {
    match outcome {
        Err(CommitError::Store(StoreError::Unavailable(error))) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Starts a server for this test, or reports that the test did not run and returns `None`.
async fn own_or_not_run(test: &str) -> Option<OwnServer> {
    match OwnServer::start().await {
        Ok(server) => Some(server),
        Err(reason) => {
            missing(test, &reason);
            None
        }
    }
}

/// Uses many connections at once, so that the pool keeps several.
async fn warm_up(store: &SqlxStore) {
    let reads: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.users(PAGE).await })
        })
        .collect();
    for read in reads {
        read.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn cut_connections_cost_no_request() {
    let Some(schema) = or_not_run().await else { return };
    let proxy = Proxy::to(schema.port()).await;
    let store = SqlxStore::postgres(&schema.url(proxy.port)).await.unwrap();
    store.migrate().await.unwrap();
    for round in 0..5 {
        warm_up(&store).await;
        proxy.cut();
        tokio::task::yield_now().await;
        store.users(PAGE).await.unwrap();
        warm_up(&store).await;
        proxy.cut();
        tokio::task::yield_now().await;
        store.commit(add_user(&format!("user{round}"))).await.unwrap();
    }
    store.close().await;
    schema.drop().await;
}

/// Checks that the error says that the outcome of the commit is unknown.
#[tokio::test]
async fn a_connection_cut_at_commit_says_what_is_known() {
    let Some(schema) = or_not_run().await else { return };
    let proxy = Proxy::to(schema.port()).await;
    let store = SqlxStore::postgres(&schema.url(proxy.port)).await.unwrap();
    store.migrate().await.unwrap();
    proxy.cut_at_commit();
    let said = unavailable(store.commit(add_user("ann")).await);
    assert!(said.contains("made or not"), "{said}");
    // This time the commit succeeded.
    assert_eq!(store.users(PAGE).await.unwrap().len(), 1);
    store.commit(add_user("bob")).await.unwrap();
    store.close().await;
    schema.drop().await;
}

/// Checks pools of the store, and pools of the application.
#[tokio::test]
async fn a_standby_is_left_as_soon_as_there_is_a_primary() {
    let name = "a_standby_is_left_as_soon_as_there_is_a_primary";
    let Some(mut primary) = own_or_not_run(name).await else { return };
    let url = primary.url(primary.port);
    let first = SqlxStore::postgres(&url).await.unwrap();
    first.migrate().await.unwrap();
    first.commit(add_user("ann")).await.unwrap();
    first.close().await;
    let standby = primary.standby().await.unwrap();

    let proxy = Proxy::to(primary.port).await;
    let url = primary.url(proxy.port);
    let theirs = PgPoolOptions::new().max_connections(8).connect(&url).await.unwrap();
    let stores = [SqlxStore::postgres(&url).await.unwrap(), SqlxStore::from_postgres(theirs)];
    for (number, store) in stores.iter().enumerate() {
        for round in 0..2 {
            warm_up(store).await;
            proxy.redirect(standby.port);
            proxy.cut();
            tokio::task::yield_now().await;
            warm_up(store).await;
            for _ in 0..3 {
                let said = unavailable(store.commit(add_user("nobody")).await);
                assert!(said.contains("read-only"), "{said}");
                warm_up(store).await;
            }
            proxy.redirect(primary.port);
            // The pooled connections still lead to the standby.
            store.commit(add_user(&format!("user{number}{round}"))).await.unwrap();
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_made_read_only_recovers_with_it() {
    let name = "a_server_that_is_made_read_only_recovers_with_it";
    let Some(mut server) = own_or_not_run(name).await else { return };
    let store = SqlxStore::postgres(&server.url(server.port)).await.unwrap();
    store.migrate().await.unwrap();
    warm_up(&store).await;
    server.order("ALTER SYSTEM SET default_transaction_read_only = on").await;
    server.order("SELECT pg_reload_conf()").await;
    // Each connection notices the setting when it is idle, or new.
    while store.commit(add_user("ann")).await.is_ok() {
        let all = store.users(PAGE).await.unwrap();
        store.commit(Change::DeleteUser(all[0].id.clone()).into()).await.ok();
    }
    let said = unavailable(store.commit(add_user("bob")).await);
    assert!(said.contains("read-only"), "{said}");
    server.reset_read_only().await;
    server.order("SELECT pg_reload_conf()").await;
    server.stop();
    server.run().await.unwrap();
    // The restart closed every connection as well.
    store.commit(add_user("bob")).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_unavailable_and_drains_no_pool() {
    let Some(schema) = or_not_run().await else { return };
    // A timeout that the operator set is kept.
    let options = schema.options().options([("lock_timeout", "200ms")]);
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    let store = SqlxStore::from_postgres(pool);
    store.migrate().await.unwrap();
    let ann = store.commit(add_user("ann")).await.unwrap().users.remove(0);
    let bob = store.commit(add_user("bob")).await.unwrap().users.remove(0);

    let mut other = schema.pool.acquire().await.unwrap();
    let lock = "BEGIN; SELECT 1 FROM \"user\" WHERE email = 'ann@lp.com' FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let (store, ann) = (store.clone(), ann.clone());
            tokio::spawn(async move { store.commit(deactivate(&ann)).await })
        })
        .collect();
    // Readers, and writers of other rows, are not blocked.
    store.users(PAGE).await.unwrap();
    store.commit(deactivate(&bob)).await.unwrap();
    for waiting in waiting {
        unavailable(waiting.await.unwrap());
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut *other).await.unwrap();
    drop(other);
    store.commit(deactivate(&ann)).await.unwrap();
    store.close().await;
    schema.drop().await;
}

/// Checks the isolation level, which guards rely on, and the timeouts.
#[tokio::test]
async fn transactions_have_their_isolation_and_time_outs() {
    let Some(schema) = or_not_run().await else { return };
    let options = schema.options().options([("default_transaction_isolation", "serializable")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let store = SqlxStore::from_postgres(pool);
    store.migrate().await.unwrap();
    schema
        .run(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             RAISE EXCEPTION '% % %', current_setting('transaction_isolation'), \
             current_setting('lock_timeout'), current_setting('statement_timeout'); END $$; \
             CREATE TRIGGER tell BEFORE INSERT ON \"user\" FOR EACH ROW EXECUTE FUNCTION tell()",
        )
        .await
        .unwrap();
    let said = store.commit(add_user("ann")).await.unwrap_err().to_string();
    assert!(said.contains("read committed 3s 10s"), "{said}");
    store.close().await;
    schema.drop().await;
}

/// Checks that statements prepared before a column was altered do not fail a request.
#[tokio::test]
async fn a_table_that_is_altered_under_us_costs_no_request() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    let ann = store.commit(add_user("ann")).await.unwrap().users.remove(0);
    warm_up(&store).await;
    schema.run("ALTER TABLE \"user\" ALTER COLUMN username TYPE TEXT").await.unwrap();
    warm_up(&store).await;
    store.user(&UserLookup::Id(ann)).await.unwrap().unwrap();
    schema.drop().await;
}

/// Checks that a connection whose search path leads elsewhere is not used again.
#[tokio::test]
async fn a_connection_with_another_search_path_is_replaced() {
    let Some(schema) = or_not_run().await else { return };
    let url = schema.url(schema.port());
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let store = SqlxStore::from_postgres(pool.clone());
    store.migrate().await.unwrap();
    store.users(PAGE).await.unwrap();
    sqlx::query("SET search_path = pg_catalog").execute(&pool).await.unwrap();
    let _ = store.users(PAGE).await;
    store.users(PAGE).await.unwrap();
    store.close().await;
    schema.drop().await;
}

#[tokio::test]
async fn ten_thousand_roles_do_not_repeat_the_user() {
    let Some(schema) = or_not_run().await else { return };
    let proxy = Proxy::to(schema.port()).await;
    let store = SqlxStore::postgres(&schema.url(proxy.port)).await.unwrap();
    store.migrate().await.unwrap();
    let mut new = NewUser::new("ann@lp.com", Uniquifier::new("ann"));
    new.attributes.insert("about".to_owned(), "NEEDLE".repeat(200).into());
    let ann = store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap().users.remove(0);
    schema
        .run(
            "INSERT INTO role (name, permissions) SELECT 'role' || n, 'a,b' \
             FROM generate_series(1, 10000) n; \
             INSERT INTO roles_users SELECT \"user\".id, role.id FROM \"user\", role",
        )
        .await
        .unwrap();
    proxy.listen();
    let user = store.user(&UserLookup::Id(ann)).await.unwrap().unwrap();
    let heard = proxy.heard();
    assert_eq!(user.roles.len(), 10_000);
    assert!(user.has_role("role7") && user.has_permission("b"));
    let copies = heard.windows(6).filter(|part| *part == b"NEEDLE").count();
    assert_eq!(copies, 200, "the user's row was sent once");
    assert!(heard.len() < 50 * 10_000, "{} bytes", heard.len());
    store.close().await;
    schema.drop().await;
}

/// Checks that a text that PostgreSQL cannot store is refused before it is sent.
#[tokio::test]
async fn a_nul_character_is_refused_and_the_transaction_with_it() {
    let Some(schema) = or_not_run().await else { return };
    let store = schema.store();
    store.migrate().await.unwrap();
    let batch = add_user("ann")
        .and(Change::InsertUser(Box::new(NewUser::new("b\0b@lp.com", Uniquifier::new("bob")))));
    let refused = store.commit(batch).await;
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Other(_)))), "{refused:?}");
    assert_eq!(store.users(PAGE).await.unwrap(), []);
    schema.drop().await;
}

/// Checks that no request fails when an operator drops a database's connections.
#[tokio::test]
async fn connections_that_an_operator_ends_cost_no_request() {
    let Some(schema) = or_not_run().await else { return };
    let store = SqlxStore::postgres(&schema.url(schema.port())).await.unwrap();
    store.migrate().await.unwrap();
    warm_up(&store).await;
    let name = schema.name();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE pid <> pg_backend_pid() AND application_name = '{name}'"
    );
    sqlx::query(AssertSqlSafe(end)).execute(&schema.pool).await.unwrap();
    store.commit(add_user("ann")).await.unwrap();
    assert_eq!(store.users(PAGE).await.unwrap().len(), 1);
    store.close().await;
    schema.drop().await;
}

/// Checks that a network that drops all packets is noticed by the client's timeout.
#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    let Some(schema) = or_not_run().await else { return };
    let proxy = Proxy::to(schema.port()).await;
    let store = SqlxStore::postgres(&schema.url(proxy.port)).await.unwrap();
    store.migrate().await.unwrap();
    proxy.freeze();
    let (read, written) = tokio::join!(store.users(PAGE), store.commit(add_user("ann")));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    unavailable(written);
    proxy.thaw();
    store.commit(add_user("bob")).await.unwrap();
    store.close().await;
    schema.drop().await;
}

/// Checks that a read that waits for a table lock also ends on the server. Otherwise server
/// processes would pile up during a migration of the application.
#[tokio::test]
async fn a_read_behind_a_table_lock_ends_on_the_server_too() {
    let Some(schema) = or_not_run().await else { return };
    let store = SqlxStore::postgres(&schema.url(schema.port())).await.unwrap();
    store.migrate().await.unwrap();
    warm_up(&store).await;
    let mut other = schema.pool.acquire().await.unwrap();
    let lock = "BEGIN; LOCK TABLE \"user\" IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let read = store.users(PAGE).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let waiting: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = $1 AND wait_event_type = 'Lock'",
    )
    .bind(schema.name())
    .fetch_one(&mut *other)
    .await
    .unwrap();
    assert_eq!(waiting, 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut *other).await.unwrap();
    drop(other);
    store.users(PAGE).await.unwrap();
    store.close().await;
    schema.drop().await;
}
