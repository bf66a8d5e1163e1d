//! Rules for credentials, which have one record type for every way to authenticate.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, SessionKey, SessionRecord, UserField,
    UserId,
};
use fs_core::port::{Batch, Change, ExpectedCredential, Guard, UserStore};
use serde_json::{Value, json};

use super::Violation;
use super::check::{equal, some, stale};
use super::facts::{add, at, bare, credential, load, put, role, secret, session, uniquifier};

/// Inserts a credential.
async fn insert(store: &dyn UserStore, new: &CredentialRecord) -> Result<(), Violation> {
    store.commit(put(new, ExpectedCredential::Absent).into()).await?;
    Ok(())
}

async fn find(
    store: &dyn UserStore,
    key: &CredentialKey,
) -> Result<Option<CredentialRecord>, Violation> {
    Ok(store.credential(key, at(50)).await?.map(|(record, _)| Arc::unwrap_or_clone(record)))
}

/// Returns the keys of an owner's auth tokens, as the store lists them.
async fn listed(store: &dyn UserStore, owner: &UserId) -> Result<Vec<CredentialKey>, Violation> {
    let found = store.credentials_of(owner, CredentialKind::AuthToken, at(50)).await?;
    Ok(found.into_iter().map(|record| record.key).collect())
}

fn gone(key: &CredentialKey) -> Guard {
    Guard::Credential(key.clone())
}

pub(super) async fn a_credential_is_kept_with_every_field(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let values = [
        Value::Null,
        json!(""),
        json!({}),
        json!({ "b": [1, -2, 0.5, true, null], "a": { "Ü\u{0}\"\\": "日本語 \u{1F600}" } }),
        json!({ "long": "x".repeat(20_000) }),
    ];
    for kind in CredentialKind::ALL {
        for (number, value) in values.iter().enumerate() {
            let new = CredentialRecord {
                key: CredentialKey::of(kind, &number.to_string()),
                kind,
                value: value.clone(),
                created_at: Timestamp::from_micros(at(0).as_micros() + 123_456),
                used_at: (number == 0).then(|| Timestamp::from_micros(at(1).as_micros() + 654_321)),
                expires_at: if number == 0 { Timestamp::MAX } else { at(100) },
                ..credential("", &ann)
            };
            // The store counts revisions itself, and ignores the caller's number.
            insert(&*store, &CredentialRecord { revision: 7, ..new.clone() }).await?;
            equal(find(&*store, &new.key).await?, Some(new.clone()), "the credential")?;
            let of = store.credentials_of(&ann, kind, at(50)).await?;
            equal(of.contains(&new), true, "it is listed")?;
        }
    }
    Ok(())
}

pub(super) async fn a_credential_comes_with_its_owner_and_roles(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for name in ["reader", "editor"] {
        store.commit(Change::InsertRole(role(name, name)).into()).await?;
    }
    let roles = vec!["reader".to_owned(), "editor".to_owned()];
    // Whether an inactive account may be used is decided by the caller.
    let ann = add(&*store, NewUser { roles, active: false, ..bare("ann") }).await?;
    let bob = add(&*store, bare("bob")).await?;
    for (secret, owner) in [("a", ann), ("b", bob)] {
        let new = credential(secret, &owner);
        insert(&*store, &new).await?;
        let found = some(store.credential(&new.key, at(50)).await?, "the credential")?.1;
        equal(&*found, &load(&*store, &owner).await?, "its owner")?;
    }
    for unknown in ["", "c", "A"] {
        let key = CredentialKey::of(CredentialKind::AuthToken, unknown);
        equal(find(&*store, &key).await?, None, "an unknown credential")?;
    }
    equal(find(&*store, &CredentialKey::new("")).await?, None, "an empty key")
}

pub(super) async fn a_credential_ends_at_its_expiry(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    insert(&*store, &new).await?;
    let last = Timestamp::from_micros(at(100).as_micros() - 1);
    for (now, alive) in [(at(0), true), (last, true), (at(100), false), (at(101), false)] {
        let found = store.credential(&new.key, now).await?;
        equal(found.is_some(), alive, &format!("at {now}"))?;
        let listed = store.credentials_of(&ann, new.kind, now).await?;
        equal(listed.len(), usize::from(alive), &format!("listed at {now}"))?;
    }
    Ok(())
}

pub(super) async fn credentials_are_listed_by_owner_and_kind_newest_first(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    for (secret, made) in [("b", 20), ("c", 10), ("a", 30)] {
        insert(&*store, &CredentialRecord { created_at: at(made), ..credential(secret, &ann) })
            .await?;
    }
    insert(&*store, &credential("other", &bob)).await?;
    let kind = CredentialKind::RememberFamily;
    let family =
        CredentialRecord { key: CredentialKey::of(kind, "a"), kind, ..credential("", &ann) };
    insert(&*store, &family).await?;
    let keys = ["a", "b", "c"].map(|secret| credential(secret, &ann).key);
    equal(listed(&*store, &ann).await?, keys.to_vec(), "the order")?;
    equal(store.credentials_of(&ann, kind, at(50)).await?, vec![family], "of another kind")?;
    equal(listed(&*store, &UserId::new("nobody")).await?, Vec::new(), "of nobody")
}

pub(super) async fn a_credential_needs_an_owner(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    store.commit(Change::DeleteUser(ann.clone()).into()).await?;
    for owner in [ann, UserId::new(""), UserId::new("nobody")] {
        let new = credential("t", &owner);
        let outcome = store.commit(put(&new, ExpectedCredential::Absent).into()).await;
        stale(outcome, Guard::User(owner))?;
        equal(find(&*store, &new.key).await?, None, "a credential of nobody")?;
    }
    Ok(())
}

pub(super) async fn a_taken_credential_key_is_never_overwritten(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let first = credential("t", &ann);
    insert(&*store, &first).await?;
    let expired = CredentialRecord { expires_at: at(1), ..credential("old", &ann) };
    insert(&*store, &expired).await?;
    for thief in [credential("t", &bob), credential("t", &ann)] {
        let outcome = store.commit(put(&thief, ExpectedCredential::Absent).into()).await;
        stale(outcome, gone(&first.key))?;
    }
    equal(find(&*store, &first.key).await?, Some(first), "the first one")
}

pub(super) async fn a_credential_is_replaced_at_its_revision_alone(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let first = credential("t", &ann);
    insert(&*store, &first).await?;
    let next = |revision| CredentialRecord {
        value: json!(revision),
        created_at: at(1),
        used_at: Some(at(2)),
        expires_at: at(90),
        revision,
        ..first.clone()
    };
    for wrong in [0, 2, u32::MAX] {
        let outcome = store.commit(put(&next(9), ExpectedCredential::Revision(wrong)).into()).await;
        stale(outcome, gone(&first.key))?;
    }
    for revision in 1..4 {
        let expect = ExpectedCredential::Revision(revision);
        store.commit(put(&next(revision + 1), expect).into()).await?;
        let found = find(&*store, &first.key).await?;
        equal(found, Some(next(revision + 1)), "the next revision")?;
        stale(store.commit(put(&next(9), expect).into()).await, gone(&first.key))?;
    }
    let unknown = credential("unknown", &ann);
    let outcome = store.commit(put(&unknown, ExpectedCredential::Revision(1)).into()).await;
    stale(outcome, gone(&unknown.key))
}

pub(super) async fn a_credential_keeps_its_kind_and_owner(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let first = credential("t", &ann);
    insert(&*store, &first).await?;
    for other in [
        CredentialRecord { owner: bob, ..first.clone() },
        CredentialRecord { kind: CredentialKind::RememberFamily, ..first.clone() },
    ] {
        let outcome = store.commit(put(&other, ExpectedCredential::Revision(1)).into()).await;
        stale(outcome, gone(&first.key))?;
    }
    equal(find(&*store, &first.key).await?, Some(first), "the credential")
}

pub(super) async fn a_credential_can_be_removed_once(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let (one, other) = (credential("one", &ann), credential("other", &ann));
    for new in [&one, &other] {
        insert(&*store, new).await?;
    }
    let remove = |expect| Change::RemoveCredential { key: one.key.clone(), expect };
    stale(store.commit(remove(Some(2)).into()).await, gone(&one.key))?;
    equal(find(&*store, &one.key).await?, Some(one.clone()), "at another revision it stays")?;
    store.commit(remove(Some(1)).into()).await?;
    equal(listed(&*store, &ann).await?, vec![other.key.clone()], "what is left")?;
    stale(store.commit(remove(Some(1)).into()).await, gone(&one.key))?;
    // Without an expectation, removing a missing credential is not an error. The key is free again.
    store.commit(remove(None).into()).await?;
    insert(&*store, &one).await?;
    store.commit(remove(None).into()).await?;
    equal(find(&*store, &one.key).await?, None, "the removed one")?;
    equal(find(&*store, &other.key).await?, Some(other), "another one")
}

/// Returns a change that inserts a session of Ann's, created from a credential.
fn child(key: &str, parent: Option<&CredentialRecord>) -> Change {
    Change::InsertSession(SessionRecord {
        parent: parent.map(|parent| parent.key.clone()),
        ..session(key, &uniquifier("ann"))
    })
}

async fn sessions(store: &dyn UserStore) -> Result<Vec<SessionKey>, Violation> {
    let found = store.sessions_of(&uniquifier("ann"), at(50)).await?;
    let mut keys: Vec<_> = found.into_iter().map(|session| session.key).collect();
    keys.sort_unstable();
    Ok(keys)
}

fn keys(names: &[&str]) -> Vec<SessionKey> {
    names.iter().map(|name| SessionKey::new(*name)).collect()
}

pub(super) async fn sessions_end_with_their_credential(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let (one, other) = (credential("one", &ann), credential("other", &ann));
    for new in [&one, &other] {
        insert(&*store, new).await?;
    }
    for (key, parent) in [("a", Some(&one)), ("b", Some(&one)), ("c", Some(&other)), ("d", None)] {
        store.commit(child(key, parent).into()).await?;
    }
    // A new revision is the same credential.
    store.commit(put(&one, ExpectedCredential::Revision(1)).into()).await?;
    equal(sessions(&*store).await?, keys(&["a", "b", "c", "d"]), "after a rotation")?;
    let remove = Change::RemoveCredential { key: one.key.clone(), expect: Some(1) };
    stale(store.commit(remove.into()).await, gone(&one.key))?;
    equal(sessions(&*store).await?, keys(&["a", "b", "c", "d"]), "after a stale removal")?;
    let remove = Change::RemoveCredential { key: one.key.clone(), expect: Some(2) };
    store.commit(remove.into()).await?;
    equal(sessions(&*store).await?, keys(&["c", "d"]), "after the removal")
}

pub(super) async fn all_credentials_of_a_kind_can_be_removed_but_one(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let kind = CredentialKind::RememberFamily;
    let tokens = ["a", "b", "c"].map(|secret| credential(secret, &ann));
    let others = [
        credential("bob", &bob),
        CredentialRecord { kind, key: CredentialKey::of(kind, "f"), ..credential("", &ann) },
    ];
    for new in tokens.iter().chain(&others) {
        insert(&*store, new).await?;
        if new.owner == ann {
            store.commit(child(new.key.as_str(), Some(new)).into()).await?;
        }
    }
    let [a, b, _] = &tokens;
    let [of_bob, family] = &others;
    let remove = |except: Option<&CredentialRecord>| Change::RemoveCredentialsOf {
        owner: ann.clone(),
        kind: CredentialKind::AuthToken,
        except: except.map(|record| record.key.clone()),
    };
    // An exception that belongs to another owner has no effect.
    for (except, left) in [(Some(b), vec![b]), (Some(of_bob), vec![]), (None, vec![])] {
        store.commit(remove(except).into()).await?;
        let left_keys: Vec<_> = left.iter().map(|record| record.key.clone()).collect();
        equal(listed(&*store, &ann).await?, left_keys, "the tokens that are left")?;
        let mut names: Vec<_> = left.iter().map(|record| record.key.as_str()).collect();
        names.push(family.key.as_str());
        names.sort_unstable();
        equal(sessions(&*store).await?, keys(&names), "the sessions that are left")?;
        for other in &others {
            equal(find(&*store, &other.key).await?.as_ref(), Some(other), "another's")?;
        }
    }
    equal(find(&*store, &a.key).await?, None, "a removed one")?;
    let of = Change::RemoveCredentialsOf { owner: UserId::new("nobody"), kind, except: None };
    store.commit(of.into()).await?;
    Ok(())
}

pub(super) async fn a_deleted_user_leaves_no_credentials(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let (of_ann, of_bob) = (credential("ann", &ann), credential("bob", &bob));
    for new in [&of_ann, &of_bob] {
        insert(&*store, new).await?;
    }
    store.commit(Change::DeleteUser(ann.clone()).into()).await?;
    equal(find(&*store, &of_ann.key).await?, None, "by key")?;
    equal(listed(&*store, &ann).await?, Vec::new(), "by owner")?;
    equal(find(&*store, &of_bob.key).await?, Some(of_bob), "somebody else's")?;
    let next = add(&*store, bare("ann")).await?;
    equal(listed(&*store, &next).await?, Vec::new(), "what the next user has")?;
    equal(find(&*store, &of_ann.key).await?, None, "by key, with a next user")
}

pub(super) async fn a_failed_batch_leaves_credentials_as_they_were(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let (kept, new) = (credential("kept", &ann), credential("new", &ann));
    insert(&*store, &kept).await?;
    store.commit(child("s", Some(&kept)).into()).await?;
    store.commit(Change::Spend { secret: secret(1), until: at(100) }.into()).await?;
    let changes = [
        put(&new, ExpectedCredential::Absent),
        put(&kept, ExpectedCredential::Revision(1)),
        Change::RemoveCredential { key: kept.key.clone(), expect: Some(1) },
        Change::RemoveCredentialsOf { owner: ann.clone(), kind: kept.kind, except: None },
        Change::CredentialUsed { key: kept.key.clone(), at: at(9) },
        Change::DeleteUser(ann.clone()),
    ];
    for change in changes {
        let batch = Batch::from(change).and(Change::Spend { secret: secret(1), until: at(100) });
        stale(store.commit(batch).await, Guard::Secret)?;
        equal(find(&*store, &kept.key).await?.as_ref(), Some(&kept), "what was there")?;
        equal(listed(&*store, &ann).await?, vec![kept.key.clone()], "the list")?;
        equal(sessions(&*store).await?, keys(&["s"]), "its session")?;
    }
    Ok(())
}

pub(super) async fn the_last_use_is_noted_and_never_goes_back(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let (one, other) = (credential("one", &ann), credential("other", &ann));
    for new in [&one, &other] {
        insert(&*store, new).await?;
    }
    let used =
        |key: &CredentialKey, second| Change::CredentialUsed { key: key.clone(), at: at(second) };
    for (second, noted) in [(10, 10), (30, 30), (20, 30), (30, 30)] {
        store.commit(used(&one.key, second).into()).await?;
        let should = CredentialRecord { used_at: Some(at(noted)), ..one.clone() };
        equal(find(&*store, &one.key).await?, Some(should), "the used one, at its revision")?;
    }
    equal(find(&*store, &other.key).await?, Some(other), "another one")?;
    let unknown = credential("unknown", &ann).key;
    store.commit(used(&unknown, 1).into()).await?;
    equal(find(&*store, &unknown).await?, None, "an unknown one")
}

pub(super) async fn a_credential_outlives_a_new_uniquifier(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    insert(&*store, &new).await?;
    let set = vec![UserField::Uniquifier(uniquifier("new ann"))];
    store.commit(Change::UpdateUser { user: ann.clone(), expect: vec![], set }.into()).await?;
    let (found, owner) = some(store.credential(&new.key, at(50)).await?, "the credential")?;
    equal(&*found, &new, "the credential")?;
    equal(&*owner, &load(&*store, &ann).await?, "the owner as they are now")
}
