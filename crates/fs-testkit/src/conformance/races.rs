//! Rules for concurrent callers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fs_core::model::{CredentialRecord, NewUser, SessionRecord, SignIns, UserField, UserId};
use fs_core::port::{
    Batch, Change, CommitError, Counter, ExpectedCredential, Guard, OutboxId, Page, Receipt,
    StoreError, UniqueAttribute, UserStore,
};
use serde_json::Value;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Violation;
use super::check::{conflict, equal, holds, some, stale};
use super::facts::{
    add, at, bare, credential, full, load, mail, put, recovery_codes, role, seconds, secret,
    session, uniquifier,
};

/// Number of callers that race.
const CALLERS: usize = 100;

type Outcome = Result<Receipt, CommitError>;

/// Number of times that a caller retries.
const PATIENCE: usize = 1_000;

/// Commits, and retries while the database is busy, as a real caller would.
async fn commit(store: &dyn UserStore, batch: &Batch) -> Outcome {
    for _ in 0..PATIENCE {
        match store.commit(batch.clone()).await {
            Err(CommitError::Store(StoreError::Unavailable(_))) => {}
            outcome => return outcome,
        }
    }
    store.commit(batch.clone()).await
}

/// Lets all callers commit concurrently, each the batch of its number.
async fn race(
    store: &Arc<dyn UserStore>,
    batch: impl Fn(usize) -> Batch,
) -> Result<Vec<Outcome>, Violation> {
    let start = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (store, start, batch) = (Arc::clone(store), Arc::clone(&start), batch(number));
        callers.spawn(async move {
            start.wait().await;
            commit(&*store, &batch).await
        });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = callers.join_next().await {
        outcomes.push(outcome.map_err(|_| Violation::new("a caller panicked"))?);
    }
    Ok(outcomes)
}

/// Checks the number of callers that won, and that the others lost in the given way.
fn winners(
    outcomes: Vec<Outcome>,
    should: usize,
    lost: impl Fn(Outcome) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let mut won = 0;
    for outcome in outcomes {
        if outcome.is_ok() {
            won += 1;
        } else {
            lost(outcome)?;
        }
    }
    equal(won, should, "how many won")
}

fn text(number: usize) -> String {
    format!("caller{number}")
}

pub(super) async fn one_update_of_many_wins(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    // Every caller uses the same reset link, which is valid for the current uniquifier.
    let outcomes = race(&store, |number| {
        let set = vec![
            UserField::Uniquifier(uniquifier(&text(number))),
            UserField::Username(Some(text(number))),
        ];
        let expect = vec![UserField::Uniquifier(uniquifier("ann"))];
        Change::UpdateUser { user: ann.clone(), expect, set }.into()
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::User(ann.clone())))?;
    let user = load(&*store, &ann).await?;
    let username = user.username.unwrap_or_default();
    equal(user.uniquifier, uniquifier(&username), "both fields are of one winner")
}

pub(super) async fn one_user_of_many_of_a_recovery_code_wins(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let (all, left) = (recovery_codes("ann", 3), recovery_codes("ann", 2));
    let outcomes = race(&store, |_| {
        let expect = vec![UserField::RecoveryCodes(all.clone())];
        let set = vec![UserField::RecoveryCodes(left.clone())];
        Change::UpdateUser { user: ann.clone(), expect, set }.into()
    })
    .await?;
    winners(outcomes, 1, |outcome| stale(outcome, Guard::User(ann.clone())))?;
    equal(load(&*store, &ann).await?.recovery_codes, left, "the codes that are left")
}

pub(super) async fn one_spender_of_many_wins(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let outcomes = race(&store, |number| {
        let set = vec![UserField::Username(Some(text(number)))];
        Batch::new()
            .and(Change::Spend { secret: secret(1), until: at(100) })
            .and(Change::UpdateUser { user: ann.clone(), expect: vec![], set })
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Secret))
}

pub(super) async fn as_many_counts_win_as_are_allowed(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let counter = Counter::new("password", "ann");
    let count = |now| Change::Count { counter: counter.clone(), now, cap: 7, window: seconds(60) };
    // The second time a window has just ended, so that all callers begin a new one.
    for now in [at(0), at(60)] {
        let outcomes = race(&store, |_| count(now).into()).await?;
        winners(outcomes, 7, |lost| stale(lost, Guard::Counter(counter.clone())))?;
    }
    Ok(())
}

pub(super) async fn one_new_user_of_many_gets_the_address(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let outcomes = race(&store, |number| {
        let user = NewUser { email: "ann@example.com".to_owned(), ..bare(&text(number)) };
        Change::InsertUser(Box::new(user)).into()
    })
    .await?;
    winners(outcomes, 1, |lost| conflict(lost, UniqueAttribute::Email))?;
    equal(store.users(Page { offset: 0, limit: 10 }).await?.len(), 1, "how many users there are")
}

pub(super) async fn one_new_role_of_many_gets_the_name(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let outcomes =
        race(&store, |number| Change::InsertRole(role("editor", &text(number))).into()).await?;
    winners(outcomes, 1, |lost| conflict(lost, UniqueAttribute::RoleName))?;
    equal(store.roles().await?.len(), 1, "how many roles there are")
}

pub(super) async fn one_session_of_many_gets_the_id(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let outcomes = race(&store, |number| {
        Change::InsertSession(session("s", &uniquifier(&text(number)))).into()
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Session))
}

pub(super) async fn one_replacement_of_many_wins(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    let first = session("s", &uniquifier("ann"));
    store.commit(Change::InsertSession(first.clone()).into()).await?;
    let outcomes = race(&store, |number| {
        Batch::from(Change::EndLiveSession(first.key.clone()))
            .and(Change::InsertSession(session(&text(number), &uniquifier("ann"))))
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Session))?;
    equal(store.sessions_of(&uniquifier("ann"), at(50)).await?.len(), 1, "sessions")
}

pub(super) async fn one_new_credential_of_many_gets_the_key(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    let outcomes = race(&store, |_| put(&new, ExpectedCredential::Absent).into()).await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Credential(new.key.clone())))
}

pub(super) async fn one_rotation_of_many_wins(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    store.commit(put(&new, ExpectedCredential::Absent).into()).await?;
    let outcomes = race(&store, |number| {
        let next = CredentialRecord { value: text(number).into(), ..new.clone() };
        Batch::from(put(&next, ExpectedCredential::Revision(1))).and(Change::InsertSession(
            SessionRecord {
                parent: Some(new.key.clone()),
                ..session(&text(number), &uniquifier("ann"))
            },
        ))
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Credential(new.key.clone())))?;
    let sessions = store.sessions_of(&uniquifier("ann"), at(50)).await?;
    let keys: Vec<_> = sessions.iter().map(|session| session.key.as_str().to_owned()).collect();
    let found = some(store.credential(&new.key, at(50)).await?, "the credential")?.0;
    equal(
        vec![found.value.clone()],
        keys.into_iter().map(Value::from).collect(),
        "the winner's session",
    )
}

pub(super) async fn one_removal_of_many_wins(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    store.commit(put(&new, ExpectedCredential::Absent).into()).await?;
    let key = || new.key.clone();
    let outcomes =
        race(&store, |_| Change::RemoveCredential { key: key(), expect: Some(1) }.into()).await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Credential(key())))
}

pub(super) async fn no_session_outlives_a_credential_that_is_removed(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let new = credential("t", &ann);
    store.commit(put(&new, ExpectedCredential::Absent).into()).await?;
    // One caller signs out while others create sessions, each by writing the credential.
    let outcomes = race(&store, |number| match number {
        0 => Change::RemoveCredential { key: new.key.clone(), expect: None }.into(),
        _ => Batch::from(put(&new, ExpectedCredential::Revision(1))).and(Change::InsertSession(
            SessionRecord {
                parent: Some(new.key.clone()),
                ..session(&text(number), &uniquifier("ann"))
            },
        )),
    })
    .await?;
    for lost in outcomes.into_iter().filter(Result::is_err) {
        stale(lost, Guard::Credential(new.key.clone()))?;
    }
    equal(store.sessions_of(&uniquifier("ann"), at(50)).await?, Vec::new(), "sessions")?;
    equal(store.credential(&new.key, at(50)).await?, None, "the credential")
}

pub(super) async fn one_grant_and_one_revocation_of_many_win(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let user = add(&*store, bare("ann")).await?;
    let role = "editor".to_owned();
    let lost = |lost| stale(lost, Guard::Grant { user: user.clone(), role: role.clone() });

    let grant = Change::Grant { user: user.clone(), role: role.clone() };
    winners(race(&store, |_| grant.clone().into()).await?, 1, lost)?;
    equal(load(&*store, &user).await?.roles.len(), 1, "roles after the grants")?;
    let revoke = Change::Revoke { user: user.clone(), role: role.clone() };
    winners(race(&store, |_| revoke.clone().into()).await?, 1, lost)?;
    equal(load(&*store, &user).await?.roles.len(), 0, "roles after the revocations")
}

pub(super) async fn one_change_of_permissions_of_many_wins(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "b,a")).into()).await?;
    let outcomes = race(&store, |number| {
        Change::SetPermissions {
            role: "editor".to_owned(),
            expect: role("", "a,b").permissions,
            set: role("", &text(number)).permissions,
        }
        .into()
    })
    .await?;
    winners(outcomes, 1, |lost| stale(lost, Guard::Role("editor".to_owned())))
}

pub(super) async fn one_deletion_of_many_wins(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let ann = add(&*store, full("ann")).await?;
    // Some callers grant a role meanwhile. No batch may be applied in part.
    let outcomes = race(&store, |number| match number % 4 {
        0 => Change::Grant { user: ann.clone(), role: "editor".to_owned() }.into(),
        _ => Change::DeleteUser(ann.clone()).into(),
    })
    .await?;
    let mut won = 0;
    for outcome in outcomes {
        match outcome {
            Ok(_) => won += 1,
            Err(CommitError::Stale(Guard::User(user) | Guard::Grant { user, .. }))
                if user == ann => {}
            other => return stale(other, Guard::User(ann)),
        }
    }
    // One deletion, and at most one grant before it.
    holds(matches!(won, 1 | 2), "one deletion won")?;
    equal(store.users(Page { offset: 0, limit: 10 }).await?, Vec::new(), "the users left")
}

pub(super) async fn no_mail_is_claimed_twice(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    const MAILS: usize = 60;
    let mut all = BTreeSet::new();
    for number in 0..MAILS {
        let id = text(number);
        store.commit(Change::Enqueue(Box::new(mail(&id, 0))).into()).await?;
        all.insert(OutboxId(id));
    }
    let mut callers = JoinSet::new();
    for _ in 0..12 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let mails = match store.claim_messages(at(1), at(100), 7).await {
                    Err(StoreError::Unavailable(_)) => continue,
                    mails => mails?,
                };
                if mails.is_empty() {
                    return Ok::<_, Violation>(claimed);
                }
                holds(claimed.len() <= MAILS, "no more mails are claimed than there are")?;
                claimed.extend(mails.into_iter().map(|mail| mail.id));
            }
        });
    }
    let mut claimed = Vec::new();
    while let Some(mails) = callers.join_next().await {
        claimed.extend(mails.map_err(|_| Violation::new("a caller panicked"))??);
    }
    // A caller that finds nothing may have been kept from mails that others had locked.
    claimed
        .extend(store.claim_messages(at(1), at(100), 100).await?.into_iter().map(|mail| mail.id));
    equal(claimed.len(), MAILS, "how many were claimed")?;
    equal(claimed.into_iter().collect(), all, "which were claimed")
}

/// Returns the field for a number of sign-ins.
fn sign_ins(count: Option<i64>) -> UserField {
    UserField::SignIns(SignIns { count, ..SignIns::default() })
}

pub(super) async fn readers_never_see_half_a_batch(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let (ann, bob) = (add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?);
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        readers.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let users = store.users(Page { offset: 0, limit: 10 }).await?;
                let counts: BTreeSet<_> = users.iter().map(|user| user.sign_ins.count).collect();
                holds(counts.len() == 1, "both users are of the same batch")?;
                // An in-memory store never waits, and must not starve the writers.
                tokio::task::yield_now().await;
            }
            Ok::<_, Violation>(())
        });
    }
    for count in 1..=50 {
        let update = |user: &UserId| Change::UpdateUser {
            user: user.clone(),
            expect: vec![],
            set: vec![sign_ins(Some(count))],
        };
        let batch = Batch::new().and(update(&ann)).and(update(&bob));
        commit(&*store, &batch).await?;
    }
    done.store(true, Ordering::SeqCst);
    while let Some(reader) = readers.join_next().await {
        reader.map_err(|_| Violation::new("a reader panicked"))??;
    }
    Ok(())
}

pub(super) async fn batches_in_opposite_order_lose_nothing(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    const EACH: i64 = 5;
    let users = [add(&*store, bare("ann")).await?, add(&*store, bare("bob")).await?];
    let mut callers = JoinSet::new();
    for number in 0..4 {
        let (store, users) = (Arc::clone(&store), users.clone());
        callers.spawn(async move {
            let mut won = 0;
            for _ in 0..PATIENCE {
                if won == EACH {
                    break;
                }
                let mut changes = Vec::new();
                for id in &users {
                    let count = load(&*store, id).await?.sign_ins.count;
                    changes.push(Change::UpdateUser {
                        user: id.clone(),
                        expect: vec![sign_ins(count)],
                        set: vec![sign_ins(Some(count.unwrap_or(0) + 1))],
                    });
                }
                if number % 2 == 0 {
                    changes.reverse();
                }
                let mut batch = Batch::new();
                changes.into_iter().for_each(|change| batch.push(change));
                match store.commit(batch).await {
                    Ok(_) => won += 1,
                    Err(CommitError::Stale(_))
                    | Err(CommitError::Store(StoreError::Unavailable(_))) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok::<_, Violation>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.map_err(|_| Violation::new("a caller panicked"))??;
    }
    for id in &users {
        equal(load(&*store, id).await?.sign_ins.count, Some(4 * EACH), "the count")?;
    }
    Ok(())
}
