//! Rules for batches: they are atomic, and applied in order.

use std::sync::Arc;

use fs_core::model::{NewUser, Role, SessionKey, SessionRecord, User, UserField, UserId};
use fs_core::port::{
    AuditEntry, Batch, Change, CommitError, Counter, Guard, OutboxId, OutboxMessage, Page, Receipt,
    UniqueAttribute, UserStore,
};
use serde_json::json;

use super::Violation;
use super::check::{conflict, equal, holds, stale};
use super::facts::{
    add, at, bare, full, load, mail, object, other_values, role, seconds, secret, session,
    uniquifier,
};

pub(super) async fn an_empty_batch_does_nothing(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    equal(store.commit(Batch::new()).await?, Receipt::default(), "the receipt")
}

pub(super) async fn changes_see_the_ones_before(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let update = |expect, set| Change::UpdateUser { user: ann.clone(), expect, set };
    let editor = || "editor".to_owned();
    let batch = Batch::new()
        .and(update(vec![UserField::Active(true)], vec![UserField::Active(false)]))
        .and(update(
            vec![UserField::Active(false)],
            vec![
                UserField::Email("new@example.com".to_owned()),
                UserField::Username(None),
                UserField::Phone(None),
                UserField::Uniquifier(uniquifier("new")),
                UserField::TokenUniquifier(None),
            ],
        ))
        // Values released by the batch are free again, and new ones are stored.
        .and(Change::InsertRole(role("editor", "a")))
        .and(Change::SetPermissions {
            role: editor(),
            expect: role("", "a").permissions,
            set: role("", "b").permissions,
        })
        .and(Change::InsertUser(Box::new(NewUser { roles: vec![editor()], ..full("ann") })))
        .and(Change::Grant { user: ann.clone(), role: editor() })
        .and(Change::Revoke { user: ann.clone(), role: editor() })
        .and(Change::Grant { user: ann.clone(), role: editor() })
        .and(Change::InsertSession(session("s", &uniquifier("new"))))
        .and(Change::EndSession(SessionKey::new("s")))
        .and(Change::InsertSession(session("s", &uniquifier("new"))));
    let receipt = store.commit(batch).await?;

    let user = load(&*store, &ann).await?;
    equal(user.email.as_str(), "new@example.com", "the first user")?;
    equal(user.roles, vec![role("editor", "b")], "the first user's roles")?;
    equal(store.sessions_of(&uniquifier("new"), at(1)).await?.len(), 1, "sessions")?;
    for id in &receipt.users {
        let next = load(&*store, id).await?;
        equal(next.email.as_str(), "ann@example.com", "the second user")?;
        equal(next.roles, vec![role("editor", "b")], "the second user's roles")?;
    }

    let twice = Batch::new().and(spend(1)).and(spend(1));
    stale(store.commit(twice).await, Guard::Secret)?;
    let thrice = Batch::new().and(count("c", 2)).and(count("c", 2)).and(count("c", 2));
    stale(store.commit(thrice).await, Guard::Counter(Counter::new("c", "")))?;
    store.commit(Batch::new().and(spend(1)).and(count("c", 2)).and(count("c", 2))).await?;
    Ok(())
}

fn spend(number: u8) -> Change {
    Change::Spend { secret: secret(number), until: at(1_000) }
}

fn count(what: &str, cap: u32) -> Change {
    Change::Count { counter: Counter::new(what, ""), now: at(0), cap, window: seconds(60) }
}

fn audit() -> Change {
    Change::Audit(AuditEntry {
        at: at(5),
        what: "sign_in",
        user: Some(UserId::new("1")),
        client_ip: Some("192.0.2.1".to_owned()),
        details: object(json!({ "method": "password" })),
    })
}

/// State of a store, as far as it is visible through its port.
#[derive(PartialEq)]
struct Everything {
    users: Vec<User>,
    roles: Vec<Role>,
    sessions: Vec<SessionRecord>,
    mails: Vec<OutboxMessage>,
}

impl Everything {
    fn is(&self, before: &Self, after: &str) -> Result<(), Violation> {
        equal(&self.users, &before.users, &format!("the users after {after}"))?;
        equal(&self.roles, &before.roles, &format!("the roles after {after}"))?;
        equal(&self.sessions, &before.sessions, &format!("the sessions after {after}"))?;
        equal(&self.mails, &before.mails, &format!("the mails after {after}"))
    }
}

async fn everything(store: &dyn UserStore) -> Result<Everything, Violation> {
    let mut sessions = Vec::new();
    for name in ["ann", "bob", "dan", "other"] {
        sessions.extend(store.sessions_of(&uniquifier(name), at(1)).await?);
    }
    // These have the same age, so their order is unspecified.
    sessions.sort_by(|one, two| one.key.cmp(&two.key));
    Ok(Everything {
        users: store.users(Page { offset: 0, limit: 100 }).await?,
        roles: store.roles().await?,
        sessions,
        // A lease that ends at once claims nothing.
        mails: store.claim_messages(at(0), at(0), 100).await?,
    })
}

/// Fills a store with data of every kind. Returns the ids of `ann`, `bob` and `dan`.
async fn furnish(store: &dyn UserStore) -> Result<[UserId; 3], Violation> {
    for name in ["editor", "reader", "stable"] {
        store.commit(Change::InsertRole(role(name, name)).into()).await?;
    }
    let roles = vec!["editor".to_owned(), "reader".to_owned()];
    let ann = add(store, NewUser { roles, ..full("ann") }).await?;
    let (bob, dan) = (add(store, full("bob")).await?, add(store, full("dan")).await?);
    let batch = Batch::new()
        .and(Change::InsertSession(session("s", &uniquifier("ann"))))
        .and(Change::InsertSession(session("t", &uniquifier("ann"))))
        .and(Change::InsertSession(session("b", &uniquifier("bob"))))
        .and(Change::InsertSession(session("v", &uniquifier("dan"))))
        .and(count("begun", 1))
        .and(count("full", 1))
        .and(spend(9))
        .and(Change::Enqueue(Box::new(mail("m1", 0))))
        .and(Change::Enqueue(Box::new(mail("m2", 0))));
    store.commit(batch).await?;
    Ok([ann, bob, dan])
}

/// Returns one change of each kind, all of which succeed in a store filled by [`furnish`].
fn every_change([ann, bob, _]: &[UserId; 3]) -> Vec<Change> {
    let set = other_values().into_iter().filter(|field| !matches!(field, UserField::Uniquifier(_)));
    vec![
        Change::InsertUser(Box::new(NewUser { roles: vec!["reader".to_owned()], ..full("cy") })),
        Change::UpdateUser { user: ann.clone(), expect: vec![], set: set.collect() },
        Change::DeleteUser(bob.clone()),
        Change::InsertRole(role("new", "new")),
        Change::SetPermissions {
            role: "editor".to_owned(),
            expect: role("", "editor").permissions,
            set: role("", "changed").permissions,
        },
        Change::Grant { user: ann.clone(), role: "stable".to_owned() },
        Change::Revoke { user: ann.clone(), role: "editor".to_owned() },
        Change::DeleteRole("reader".to_owned()),
        Change::InsertSession(session("u", &uniquifier("ann"))),
        Change::EndSession(SessionKey::new("s")),
        Change::EndLiveSession(SessionKey::new("t")),
        Change::EndSessionsOf { uniquifier: uniquifier("ann"), except: None },
        Change::UpdateUser {
            user: ann.clone(),
            expect: vec![],
            set: vec![UserField::Uniquifier(uniquifier("other"))],
        },
        spend(1),
        count("begun", 2),
        count("fresh", 1),
        Change::Enqueue(Box::new(mail("m3", 0))),
        Change::Delivered(OutboxId("m1".to_owned())),
        Change::DeliveryFailed {
            message: OutboxId("m2".to_owned()),
            due: at(500),
            reason: "busy".to_owned(),
        },
        audit(),
        Change::ResetCount(Counter::new("full", "")),
    ]
}

enum Failure {
    Conflict(UniqueAttribute),
    Stale(Guard),
}

/// Returns a change that fails for each reason, whatever [`every_change`] did before it.
fn every_failure([.., dan]: &[UserId; 3]) -> Vec<(Change, Failure)> {
    let stable = || "stable".to_owned();
    let other = |field: UserField| Change::UpdateUser {
        user: dan.clone(),
        expect: vec![field],
        set: vec![UserField::Active(false)],
    };
    vec![
        (
            Change::InsertUser(Box::new(NewUser { email: full("dan").email, ..bare("eve") })),
            Failure::Conflict(UniqueAttribute::Email),
        ),
        (Change::InsertRole(role("stable", "")), Failure::Conflict(UniqueAttribute::RoleName)),
        (other(UserField::Active(false)), Failure::Stale(Guard::User(dan.clone()))),
        (Change::DeleteRole("no".to_owned()), Failure::Stale(Guard::Role("no".to_owned()))),
        (
            Change::Revoke { user: dan.clone(), role: stable() },
            Failure::Stale(Guard::Grant { user: dan.clone(), role: stable() }),
        ),
        (Change::InsertSession(session("v", &uniquifier("ann"))), Failure::Stale(Guard::Session)),
        (Change::EndLiveSession(SessionKey::new("no")), Failure::Stale(Guard::Session)),
        (spend(9), Failure::Stale(Guard::Secret)),
        (
            Change::Count {
                counter: Counter::new("full", ""),
                now: at(0),
                cap: 0,
                window: seconds(60),
            },
            Failure::Stale(Guard::Counter(Counter::new("full", ""))),
        ),
    ]
}

fn failed_so(outcome: Result<Receipt, CommitError>, failure: Failure) -> Result<(), Violation> {
    match failure {
        Failure::Conflict(attribute) => conflict(outcome, attribute),
        Failure::Stale(guard) => stale(outcome, guard),
    }
}

async fn failures_leave_nothing(store: &dyn UserStore, at_the_end: bool) -> Result<(), Violation> {
    let people = furnish(store).await?;
    let before = everything(store).await?;
    for (change, failure) in every_failure(&people) {
        let mut changes = every_change(&people);
        changes.insert(if at_the_end { changes.len() } else { 0 }, change.clone());
        let mut batch = Batch::new();
        changes.into_iter().for_each(|change| batch.push(change));
        failed_so(store.commit(batch).await, failure)?;
        everything(store).await?.is(&before, &format!("{change:?} failed"))?;
    }
    // Secrets and counters cannot be read. The success of this batch shows that they are unchanged.
    let mut batch = Batch::new();
    every_change(&people).into_iter().for_each(|change| batch.push(change));
    store.commit(batch).await?;
    holds(everything(store).await? != before, "the same changes succeed without the failing one")?;
    stale(store.commit(spend(1).into()).await, Guard::Secret)?;
    stale(store.commit(count("begun", 2).into()).await, Guard::Counter(Counter::new("begun", "")))?;
    store.commit(count("full", 1).into()).await?;
    Ok(())
}

pub(super) async fn a_batch_that_fails_at_its_end_leaves_nothing(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    failures_leave_nothing(&*store, true).await
}

pub(super) async fn a_batch_that_fails_at_its_start_leaves_nothing(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    failures_leave_nothing(&*store, false).await
}

pub(super) async fn a_secret_is_not_burnt_by_a_batch_that_fails(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let reset = |active| {
        Batch::new().and(spend(1)).and(count("tries", 1)).and(Change::UpdateUser {
            user: ann.clone(),
            expect: vec![UserField::Active(active)],
            set: vec![UserField::ConfirmedAt(Some(at(1)))],
        })
    };
    stale(store.commit(reset(false)).await, Guard::User(ann.clone()))?;
    store.commit(reset(true)).await?;
    stale(store.commit(reset(true)).await, Guard::Secret)
}

pub(super) async fn the_audit_log_takes_entries(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let nobody = Change::Audit(AuditEntry {
        at: at(6),
        what: "reset_requested",
        user: None,
        client_ip: None,
        details: object(json!({})),
    });
    store.commit(Batch::new().and(audit()).and(audit()).and(nobody)).await?;
    Ok(())
}
