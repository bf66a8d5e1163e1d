//! Tests of rows that other applications left behind: unambiguous rows are read, and each other row
//! is refused on its own.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::flow::{Credentials, SignInOutcome};
use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    NewUser, Permissions, SessionId, SessionKind, SessionRecord, Uniquifier, User, UserField,
    UserId,
};
use fs_core::port::{Batch, Change, Identity, Page, StoreError, UserLookup, UserStore};
use fs_core::session::Session;
use fs_store_sqlx::{Added, Problem, SqlxStore};
use fs_testkit::log::Log;
use fs_testkit::site::{PASSWORD, Setup, Site, link_in};
use tracing_subscriber::filter::LevelFilter;

use crate::existing::sqlite;
use crate::server::or_not_run;

const PAGE: Page = Page { offset: 0, limit: 100 };

/// Tables without any constraint, as careless applications create them.
const BARE: &str = "
    CREATE TABLE \"user\" (id INTEGER PRIMARY KEY, email TEXT, password TEXT, active BOOLEAN,
        fs_uniquifier VARCHAR(64), fs_token_uniquifier VARCHAR(64), confirmed_at TIMESTAMP,
        login_count INTEGER, us_totp_secrets TEXT, tf_primary_method TEXT, username TEXT);
    CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT, permissions TEXT);
    CREATE TABLE roles_users (user_id INTEGER, role_id INTEGER);";

async fn one(store: &SqlxStore, key: &str) -> Result<Option<User>, StoreError> {
    Ok(store.user(&UserLookup::Id(UserId::new(key))).await?.map(Arc::unwrap_or_clone))
}

/// Returns the hash of [`PASSWORD`], as a site creates it.
async fn hash(setup: Setup) -> String {
    let site = setup.build();
    let user = site.add_user("somebody@lp.com").await;
    user.password.unwrap().expose().to_owned()
}

/// Returns statements for six users: two share an empty uniquifier, two share another one, one has
/// none, and one has a unique one.
async fn shared(setup: Setup, yes: &str) -> String {
    let hash = hash(setup).await;
    let user = |id: u8, uniquifier: &str| {
        format!(
            "INSERT INTO \"user\" (id, email, password, active, fs_uniquifier, fs_token_uniquifier, \
             confirmed_at) VALUES ({id}, 'p{id}@lp.com', '{hash}', {yes}, {uniquifier}, {uniquifier}, \
             '2021-03-04 05:06:07');"
        )
    };
    let users = ["''", "''", "'same'", "'same'", "NULL", "'own'"];
    let users: Vec<_> = (1..).zip(users).map(|(id, name)| user(id, name)).collect();
    let tracked = ["last_login_at TIMESTAMP", "current_login_at TIMESTAMP"]
        .into_iter()
        .chain(["last_login_ip TEXT", "current_login_ip TEXT"])
        .map(|column| format!("ALTER TABLE \"user\" ADD COLUMN {column};"));
    BARE.to_owned() + &tracked.collect::<String>() + &users.concat()
}

async fn sign_in(site: &Site, session: &mut Session, email: &str) -> User {
    let mut credentials = Credentials::new(email, PASSWORD.into());
    credentials.remember = Some(true);
    match site.core().sign_in().with_password(&site.context(), session, credentials).await.unwrap()
    {
        SignInOutcome::Done { user, .. } => Arc::unwrap_or_clone(user),
        other => panic!("{other:?}"),
    }
}

/// Checks that no credential gives access to another account, whatever identifies it, and that each
/// account has a unique uniquifier at the end.
async fn nobody_becomes_somebody_else(setup: Setup, store: SqlxStore) {
    let migration = store.migrate().await.unwrap();
    for problem in [
        Problem::SharedValues { column: "fs_uniquifier", users: 4 },
        Problem::NoUniquifier { users: 3 },
    ] {
        assert!(migration.problems.contains(&problem), "{migration}");
    }
    // Inserted directly, as if they had been created earlier.
    let record_of = |name: &str| SessionRecord {
        key: SessionId::from_random([name.len() as u8; 32]).key(),
        kind: SessionKind::SignIn,
        uniquifier: Uniquifier::new(name),
        created_at: Timestamp::EPOCH,
        authenticated_at: None,
        expires_at: Timestamp::MAX,
        user_agent: None,
        client_ip: None,
        parent: None,
    };
    for name in ["", "same"] {
        let record = record_of(name);
        store.commit(Change::InsertSession(record.clone()).into()).await.unwrap();
        assert_eq!(store.session(&record.key, Timestamp::EPOCH).await.unwrap(), None, "{name:?}");
        for by in [
            UserLookup::Uniquifier(Uniquifier::new(name)),
            UserLookup::TokenUniquifier(Uniquifier::new(name)),
        ] {
            assert_eq!(store.user(&by).await.unwrap(), None, "{by:?}");
        }
    }
    let own = store.user(&UserLookup::Uniquifier(Uniquifier::new("own"))).await.unwrap();
    assert_eq!(own.unwrap().email, "p6@lp.com");

    let kept = store.clone();
    let site = setup.build_with(|ports| ports.store = Arc::new(store));
    let log = Log::default();
    for number in 1..=6 {
        let email = format!("p{number}@lp.com");
        let mut session = Session::default();
        let logging = log.begin(LevelFilter::WARN);
        let user = sign_in(&site, &mut session, &email).await;
        drop(logging);
        assert_eq!(user.email, email);
        for name in ["", "same"] {
            // A credential that was issued while the uniquifier was shared does not open the
            // account that keeps it.
            let key = record_of(name).key;
            assert_eq!(kept.session(&key, Timestamp::EPOCH).await.unwrap(), None, "{name:?}");
        }
        let again = site.core().sessions().authenticate(&site.context(), &session).await.unwrap();
        assert_eq!(again.unwrap().email, email);
        let mut user = user;
        let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
        let of_token =
            site.core().auth_tokens().authenticate(&site.context(), token.expose()).await;
        assert_eq!(of_token.unwrap().unwrap().email, email);
    }
    let text = log.text();
    assert!(text.contains("gets one") && text.contains("user=1"), "{text}");
    assert!(!text.contains("user=6"), "{text}");
    let mut names: Vec<_> = kept.users(PAGE).await.unwrap();
    names.sort_by(|a, b| a.uniquifier.cmp(&b.uniquifier));
    names.dedup_by(|a, b| a.uniquifier == b.uniquifier);
    assert_eq!(names.len(), 6);

    // No value is shared any more.
    let migration = kept.migrate().await.unwrap();
    let unique = Added::Index { name: "fs_user_fs_uniquifier".to_owned(), unique: true };
    assert!(migration.added.contains(&unique), "{migration}");
    assert!(!migration.to_string().contains("share a value of user.fs_uniquifier"), "{migration}");
}

#[tokio::test]
async fn a_shared_uniquifier_opens_nothing_on_sqlite() {
    for setup in [Setup::standard, Setup::flask_security_4] {
        let (_, store) = sqlite(&shared(setup(), "1").await).await;
        nobody_becomes_somebody_else(setup(), store).await;
    }
}

#[tokio::test]
async fn a_shared_uniquifier_opens_nothing_on_postgres() {
    for setup in [Setup::standard, Setup::flask_security_4] {
        let Some(schema) = or_not_run().await else { return };
        schema.run(&shared(setup(), "true").await).await.unwrap();
        nobody_becomes_somebody_else(setup(), schema.store()).await;
        schema.drop().await;
    }
}

/// Checks that a reset link works although it was requested before the account had a uniquifier.
#[tokio::test]
async fn an_account_without_a_uniquifier_can_be_recovered() {
    let (_, store) = sqlite(&shared(Setup::standard(), "1").await).await;
    store.migrate().await.unwrap();
    let site = Setup::standard().build_with(|ports| ports.store = Arc::new(store));
    let _ = site.core().accounts().request_reset(&site.context(), "p2@lp.com").await.unwrap();
    let link = link_in(&site.mails().await.pop().unwrap()).unwrap();
    let token = link.rsplit('/').next().unwrap();
    let check = site.core().accounts().check_reset(&site.context(), token).await.unwrap();
    match check {
        fs_core::flow::ResetCheck::Good(user) => assert_eq!(user.email, "p2@lp.com"),
        other => panic!("{other:?}"),
    }
}

fn moment(text: &str) -> String {
    format!(
        "{BARE} INSERT INTO \"user\" VALUES (1, 'a@lp.com', 'x', 1, 'a', NULL, {text}, 0, NULL, '', '');"
    )
}

#[tokio::test]
async fn what_others_write_for_a_moment_is_read() {
    let confirmed = Some(Timestamp::from_secs(1_614_834_367));
    for (text, expected) in [
        ("'2021-03-04 05:06:07.000000'", confirmed),
        ("'2021-03-04T07:06:07+02:00'", confirmed),
        ("'2021-03-04 00:36:07-0430'", confirmed),
        ("1614834367", confirmed),
        ("1614834367000", confirmed),
        ("1614834367.25", confirmed),
        ("'1614834367'", confirmed),
        ("''", None),
        ("' '", None),
        ("'0'", None),
        ("0", None),
        ("NULL", None),
    ] {
        let (_, store) = sqlite(&moment(text)).await;
        store.migrate().await.unwrap();
        let user = one(&store, "1").await.unwrap().unwrap();
        assert_eq!(user.confirmed_at, expected, "{text}");
        // A guard expects the value that was read.
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![
                UserField::ConfirmedAt(expected),
                UserField::Username(None),
                UserField::SecondFactor(user.second_factor.clone()),
            ],
            set: vec![UserField::ConfirmedAt(confirmed)],
        };
        store.commit(change.into()).await.unwrap();
        assert_eq!(one(&store, "1").await.unwrap().unwrap().confirmed_at, confirmed);
    }
}

#[tokio::test]
async fn what_others_write_for_active_is_read() {
    for (text, active) in [
        ("1", true),
        ("2", true),
        ("'t'", true),
        ("'True'", true),
        ("0", false),
        ("'false'", false),
        ("''", false),
        ("NULL", false),
    ] {
        let script = moment("NULL") + &format!("UPDATE \"user\" SET active = {text};");
        let (_, store) = sqlite(&script).await;
        store.migrate().await.unwrap();
        assert_eq!(one(&store, "1").await.unwrap().unwrap().active, active, "{text}");
    }
}

/// Rows that each have one unreadable column.
const ODD: &str = "
    INSERT INTO \"user\" VALUES (1, 'a@lp.com', 'x', true, 'a', NULL, NULL, 0, NULL, NULL, 'ann');
    INSERT INTO \"user\" VALUES (2, 'b@lp.com', 'hidden', true, 'b', NULL, NULL, 0, '{\"sms\": 7}', NULL, 'bob');
    INSERT INTO \"user\" VALUES (3, NULL, 'hidden', true, 'c', NULL, NULL, 0, NULL, NULL, 'cy');
    INSERT INTO \"user\" VALUES (4, 'd@lp.com', 'x', true, 'd', NULL, NULL, 0, NULL, NULL, 'dan');
    INSERT INTO role VALUES (1, 'editor', 'a,b');
    INSERT INTO role VALUES (2, NULL, 'c');
    INSERT INTO roles_users VALUES (1, 1);
    INSERT INTO roles_users VALUES (1, 2);
    INSERT INTO roles_users VALUES (1, 77);
    INSERT INTO roles_users VALUES (NULL, 1);";

async fn odd_rows_are_refused_alone(store: SqlxStore, refused: &[(&str, &str)]) {
    store.migrate().await.unwrap();
    let log = Log::default();
    let logging = log.begin(LevelFilter::ERROR);
    let users = store.users(PAGE).await.unwrap();
    let emails: Vec<_> = users.iter().map(|user| user.email.as_str()).collect();
    assert_eq!(emails, ["a@lp.com", "d@lp.com"]);
    assert_eq!(users[0].roles.len(), 1);
    assert_eq!(users[0].permissions(), Permissions::from_text("a,b"));
    assert_eq!(store.roles().await.unwrap().len(), 1);
    drop(logging);
    let text = log.text();
    for (key, column) in refused {
        let named = format!("key=\"{key}\" column=\"{column}\"");
        assert!(text.contains(&named), "{named}: {text}");
    }
    assert!(!text.contains("hidden") && !text.contains("b@lp.com"), "{text}");

    // Looking up an unreadable user is an error, not `None`.
    let by = Identity {
        attribute: IdentityAttribute::Username,
        value: "bob".to_owned(),
        ignore_case: true,
    };
    match store.user(&UserLookup::Identity(by)).await {
        Err(StoreError::Unreadable(error)) => {
            let said = error.to_string();
            assert!(said.contains("the key 2") && said.contains("us_totp_secrets"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    // The row can be repaired, and removed.
    let set = vec![UserField::SignInSecrets([].into())];
    let change = Change::UpdateUser { user: UserId::new("2"), expect: vec![], set };
    store.commit(change.into()).await.unwrap();
    assert_eq!(one(&store, "2").await.unwrap().unwrap().email, "b@lp.com");
    store.commit(Change::DeleteUser(UserId::new("3")).into()).await.unwrap();
    assert!(one(&store, "3").await.unwrap().is_none());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_breaks_no_list_on_sqlite() {
    let script = format!(
        "{BARE} {ODD} INSERT INTO \"user\" VALUES (5, 'e@lp.com', x'ff', true, 'e', NULL, NULL, 0, NULL, NULL, 'eve');
         INSERT INTO \"user\" VALUES (6, 'f@lp.com', 'x', 'perhaps', 'f', NULL, NULL, 0, NULL, NULL, 'fay');
         INSERT INTO \"user\" VALUES (7, 'g@lp.com', 'x', true, 'g', NULL, 'yesterday', 0, NULL, NULL, 'gus');
         INSERT INTO \"user\" VALUES (8, 'h@lp.com', 'x', true, 'h', NULL, NULL, 'many', NULL, NULL, 'hal');"
    );
    let (_, store) = sqlite(&script).await;
    let refused = [
        ("2", "us_totp_secrets"),
        ("3", "email"),
        ("5", "password"),
        ("6", "active"),
        ("7", "confirmed_at"),
        ("8", "login_count"),
    ];
    odd_rows_are_refused_alone(store, &refused).await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_breaks_no_list_on_postgres() {
    let Some(schema) = or_not_run().await else { return };
    // The `time` crate supports neither infinity nor the year 20,000.
    let script = format!(
        "{BARE} {ODD} INSERT INTO \"user\" VALUES (5, 'e@lp.com', 'x', true, 'e', NULL, 'infinity', 0, NULL, NULL, 'eve');
         INSERT INTO \"user\" VALUES (6, 'f@lp.com', 'x', true, 'f', NULL, '20000-01-01', 0, NULL, NULL, 'fay');"
    );
    schema.run(&script).await.unwrap();
    let refused =
        [("2", "us_totp_secrets"), ("3", "email"), ("5", "confirmed_at"), ("6", "confirmed_at")];
    odd_rows_are_refused_alone(schema.store(), &refused).await;
    schema.drop().await;
}

#[tokio::test]
async fn defaults_of_the_application_stand_where_there_is_no_value() {
    let (_, store) = sqlite(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT, password TEXT NOT NULL, active BOOLEAN,
             fs_uniquifier TEXT, login_count INTEGER NOT NULL DEFAULT 0, tenant TEXT NOT NULL);
         CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT, permissions JSON);
         CREATE TABLE roles_users (user_id INTEGER, role_id INTEGER);
         INSERT INTO role VALUES (1, 'editor', '[\"a\", \"b\"]');",
    )
    .await;
    let migration = store.migrate().await.unwrap();
    let unfilled = Problem::UnfilledColumn { table: "user", column: "tenant".to_owned() };
    let missing = Problem::MissingColumn { table: "user", column: "username" };
    assert!(migration.problems.contains(&unfilled), "{migration}");
    assert!(migration.problems.contains(&missing), "{migration}");

    match store.pool() {
        fs_store_sqlx::SqlPool::Sqlite(pool) => {
            sqlx::raw_sql("ALTER TABLE user DROP COLUMN tenant").execute(&pool).await.unwrap();
        }
        _ => panic!("this is SQLite"),
    }
    let new = NewUser::new("a@lp.com", Uniquifier::new("a"));
    store.commit(Change::InsertUser(Box::new(new)).into()).await.unwrap();
    assert_eq!(one(&store, "1").await.unwrap().unwrap().sign_ins.count, Some(0));

    let editor = store.role("editor").await.unwrap().unwrap();
    assert_eq!(editor.permissions, Permissions::from_text("a,b"));
    let set = Permissions::from_text("b,c");
    let change = Change::SetPermissions { role: editor.name, expect: editor.permissions, set };
    store.commit(Batch::from(change)).await.unwrap();
    let kept: String = match store.pool() {
        fs_store_sqlx::SqlPool::Sqlite(pool) => {
            sqlx::query_scalar("SELECT permissions FROM role").fetch_one(&pool).await.unwrap()
        }
        _ => panic!("this is SQLite"),
    };
    assert_eq!(kept, "[\"b\",\"c\"]");
}

#[tokio::test]
async fn a_key_that_is_no_number_stops_the_start_on_sqlite() {
    let (_, store) = sqlite(
        "CREATE TABLE user (id CHAR(32) PRIMARY KEY, email TEXT, password TEXT, active BOOLEAN);
         CREATE TABLE role (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TABLE roles_users (user_id CHAR(32), role_id INTEGER);",
    )
    .await;
    let said = store.migrate().await.unwrap_err().to_string();
    for part in [
        "user.id is of type CHAR(32); make it smallint, integer or bigint",
        "roles_users.user_id is of type CHAR(32)",
        "user has no column fs_uniquifier",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
