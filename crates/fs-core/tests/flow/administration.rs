//! Tests of operations by scripts and administrators on accounts and roles.

use std::collections::BTreeMap;

use fs_core::flow::{AdminError, NewAccount};
use fs_core::identity::{IdentityAttribute, IdentityRule};
use fs_core::model::{Permissions, Role, SealedSecret, UserField};
use fs_core::port::{Change, UniqueAttribute, UserLookup};
use fs_testkit::site::{PASSWORD, Setup};

use crate::people::ANN;

const PHONE: &str = "+14155550123";

#[tokio::test]
async fn an_account_is_made_with_all_that_it_was_given() {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    core.admin().create_role(Role::named("editor")).await.unwrap();
    let new = |email: &str, username: &str, roles: &[&str]| {
        let mut account = NewAccount::new(email);
        account.username = Some(username.to_owned());
        account.password = Some(PASSWORD.into());
        account.confirmed = true;
        account.roles = roles.iter().map(|&name| name.to_owned()).collect();
        account
    };
    let ann =
        core.admin().create_user(&ctx, new("Ann@SITE.test", "annie", &["editor"])).await.unwrap();
    assert_eq!(ann.email, "Ann@site.test");
    assert_eq!(ann.username.as_deref(), Some("annie"));
    assert!(ann.active && ann.confirmed_at == Some(ctx.now) && ann.has_role("editor"));
    assert_eq!(site.user("Ann@site.test").await, Some(ann));
    assert!(
        core.sign_in()
            .check_credentials(&ctx, "ann@site.test", &PASSWORD.into())
            .await
            .unwrap()
            .is_accepted()
    );

    let taken = core.admin().create_user(&ctx, new("bob@site.test", "annie", &[])).await;
    assert!(matches!(taken, Err(AdminError::Taken(UniqueAttribute::Username))), "{taken:?}");
    let unknown = core.admin().create_user(&ctx, new("bob@site.test", "bobby", &["owner"])).await;
    assert!(matches!(&unknown, Err(AdminError::NoSuchRole(name)) if name == "owner"));
    let mut weak = new("bob@site.test", "bobby", &[]);
    weak.password = Some("short".into());
    assert!(matches!(core.admin().create_user(&ctx, weak).await, Err(AdminError::Invalid(_))));
    assert_eq!(site.user("bob@site.test").await, None);
}

#[tokio::test]
async fn an_address_or_name_is_taken_however_it_is_written() {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    let new = |email: &str, username: &str| {
        let mut account = NewAccount::new(email);
        account.username = Some(username.to_owned());
        account
    };
    let ann = core.admin().create_user(&ctx, new(ANN, "annie")).await.unwrap();
    let taken = core.admin().create_user(&ctx, new("ANN@site.test", "other")).await;
    assert!(matches!(taken, Err(AdminError::Taken(UniqueAttribute::Email))), "{taken:?}");
    let taken = core.admin().create_user(&ctx, new("bob@site.test", "ANNIE")).await;
    assert!(matches!(taken, Err(AdminError::Taken(UniqueAttribute::Username))), "{taken:?}");
    // The rule also holds for concurrent calls.
    let both = [new("zoe@site.test", "zoe"), new("ZOE@site.test", "zoe2")];
    let made = futures::future::join_all(both.map(|new| core.admin().create_user(&ctx, new))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
    // The address of a deleted account can be registered again at once.
    core.admin().delete_user(&ctx, &ann.id).await.unwrap();
    assert!(core.admin().create_user(&ctx, new("Ann@site.test", "Annie")).await.is_ok());
}

#[tokio::test]
async fn a_role_is_found_or_made() {
    let site = Setup::standard().build();
    let core = site.core();
    assert_eq!(core.store().role("editor").await.unwrap(), None);
    let permissions = Permissions::from_text("page-read,page-write");
    let editor = Role { permissions, ..Role::named("editor") };
    assert_eq!(core.admin().find_or_create_role(editor.clone()).await.unwrap(), editor);
    assert_eq!(core.admin().find_or_create_role(Role::named("editor")).await.unwrap(), editor);
    assert_eq!(core.store().role("editor").await.unwrap(), Some(editor));
    assert_eq!(core.store().role("Editor").await.unwrap(), None);
}

#[test]
fn permissions_of_a_role_are_added_taken_away_and_read() {
    let mut editor = Role::named("editor");
    editor.permissions.add(&Permissions::from_text("page-read, page-write"));
    editor.permissions.add(&Permissions::from_iter(["page-write", "users-read"]));
    let names: Vec<_> = editor.permissions.iter().collect();
    assert_eq!(names, ["page-read", "page-write", "users-read"]);
    editor.permissions.remove(&Permissions::from_text("page-write,absent"));
    assert_eq!(editor.permissions.to_string(), "page-read,users-read");
}

#[tokio::test]
async fn a_user_is_found_by_every_name() {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let by = |attribute| IdentityRule { attribute, ignore_case: true };
    let order = [IdentityAttribute::Username, IdentityAttribute::Email, IdentityAttribute::Phone];
    setup.config.identities.order = order.map(by).to_vec();
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    let mut new = NewAccount::new(ANN);
    new.username = Some("annie".to_owned());
    let ann = core.admin().create_user(&ctx, new).await.unwrap();
    core.admin()
        .set_sign_in_method(&ann, fs_core::config::CodeMethod::Sms, None, Some(PHONE.to_owned()))
        .await
        .unwrap();
    // A taken value is found by every attribute under which it can be looked up.
    for typed in [ANN, "ANN@site.test", "annie", "Annie", PHONE, "+1 415 555 0123"] {
        let found = core.accounts().find_by_identity(typed).await.unwrap();
        assert_eq!(found.map(|user| user.id.clone()), Some(ann.id.clone()), "{typed}");
    }
    assert_eq!(core.accounts().find_by_identity("bob@site.test").await.unwrap(), None);
    for by in [UserLookup::Id(ann.id.clone()), UserLookup::Uniquifier(ann.uniquifier.clone())] {
        let found = core.store().user(&by).await.unwrap();
        assert_eq!(found.map(|user| user.email.clone()), Some(ANN.to_owned()));
    }
    assert!(core.accounts().find_by_email("Ann@SITE.test").await.unwrap().is_some());

    // An account's identity is the first configured attribute that has a value.
    let mut ann = site.user(ANN).await.unwrap();
    assert_eq!(core.accounts().identity_of(&ann), Some("annie"));
    ann.username = None;
    assert_eq!(core.accounts().identity_of(&ann), Some(ANN));
    ann.email = String::new();
    assert_eq!(core.accounts().identity_of(&ann), Some(PHONE));
}

#[tokio::test]
async fn secrets_of_sign_in_methods_are_read_and_replaced_as_a_whole() {
    let site = Setup::standard().build();
    let core = site.core();
    let ann = site.add_user(ANN).await;
    assert!(ann.sign_in_secrets.is_empty());
    let secrets = BTreeMap::from([("email", "one"), ("sms", "two")])
        .into_iter()
        .map(|(method, secret)| (method.to_owned(), SealedSecret::new(secret)))
        .collect();
    let put = |expect, set| {
        let change = Change::UpdateUser {
            user: ann.id.clone(),
            expect: vec![UserField::SignInSecrets(expect)],
            set: vec![UserField::SignInSecrets(set)],
        };
        core.store().commit(change.into())
    };
    put(BTreeMap::new(), BTreeMap::clone(&secrets)).await.unwrap();
    assert_eq!(site.user(ANN).await.unwrap().sign_in_secrets, secrets);
    // A write whose expectation no longer holds is refused.
    assert!(put(BTreeMap::new(), BTreeMap::new()).await.is_err());
    put(secrets, BTreeMap::new()).await.unwrap();
    assert!(site.user(ANN).await.unwrap().sign_in_secrets.is_empty());
}

#[tokio::test]
async fn an_invalid_account_is_refused_with_field_and_rule() {
    let site = Setup::standard().build();
    let mut new = NewAccount::new(ANN);
    new.password = Some("short".into());
    let error = site.core().admin().create_user(&site.context(), new).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the input is invalid: password: "), "{text}");
    assert!(text.contains("15") && !text.contains("short"), "{text}");
}
