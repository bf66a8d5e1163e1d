//! Store conformance suite, and tests of this store's journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{
    NewUser, PasswordHash, Role, SessionKey, SessionKind, SessionRecord, Uniquifier, User,
    UserField, UserId,
};
use fs_core::port::{
    Batch, Change, CommitError, Counter, Guard, OutboxEntry, OutboxId, OutgoingMail,
    OutgoingMessage, Page, SpentSecret, UserStore,
};
use own_store::{JournalStore, OpenError};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn uniquifier(number: u8) -> Uniquifier {
    Uniquifier::from_random([number; 16])
}

fn person(number: u8) -> NewUser {
    NewUser {
        username: Some(format!("person{number}")),
        password: Some(PasswordHash::new("$argon2id$v=19$")),
        roles: vec!["editor".to_owned()],
        ..NewUser::new(format!("person{number}@example.com"), uniquifier(number))
    }
}

fn session(key: &str, number: u8, expires: i64) -> SessionRecord {
    SessionRecord {
        key: SessionKey::new(key),
        kind: SessionKind::SignIn,
        uniquifier: uniquifier(number),
        created_at: at(expires - 10),
        authenticated_at: Some(at(expires - 10)),
        expires_at: at(expires),
        user_agent: None,
        client_ip: None,
        parent: None,
    }
}

fn mail(id: &str) -> OutboxEntry {
    let text = |text: &str| text.to_owned();
    let (template, to, from) = (text("welcome"), text("ann@example.com"), text("us@example.com"));
    let subject = text("Line\nbreaks are no lines of the journal");
    let mail = OutgoingMail { template, to, from, subject, text: Some(text("Hello")), html: None };
    let message = OutgoingMessage::Mail(mail);
    OutboxEntry { id: OutboxId(id.to_owned()), message, at: at(0) }
}

/// Returns batches of several changes each.
fn batches() -> Vec<Batch> {
    let first = UserId::new("1");
    vec![
        Batch::from(Change::InsertRole(Role::named("editor")))
            .and(Change::InsertUser(Box::new(person(1)))),
        Batch::from(Change::InsertUser(Box::new(person(2))))
            .and(Change::InsertSession(session("a", 1, 1_000)))
            .and(Change::Enqueue(Box::new(mail("one")))),
        Batch::from(Change::UpdateUser {
            user: first.clone(),
            expect: vec![UserField::Active(true)],
            set: vec![UserField::Username(None), UserField::ConfirmedAt(Some(at(7)))],
        })
        .and(Change::Revoke { user: first, role: "editor".to_owned() })
        .and(Change::InsertSession(session("b", 2, 1_000))),
        Batch::from(Change::DeleteUser(UserId::new("2")))
            .and(Change::Delivered(OutboxId("one".to_owned())))
            .and(Change::Enqueue(Box::new(mail("two")))),
    ]
}

/// Mails that wait after each batch.
const MAILS: [&[&str]; 5] = [&[], &[], &["one"], &["one"], &["two"]];

/// Returns the state of a store, as far as it is visible through its port.
async fn seen(store: &JournalStore) -> (Vec<User>, Vec<Role>, Vec<SessionRecord>) {
    let users = store.users(Page { offset: 0, limit: 100 }).await.unwrap();
    let mut sessions = store.sessions_of(&uniquifier(1), at(0)).await.unwrap();
    sessions.extend(store.sessions_of(&uniquifier(2), at(0)).await.unwrap());
    (users, store.roles().await.unwrap(), sessions)
}

async fn mails(store: &JournalStore) -> Vec<String> {
    let mails = store.claim_messages(at(0), at(60), 100).await.unwrap();
    mails.into_iter().map(|mail| mail.id.0).collect()
}

fn size(path: &Path) -> usize {
    std::fs::read(path).unwrap().len()
}

#[tokio::test]
async fn a_journal_that_is_cut_anywhere_holds_whole_batches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.journal");
    let store = JournalStore::open(&path).unwrap();
    let (mut sizes, mut states) = (vec![0], vec![seen(&store).await]);
    for batch in batches() {
        store.commit(batch).await.unwrap();
        sizes.push(size(&path));
        states.push(seen(&store).await);
    }
    let (whole, path) = (std::fs::read(&path).unwrap(), folder.path().join("cut.journal"));
    // Cuts at the ends of lines, one byte beside them, and at regular positions.
    let near =
        |cut: &usize| cut.is_multiple_of(17) || sizes.iter().any(|size| size.abs_diff(*cut) <= 1);
    for cut in (0..=whole.len()).filter(near) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let store = JournalStore::open(&path).unwrap();
        let batches = sizes.iter().filter(|size| **size <= cut).count() - 1;
        assert_eq!(seen(&store).await, states[batches], "cut at {cut}");
        // The removed line does not come back, and the next batch is not appended to its rest.
        assert_eq!(mails(&store).await, MAILS[batches], "cut at {cut}");
        drop(store);
        let store = JournalStore::open(&path).unwrap();
        assert_eq!(seen(&store).await, states[batches], "cut at {cut}, opened again");
        assert_eq!(mails(&store).await, [""; 0], "claimed before");
    }
}

#[tokio::test]
async fn what_guards_live_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let spend = || Change::Spend { secret: SpentSecret([1; 32]), until: at(1_000) };
    let counter = Counter::new("password", "ann");
    let count = || {
        let (counter, window) = (counter.clone(), Duration::from_secs(60));
        Change::Count { counter, now: at(0), cap: 2, window }
    };
    let store = JournalStore::open(&path).unwrap();
    store.commit(Batch::from(spend()).and(count())).await.unwrap();
    // A batch that fails writes no line.
    let before = size(&path);
    store.commit(Batch::from(count()).and(spend())).await.unwrap_err();
    assert_eq!(size(&path), before);
    drop(store);

    let store = JournalStore::open(&path).unwrap();
    let spent = store.commit(spend().into()).await;
    assert!(matches!(spent, Err(CommitError::Stale(Guard::Secret))));
    store.commit(count().into()).await.unwrap();
    let full = store.commit(count().into()).await;
    assert!(matches!(full, Err(CommitError::Stale(Guard::Counter(_)))));
}

#[tokio::test]
async fn damage_is_not_taken_for_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let store = JournalStore::open(&path).unwrap();
    for batch in batches() {
        store.commit(batch).await.unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let opened = JournalStore::open(&path).map(drop);
    assert!(matches!(opened, Err(OpenError::Damaged { line: 1 })), "{opened:?}");
}

#[tokio::test]
async fn a_journal_has_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let store = JournalStore::open(&path).unwrap();
    let second = JournalStore::open(&path).map(drop);
    assert!(matches!(second, Err(OpenError::InUse)), "{second:?}");
    drop(store);
    JournalStore::open(&path).unwrap();
}

#[tokio::test]
async fn a_long_journal_is_written_anew_without_what_expired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let store = JournalStore::open(&path).unwrap();
    for batch in batches() {
        store.commit(batch).await.unwrap();
    }
    let mut longest = 0;
    for number in 0..1_100 {
        let new = session(&format!("s{number}"), 1, 2_000 + number);
        store.commit(Change::InsertSession(new).into()).await.unwrap();
        longest = longest.max(size(&path));
    }
    assert!(size(&path) < longest / 4, "{} of {longest} bytes", size(&path));
    let before = seen(&store).await;
    let living = store.sessions_of(&uniquifier(1), at(3_000)).await.unwrap();
    drop(store);
    let store = JournalStore::open(&path).unwrap();
    assert_eq!(seen(&store).await, before);
    assert_eq!(store.sessions_of(&uniquifier(1), at(3_000)).await.unwrap(), living);
    // Keys of users are not reused.
    let receipt = store.commit(Change::InsertUser(Box::new(person(3))).into()).await.unwrap();
    assert_eq!(receipt.users, [UserId::new("3")]);
}

mod rules {
    //! Conformance suite of `fs-testkit`, with one test per rule.

    use std::sync::Arc;

    use fs_testkit::conformance::{FreshStore, NoStore};
    use own_store::JournalStore;

    async fn fresh() -> Result<FreshStore, NoStore> {
        let folder = tempfile::tempdir()?;
        let store = JournalStore::open(folder.path().join("journal"))?;
        Ok(FreshStore::new(Arc::new(store)).with_cleanup(async move { drop(folder) }))
    }

    fs_testkit::store_conformance!(fresh);
}
