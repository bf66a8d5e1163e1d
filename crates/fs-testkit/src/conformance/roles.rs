//! Rules for roles and their holders.

use std::sync::Arc;

use fs_core::model::{NewUser, Permissions, Role, UserId};
use fs_core::port::{Change, Guard, UniqueAttribute, UserStore};

use super::Violation;
use super::check::{conflict, equal, stale};
use super::facts::{add, bare, load, role};

fn grant(user: &UserId, role: &str) -> Change {
    Change::Grant { user: user.clone(), role: role.to_owned() }
}

fn revoke(user: &UserId, role: &str) -> Change {
    Change::Revoke { user: user.clone(), role: role.to_owned() }
}

fn set_permissions(role: &str, expect: &str, set: &str) -> Change {
    Change::SetPermissions {
        role: role.to_owned(),
        expect: Permissions::from_text(expect),
        set: Permissions::from_text(set),
    }
}

async fn role_names(store: &dyn UserStore, id: &UserId) -> Result<Vec<String>, Violation> {
    Ok(load(store, id).await?.roles.into_iter().map(|role| role.name).collect())
}

pub(super) async fn a_role_is_kept_with_every_field(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for role in [role("editor", "page-read,page-write"), Role::named("bare")] {
        store.commit(Change::InsertRole(role.clone()).into()).await?;
        equal(store.role(&role.name).await?, Some(role), "the role")?;
    }
    equal(store.role("nobody").await?, None, "an unknown role")
}

pub(super) async fn roles_are_listed_by_name(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    equal(store.roles().await?, Vec::new(), "an empty store")?;
    let mut all = ["b", "a", "B", "ä", "_"].map(|name| role(name, name));
    for role in &all {
        store.commit(Change::InsertRole(role.clone()).into()).await?;
    }
    all.sort_by(|one, two| one.name.cmp(&two.name));
    equal(store.roles().await?, all.to_vec(), "the roles")
}

pub(super) async fn role_names_are_exact_and_taken_once(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for name in ["Admin", "admin", "admin ", "ädmin"] {
        let role = role(name, name);
        store.commit(Change::InsertRole(role.clone()).into()).await?;
        equal(store.role(name).await?, Some(role), name)?;
    }
    let again = store.commit(Change::InsertRole(role("admin", "everything")).into()).await;
    conflict(again, UniqueAttribute::RoleName)?;
    equal(store.role("admin").await?, Some(role("admin", "admin")), "the first one")?;
    equal(store.role("ADMIN").await?, None, "ADMIN")
}

pub(super) async fn permissions_are_replaced_where_they_are_as_expected(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "b,a")).into()).await?;
    store.commit(Change::InsertRole(role("other", "z")).into()).await?;
    for (expect, set) in [("a,b", "c"), ("c", ""), ("", "a, b"), ("b,a", "b,a")] {
        store.commit(set_permissions("editor", expect, set).into()).await?;
        equal(store.role("editor").await?, Some(role("editor", set)), "the role")?;
    }
    for wrong in ["", "a", "a,b,c", "A,B"] {
        let outcome = store.commit(set_permissions("editor", wrong, "x").into()).await;
        stale(outcome, Guard::Role("editor".to_owned()))?;
    }
    equal(store.role("editor").await?, Some(role("editor", "a,b")), "the role")?;
    equal(store.role("other").await?, Some(role("other", "z")), "another role")?;
    let outcome = store.commit(set_permissions("nobody", "", "x").into()).await;
    stale(outcome, Guard::Role("nobody".to_owned()))
}

pub(super) async fn a_deleted_role_is_nobodys(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    for name in ["editor", "reader"] {
        store.commit(Change::InsertRole(role(name, name)).into()).await?;
    }
    let both = vec!["editor".to_owned(), "reader".to_owned()];
    let ann = add(&*store, NewUser { roles: both, ..bare("ann") }).await?;
    store.commit(Change::DeleteRole("editor".to_owned()).into()).await?;

    equal(store.role("editor").await?, None, "the role")?;
    equal(role_names(&*store, &ann).await?, vec!["reader".to_owned()], "the user's roles")?;
    let again = store.commit(Change::DeleteRole("editor".to_owned()).into()).await;
    stale(again, Guard::Role("editor".to_owned()))?;

    // A new role of the same name is not granted to the former holders.
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    equal(role_names(&*store, &ann).await?, vec!["reader".to_owned()], "the user's roles")
}

pub(super) async fn a_new_user_needs_roles_that_exist(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let roles = vec!["editor".to_owned(), "Editor".to_owned()];
    let user = Box::new(NewUser { roles, ..bare("ann") });
    let outcome = store.commit(Change::InsertUser(user).into()).await;
    stale(outcome, Guard::Role("Editor".to_owned()))?;

    let roles = vec!["editor".to_owned(), "editor".to_owned()];
    let ann = add(&*store, NewUser { roles, ..bare("ann") }).await?;
    equal(role_names(&*store, &ann).await?, vec!["editor".to_owned()], "a role named twice")
}

pub(super) async fn roles_are_granted_and_revoked_once(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let has = || Guard::Grant { user: ann.clone(), role: "editor".to_owned() };

    stale(store.commit(revoke(&ann, "editor").into()).await, has())?;
    store.commit(grant(&ann, "editor").into()).await?;
    equal(role_names(&*store, &ann).await?, vec!["editor".to_owned()], "after the grant")?;
    equal(role_names(&*store, &bob).await?, Vec::new(), "another user")?;
    stale(store.commit(grant(&ann, "editor").into()).await, has())?;
    store.commit(revoke(&ann, "editor").into()).await?;
    equal(role_names(&*store, &ann).await?, Vec::new(), "after the revocation")?;
    stale(store.commit(revoke(&ann, "editor").into()).await, has())?;

    let outcome = store.commit(grant(&ann, "nobody").into()).await;
    stale(outcome, Guard::Role("nobody".to_owned()))?;
    let outcome = store.commit(revoke(&ann, "nobody").into()).await;
    stale(outcome, Guard::Grant { user: ann.clone(), role: "nobody".to_owned() })
}

pub(super) async fn users_have_their_roles_by_name_and_as_they_are_now(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let names = ["b", "a", "B", "ä"];
    for name in names {
        store.commit(Change::InsertRole(role(name, "old")).into()).await?;
    }
    let roles = names.map(str::to_owned).to_vec();
    let ann = add(&*store, NewUser { roles, ..bare("ann") }).await?;
    store.commit(set_permissions("a", "old", "new").into()).await?;

    let should = [role("B", "old"), role("a", "new"), role("b", "old"), role("ä", "old")];
    equal(load(&*store, &ann).await?.roles, should.to_vec(), "the user's roles")
}
