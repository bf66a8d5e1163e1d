//! Tests of existing databases.

use std::collections::BTreeSet;
use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, PasswordHash, Permissions,
    SealedSecret, SecondFactor, SessionKey, SessionRecord, SignIns, Uniquifier, User, UserField,
    UserId,
};
use fs_core::port::{
    AuditEntry, Batch, Change, CommitError, ExpectedCredential, Guard, Identity, OutboxEntry,
    OutboxId, OutgoingMail, OutgoingMessage, Page, StoreError, UniqueAttribute, UserLookup,
    UserStore,
};
use fs_core::recovery_code::RecoveryCodeHash;
use fs_store_sqlx::SqlxStore;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, SqlitePool};

use crate::server::or_not_run;

pub(crate) async fn sqlite(script: &str) -> (SqlitePool, SqlxStore) {
    let pool = SqlitePoolOptions::new().max_connections(1).connect(":memory:").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(&pool).await.unwrap();
    (pool.clone(), SqlxStore::from_sqlite(pool.clone(), pool))
}

async fn one(store: &SqlxStore, key: &str) -> User {
    Arc::unwrap_or_clone(store.user(&UserLookup::Id(UserId::new(key))).await.unwrap().unwrap())
}

/// Checks the data of the scripts beside this file, and uses it through the store.
async fn open_flask_security(store: &SqlxStore) {
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();

    let joe = one(store, "1").await;
    let at = |micros| Some(Timestamp::from_micros(micros));
    assert_eq!(joe.email, "Joe@lp.com");
    assert_eq!(joe.username.as_deref(), Some("joe"));
    assert_eq!(joe.password, Some(PasswordHash::new("$2b$x")));
    assert!(joe.active);
    assert_eq!(joe.uniquifier, Uniquifier::new("3dd9f0f443214416a0e0eab934c0d9c7"));
    assert_eq!(joe.token_uniquifier, None);
    assert_eq!(joe.confirmed_at, at(1_614_834_367_000_089));
    assert_eq!(
        joe.sign_ins,
        SignIns { last_at: at(1_614_834_367_000_000), count: Some(3), ..SignIns::default() }
    );
    assert_eq!(
        joe.second_factor,
        SecondFactor {
            method: Some("sms".to_owned()),
            totp_secret: Some(SealedSecret::new("TF")),
            phone: Some("+15551234567".to_owned()),
        }
    );
    assert_eq!(
        joe.sign_in_secrets,
        [
            ("sms".to_owned(), SealedSecret::new("SECRET")),
            ("authenticator".to_owned(), SealedSecret::new("Ü\"x")),
        ]
        .into()
    );
    assert_eq!(joe.roles.len(), 1);
    assert_eq!(joe.roles[0].permissions, Permissions::from_text("page-read,page-write"));
    let any_case = UserLookup::Identity(Identity {
        attribute: IdentityAttribute::Email,
        value: "jOE@lp.com".to_owned(),
        ignore_case: true,
    });
    assert_eq!(store.user(&any_case).await.unwrap().as_deref(), Some(&joe));
    // An empty text means that there is no password.
    assert_eq!(one(store, "2").await.password, None);

    // Guards compare the values that Python wrote, in any format.
    let expect = vec![
        UserField::ConfirmedAt(joe.confirmed_at),
        UserField::SignIns(joe.sign_ins.clone()),
        UserField::SignInSecrets(joe.sign_in_secrets.clone()),
    ];
    let set = vec![UserField::Password(None), UserField::SignInSecrets([].into())];
    let user = joe.id.clone();
    store.commit(Change::UpdateUser { user, expect, set }.into()).await.unwrap();
    assert_eq!(one(store, "1").await.password, None);
    let change = Change::SetPermissions {
        role: "editor".to_owned(),
        expect: Permissions::from_text("page-read,page-write"),
        set: Permissions::default(),
    };
    store.commit(change.into()).await.unwrap();

    // A role that was granted twice is one role.
    let grant = Change::Grant { user: joe.id.clone(), role: "editor".to_owned() };
    assert!(matches!(
        store.commit(grant.into()).await,
        Err(CommitError::Stale(Guard::Grant { .. }))
    ));
    let revoke = Change::Revoke { user: joe.id.clone(), role: "editor".to_owned() };
    store.commit(revoke.into()).await.unwrap();
    assert_eq!(one(store, "1").await.roles, []);

    // The models have no column for this.
    let set = vec![UserField::TokenUniquifier(Some(Uniquifier::new("t")))];
    let change = Change::UpdateUser { user: joe.id.clone(), expect: vec![], set };
    match store.commit(change.into()).await {
        Err(CommitError::Store(StoreError::Other(error))) => {
            assert!(error.to_string().contains("no column fs_token_uniquifier"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let by_token = UserLookup::TokenUniquifier(Uniquifier::new("t"));
    assert_eq!(store.user(&by_token).await.unwrap(), None);

    let phone = Some("+1555".to_owned());
    let new = NewUser { phone, ..NewUser::new("new@lp.com", Uniquifier::new("new")) };
    let again =
        NewUser { email: "b@lp.com".to_owned(), uniquifier: Uniquifier::new("b"), ..new.clone() };
    let receipt = store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    assert_eq!(receipt.users, [UserId::new("3")]);
    assert!(matches!(
        store.commit(Change::InsertUser(Box::new(again)).into()).await,
        Err(CommitError::Conflict(UniqueAttribute::Phone))
    ));
    store.commit(Change::DeleteUser(joe.id).into()).await.unwrap();
    assert_eq!(store.users(Page { offset: 0, limit: 10 }).await.unwrap().len(), 2);
}

/// Returns the names of the columns of a table.
async fn columns(pool: &SqlitePool, table: &str) -> BTreeSet<String> {
    let query = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(table.to_owned());
    query.fetch_all(pool).await.unwrap().into_iter().collect()
}

#[tokio::test]
async fn a_flask_security_database_opens_as_it_is_on_sqlite() {
    let (pool, store) = sqlite(include_str!("flask_security_sqlite.sql")).await;
    let before = (columns(&pool, "user").await, columns(&pool, "role").await);
    open_flask_security(&store).await;
    assert_eq!((columns(&pool, "user").await, columns(&pool, "role").await), before);

    // The store writes the same values as SQLAlchemy.
    let texts: (Option<String>, String, Option<String>) = sqlx::query_as(
        "SELECT confirmed_at, password, permissions FROM \"user\", role WHERE role.id = 1 AND \"user\".id = 3",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(texts, (None, String::new(), None));
}

#[tokio::test]
async fn a_flask_security_database_opens_as_it_is_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    schema.run(include_str!("flask_security_postgres.sql")).await.unwrap();
    open_flask_security(&schema.store()).await;
    schema.drop().await;
}

#[tokio::test]
async fn times_are_written_as_sqlalchemy_writes_them() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let confirmed_at = Some(Timestamp::from_micros(1_614_834_367_000_089));
    let new = NewUser { confirmed_at, ..NewUser::new("a@lp.com", Uniquifier::new("a")) };
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    let set = vec![UserField::Active(false)];
    let change = Change::UpdateUser { user: UserId::new("1"), expect: vec![], set };
    store.commit(change.into()).await.unwrap();
    let (confirmed, updated): (String, String) =
        sqlx::query_as("SELECT confirmed_at, update_datetime FROM \"user\"")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(confirmed, "2021-03-04 05:06:07.000089");
    assert_eq!(updated.len(), confirmed.len(), "{updated}");
}

#[tokio::test]
async fn a_database_with_the_bare_columns_is_enough() {
    let (_, store) = sqlite(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT, password TEXT, active BOOLEAN, fs_uniquifier TEXT);
         CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
         CREATE TABLE roles_users (user_id INTEGER, role_id INTEGER);
         INSERT INTO role VALUES (1, 'editor');",
    )
    .await;
    store.migrate().await.unwrap();
    let mut new = NewUser::new("a@lp.com", Uniquifier::new("a"));
    new.roles.push("editor".to_owned());
    new.attributes.insert("nickname".to_owned(), "Al".into());
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    let user = one(&store, "1").await;
    assert_eq!(user.username, None);
    assert_eq!(user.roles[0].name, "editor");
    assert_eq!(user.attributes["nickname"], "Al");

    // The values were not unique before, and are now.
    let again = NewUser::new("a@lp.com", Uniquifier::new("b"));
    assert!(matches!(
        store.commit(Change::InsertUser(Box::new(again)).into()).await,
        Err(CommitError::Conflict(UniqueAttribute::Email))
    ));
    let change = Change::SetPermissions {
        role: "editor".to_owned(),
        expect: Permissions::default(),
        set: Permissions::from_text("a"),
    };
    assert!(matches!(
        store.commit(change.into()).await,
        Err(CommitError::Store(StoreError::Other(_)))
    ));
}

#[tokio::test]
async fn values_that_users_share_already_stay_shared() {
    let script = include_str!("flask_security_sqlite.sql").to_owned()
        + "UPDATE user SET us_phone_number = '+1555';";
    let (_, store) = sqlite(&script).await;
    store.migrate().await.unwrap();
    let by_phone = UserLookup::Identity(Identity {
        attribute: IdentityAttribute::Phone,
        value: "+1555".to_owned(),
        ignore_case: false,
    });
    assert_eq!(store.user(&by_phone).await.unwrap().unwrap().id, UserId::new("1"));
}

#[tokio::test]
async fn a_user_that_python_deletes_leaves_nothing_to_the_next() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let mut new = NewUser::new("a@lp.com", Uniquifier::new("a"));
    new.attributes.insert("nickname".to_owned(), "Al".into());
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    let key = CredentialKey::of(CredentialKind::AuthToken, "secret");
    let credential = Box::new(CredentialRecord {
        key: key.clone(),
        kind: CredentialKind::AuthToken,
        owner: UserId::new("1"),
        value: serde_json::Value::Null,
        created_at: Timestamp::EPOCH,
        used_at: None,
        expires_at: Timestamp::MAX,
        revision: 0,
    });
    let put = Change::PutCredential { credential, expect: ExpectedCredential::Absent };
    store.commit(put.into()).await.unwrap();
    for statement in [
        "DELETE FROM user",
        // As in a table created by SQLAlchemy, SQLite reuses a key here.
        "INSERT INTO user (id, email, active, fs_uniquifier) VALUES (1, 'b@lp.com', 1, 'b')",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let next = one(&store, "1").await;
    assert_eq!((next.email.as_str(), next.attributes.len()), ("b@lp.com", 0));
    assert_eq!(store.credential(&key, Timestamp::EPOCH).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_from_before_recovery_codes_gets_their_column() {
    let (_, store) = sqlite(
        "CREATE TABLE fs_user_extra (user_id INTEGER NOT NULL PRIMARY KEY, attributes TEXT NOT NULL);
         INSERT INTO fs_user_extra VALUES (1, '{\"nickname\": \"Al\"}');",
    )
    .await;
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    let new = NewUser::new("a@lp.com", Uniquifier::new("a"));
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    let codes = vec![RecoveryCodeHash::from_bytes([7; 32])];
    let set = vec![UserField::RecoveryCodes(codes.clone())];
    let change = Change::UpdateUser { user: UserId::new("1"), expect: vec![], set };
    store.commit(change.into()).await.unwrap();
    let user = one(&store, "1").await;
    assert_eq!((user.recovery_codes, &user.attributes["nickname"]), (codes, &"Al".into()));
}

/// Table of sessions from before sessions had parents.
const OLD_SESSIONS: &str = "CREATE TABLE fs_session (id TEXT NOT NULL PRIMARY KEY, \
     kind TEXT NOT NULL, uniquifier TEXT NOT NULL, created_at BIGINT NOT NULL, \
     authenticated_at BIGINT, expires_at BIGINT NOT NULL, user_agent TEXT, client_ip TEXT); \
     INSERT INTO fs_session VALUES ('old', 'sign_in', 'a', 1, 1, 9000000000000000, NULL, NULL); \
     INSERT INTO fs_session VALUES ('r', 'remember', 'a', 1, 1, 9000000000000000, NULL, NULL);";

async fn use_old_sessions(store: &SqlxStore) {
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    let new = NewUser::new("a@lp.com", Uniquifier::new("a"));
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    let found = store.session(&SessionKey::new("old"), Timestamp::EPOCH).await.unwrap();
    let old = found.unwrap().0;
    assert_eq!(old.parent, None);
    let parent = CredentialKey::new("family");
    let child = SessionRecord {
        key: SessionKey::new("new"),
        parent: Some(parent.clone()),
        ..(*old).clone()
    };
    store.commit(Change::InsertSession(child).into()).await.unwrap();
    let remove = Change::RemoveCredential { key: parent, expect: None };
    store.commit(remove.into()).await.unwrap();
    assert_eq!(
        store.sessions_of(&old.uniquifier, Timestamp::EPOCH).await.unwrap(),
        [(*old).clone()]
    );
}

#[tokio::test]
async fn a_table_of_sessions_without_parents_gets_their_column() {
    let (_, store) = sqlite(OLD_SESSIONS).await;
    use_old_sessions(&store).await;
}

#[tokio::test]
async fn a_table_of_sessions_without_parents_gets_their_column_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    schema.run(OLD_SESSIONS).await.unwrap();
    use_old_sessions(&schema.store()).await;
    schema.drop().await;
}

#[tokio::test]
async fn a_database_without_tables_says_what_to_do() {
    let (_, store) = sqlite("").await;
    let error = store.roles().await.unwrap_err();
    assert!(error.to_string().contains("migrate"), "{error}");
    // The store must not have cached that the tables were missing.
    store.migrate().await.unwrap();
    assert_eq!(store.roles().await.unwrap(), []);
}

#[tokio::test]
async fn many_may_migrate_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fs.db");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let file = file.to_string_lossy().into_owned();
        tasks.spawn(async move { SqlxStore::sqlite(&file).await?.migrate().await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
}

#[tokio::test]
async fn many_may_migrate_at_once_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = schema.store();
        tasks.spawn(async move { store.migrate().await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    schema.drop().await;
}

#[tokio::test]
async fn the_audit_log_and_failures_of_mails_are_there_for_people() {
    let (pool, store) = sqlite("").await;
    store.migrate().await.unwrap();
    let mut details = serde_json::Map::new();
    details.insert("method".to_owned(), "password".into());
    let entry = AuditEntry {
        at: Timestamp::from_secs(7),
        what: "sign_in",
        user: Some(UserId::new("1")),
        client_ip: Some("192.0.2.1".to_owned()),
        details,
    };
    let id = OutboxId("m".to_owned());
    let mail = OutgoingMail {
        template: "welcome".to_owned(),
        to: "ann@lp.com".to_owned(),
        from: "site@lp.com".to_owned(),
        subject: "Hello".to_owned(),
        text: None,
        html: None,
    };
    let at = Timestamp::EPOCH;
    let batch = Batch::new()
        .and(Change::Audit(entry))
        .and(Change::Enqueue(Box::new(OutboxEntry {
            id: id.clone(),
            message: OutgoingMessage::Mail(mail),
            at,
        })))
        .and(Change::DeliveryFailed { message: id, due: at, reason: "é".repeat(2_000) });
    store.commit(batch).await.unwrap();

    let line: (i64, String, String, String, String) =
        sqlx::query_as("SELECT at, what, user_id, client_ip, details FROM fs_audit")
            .fetch_one(&pool)
            .await
            .unwrap();
    let (at, what, user, ip, details) = line;
    assert_eq!(
        (at, what.as_str(), user.as_str(), ip.as_str(), details.as_str()),
        (7_000_000, "sign_in", "1", "192.0.2.1", "{\"method\":\"password\"}")
    );
    let failure: String =
        sqlx::query_scalar("SELECT last_failure FROM fs_outbox").fetch_one(&pool).await.unwrap();
    assert_eq!(failure, "é".repeat(500));
}
