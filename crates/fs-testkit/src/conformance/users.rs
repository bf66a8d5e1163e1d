//! Rules for users: every field is read as it was written.

use std::sync::Arc;

use fs_core::model::{NewUser, UserField};
use fs_core::port::{Batch, Change, Guard, UniqueAttribute, UserLookup, UserStore};

use super::Violation;
use super::check::{conflict, equal, holds, stale};
use super::facts::{
    add, at, bare, empty_values, find, full, load, other_values, role, session, stored, uniquifier,
};

pub(super) async fn a_user_is_kept_with_every_field(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let editor = role("editor", "read,write");
    store.commit(Change::InsertRole(editor.clone()).into()).await?;
    let new = NewUser { roles: vec!["editor".to_owned()], ..full("ann") };
    let id = add(&*store, new.clone()).await?;
    equal(load(&*store, &id).await?, stored(&id, new, vec![editor]), "the user")
}

pub(super) async fn a_bare_user_has_nothing_else(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let new = NewUser { active: false, ..bare("ann") };
    let id = add(&*store, new.clone()).await?;
    equal(load(&*store, &id).await?, stored(&id, new, Vec::new()), "the user")
}

pub(super) async fn a_receipt_names_the_new_users_in_order(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let batch = Batch::new()
        .and(Change::InsertUser(Box::new(bare("zoe"))))
        .and(Change::InsertRole(role("editor", "")))
        .and(Change::InsertUser(Box::new(bare("ann"))));
    let receipt = store.commit(batch).await?;
    equal(receipt.users.len(), 2, "how many keys")?;
    let mut emails = Vec::new();
    for id in &receipt.users {
        emails.push(load(&*store, id).await?.email);
    }
    equal(emails, vec!["zoe@example.com".to_owned(), "ann@example.com".to_owned()], "the order")
}

pub(super) async fn every_field_can_be_written_and_taken_back(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for (number, field) in other_values().into_iter().chain(empty_values()).enumerate() {
        let id = add(&*store, full(&format!("user{number}"))).await?;
        let before = load(&*store, &id).await?;
        let set = vec![field.clone()];
        store.commit(Change::UpdateUser { user: id.clone(), expect: vec![], set }.into()).await?;

        let mut should = before;
        field.clone().write(&mut should);
        equal(load(&*store, &id).await?, should, &format!("the user after {field:?}"))?;
        store.commit(Change::DeleteUser(id).into()).await?;
    }
    Ok(())
}

pub(super) async fn an_update_leaves_the_other_fields_alone(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "write")).into()).await?;
    let new = NewUser { roles: vec!["editor".to_owned()], ..full("ann") };
    let (ann, bob) = (add(&*store, new).await?, add(&*store, full("bob")).await?);
    let (mut should, other) = (load(&*store, &ann).await?, load(&*store, &bob).await?);

    let set = other_values();
    store.commit(Change::UpdateUser { user: ann.clone(), expect: vec![], set }.into()).await?;
    for field in other_values() {
        field.write(&mut should);
    }
    equal(load(&*store, &ann).await?, should, "the user after all fields at once")?;
    equal(load(&*store, &bob).await?, other, "another user")
}

pub(super) async fn a_deleted_user_is_gone_with_all_that_was_theirs(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let new = NewUser { roles: vec!["editor".to_owned()], ..full("ann") };
    let (ann, bob) = (add(&*store, new).await?, add(&*store, full("bob")).await?);
    for (id, whose) in [("a", "ann"), ("b", "bob")] {
        store.commit(Change::InsertSession(session(id, &uniquifier(whose))).into()).await?;
    }
    store.commit(Change::DeleteUser(ann.clone()).into()).await?;

    equal(find(&*store, UserLookup::Id(ann.clone())).await?, None, "by key")?;
    equal(find(&*store, UserLookup::Uniquifier(uniquifier("ann"))).await?, None, "by uniquifier")?;
    stale(store.commit(Change::DeleteUser(ann.clone()).into()).await, Guard::User(ann))?;
    holds(load(&*store, &bob).await?.email == "bob@example.com", "the other user is there")?;
    equal(store.sessions_of(&uniquifier("bob"), at(1)).await?.len(), 1, "the other's sessions")?;

    // A later user with the same values, or even the same key, inherits nothing.
    let again = add(&*store, bare("ann")).await?;
    equal(load(&*store, &again).await?, stored(&again, bare("ann"), Vec::new()), "the next user")?;
    equal(store.sessions_of(&uniquifier("ann"), at(1)).await?, Vec::new(), "the next's sessions")
}

/// Returns users who share one value with [`full`]`("ann")`, each with the attribute that is taken.
fn rivals() -> Vec<(UniqueAttribute, NewUser, UserField)> {
    let (ann, bob) = (full("ann"), full("bob"));
    vec![
        (
            UniqueAttribute::Email,
            NewUser { email: ann.email.clone(), ..bob.clone() },
            UserField::Email(ann.email),
        ),
        (
            UniqueAttribute::Username,
            NewUser { username: ann.username.clone(), ..bob.clone() },
            UserField::Username(ann.username),
        ),
        (
            UniqueAttribute::Phone,
            NewUser { phone: ann.phone.clone(), ..bob.clone() },
            UserField::Phone(ann.phone),
        ),
        (
            UniqueAttribute::Uniquifier,
            NewUser { uniquifier: ann.uniquifier.clone(), ..bob.clone() },
            UserField::Uniquifier(ann.uniquifier),
        ),
        (
            UniqueAttribute::Uniquifier,
            NewUser { token_uniquifier: ann.token_uniquifier.clone(), ..bob },
            UserField::TokenUniquifier(ann.token_uniquifier),
        ),
    ]
}

pub(super) async fn taken_values_conflict_for_new_users(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, full("ann")).await?;
    for (attribute, rival, _) in rivals() {
        conflict(store.commit(Change::InsertUser(Box::new(rival)).into()).await, attribute)?;
    }
    add(&*store, full("bob")).await.map(drop)
}

pub(super) async fn taken_values_conflict_in_updates(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, full("ann")).await?;
    let bob = add(&*store, full("bob")).await?;
    let before = load(&*store, &bob).await?;
    for (attribute, _, field) in rivals() {
        let change = Change::UpdateUser { user: bob.clone(), expect: vec![], set: vec![field] };
        conflict(store.commit(change.into()).await, attribute)?;
    }
    equal(load(&*store, &bob).await?, before, "the user")
}

pub(super) async fn what_is_missing_is_not_taken(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for name in ["ann", "bob", "cy"] {
        add(&*store, bare(name)).await?;
    }
    Ok(())
}

pub(super) async fn a_user_may_keep_their_own_values(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let before = load(&*store, &ann).await?;
    let set = rivals().into_iter().map(|(.., field)| field).collect();
    store.commit(Change::UpdateUser { user: ann.clone(), expect: vec![], set }.into()).await?;
    equal(load(&*store, &ann).await?, before, "the user")
}
