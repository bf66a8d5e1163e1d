//! Rules for sessions.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, NewUser, SessionKey, SessionKind, SessionRecord, UserField,
};
use fs_core::port::{Batch, Change, Guard, UserStore};

use super::Violation;
use super::check::{equal, some, stale};
use super::facts::{add, at, bare, load, role, session, uniquifier};

async fn insert(store: &dyn UserStore, session: SessionRecord) -> Result<(), Violation> {
    store.commit(Change::InsertSession(session).into()).await?;
    Ok(())
}

async fn is_there(store: &dyn UserStore, id: &str) -> Result<bool, Violation> {
    Ok(store.session(&SessionKey::new(id), at(50)).await?.is_some())
}

pub(super) async fn a_session_is_kept_with_every_field(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    let whose = uniquifier("ann");
    for session in [
        session("full", &whose),
        SessionRecord {
            created_at: Timestamp::from_micros(at(0).as_micros() + 123_456),
            authenticated_at: None,
            expires_at: Timestamp::MAX,
            user_agent: None,
            client_ip: None,
            parent: Some(CredentialKey::of(CredentialKind::RememberFamily, "family")),
            ..session("bare", &whose)
        },
        SessionRecord { kind: SessionKind::SentCode, ..session("sent", &whose) },
    ] {
        insert(&*store, session.clone()).await?;
        let found = some(store.session(&session.key, at(50)).await?, "the session")?.0;
        equal(&*found, &session, "the session")?;
    }
    Ok(())
}

pub(super) async fn a_session_comes_with_its_user_and_roles(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for name in ["reader", "editor"] {
        store.commit(Change::InsertRole(role(name, name)).into()).await?;
    }
    let roles = vec!["reader".to_owned(), "editor".to_owned()];
    // Whether an inactive account may be used is decided by the caller.
    let ann = add(&*store, NewUser { roles, active: false, ..bare("ann") }).await?;
    let bob = add(&*store, bare("bob")).await?;
    for (id, name, user) in [("a", "ann", ann), ("b", "bob", bob)] {
        insert(&*store, session(id, &uniquifier(name))).await?;
        let found = some(store.session(&SessionKey::new(id), at(50)).await?, "the session")?.1;
        equal(&*found, &load(&*store, &user).await?, "the user")?;
    }
    equal(is_there(&*store, "c").await?, false, "an unknown session")?;
    equal(is_there(&*store, "").await?, false, "an empty id")?;
    equal(is_there(&*store, "A").await?, false, "an id in another case")
}

pub(super) async fn a_session_ends_at_its_expiry(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    insert(&*store, session("s", &uniquifier("ann"))).await?;
    let last = Timestamp::from_micros(at(100).as_micros() - 1);
    for (now, alive) in [(at(0), true), (last, true), (at(100), false), (at(101), false)] {
        let found = store.session(&SessionKey::new("s"), now).await?;
        equal(found.is_some(), alive, &format!("at {now}"))?;
        let listed = store.sessions_of(&uniquifier("ann"), now).await?;
        equal(listed.len(), usize::from(alive), &format!("listed at {now}"))?;
    }
    Ok(())
}

pub(super) async fn a_session_whose_uniquifier_is_nobodys_is_hidden(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = add(&*store, bare("ann")).await?;
    let bob = add(&*store, bare("bob")).await?;
    for (id, name) in [("a", "ann"), ("b", "bob"), ("c", "nobody")] {
        insert(&*store, session(id, &uniquifier(name))).await?;
    }
    let set = vec![UserField::Uniquifier(uniquifier("new ann"))];
    store.commit(Change::UpdateUser { user: ann, expect: vec![], set }.into()).await?;
    store.commit(Change::DeleteUser(bob).into()).await?;
    for id in ["a", "b", "c"] {
        equal(is_there(&*store, id).await?, false, id)?;
    }
    insert(&*store, session("d", &uniquifier("new ann"))).await?;
    equal(is_there(&*store, "d").await?, true, "a session of the new uniquifier")
}

pub(super) async fn a_taken_session_id_is_never_overwritten(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    add(&*store, bare("bob")).await?;
    let first = session("s", &uniquifier("ann"));
    insert(&*store, first.clone()).await?;
    let thief = session("s", &uniquifier("bob"));
    stale(store.commit(Change::InsertSession(thief).into()).await, Guard::Session)?;
    let found = some(store.session(&first.key, at(1)).await?, "the first session")?.0;
    equal(&*found, &first, "the first session")
}

pub(super) async fn ended_sessions_are_gone(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    for id in ["a", "b"] {
        insert(&*store, session(id, &uniquifier("ann"))).await?;
    }
    for _ in 0..2 {
        store.commit(Change::EndSession(SessionKey::new("a")).into()).await?;
        equal(is_there(&*store, "a").await?, false, "the ended one")?;
        equal(is_there(&*store, "b").await?, true, "the other one")?;
    }
    // The id is free again.
    insert(&*store, session("a", &uniquifier("ann"))).await
}

pub(super) async fn a_session_that_must_exist_ends_once(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, bare("ann")).await?;
    insert(&*store, session("a", &uniquifier("ann"))).await?;
    let replace = |new: &str| {
        Batch::from(Change::EndLiveSession(SessionKey::new("a")))
            .and(Change::InsertSession(session(new, &uniquifier("ann"))))
    };
    store.commit(replace("b")).await?;
    equal(is_there(&*store, "a").await?, false, "the replaced one")?;
    equal(is_there(&*store, "b").await?, true, "the new one")?;
    stale(store.commit(replace("c")).await, Guard::Session)?;
    equal(is_there(&*store, "c").await?, false, "one that replaces nothing")?;
    let end = |guard: bool| match guard {
        true => Change::EndLiveSession(SessionKey::new("b")),
        false => Change::EndSession(SessionKey::new("b")),
    };
    let twice = Batch::from(end(false)).and(end(true));
    stale(store.commit(twice).await, Guard::Session)?;
    equal(is_there(&*store, "b").await?, true, "one of a refused batch")
}

pub(super) async fn all_sessions_of_a_user_can_end_but_one(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for name in ["ann", "bob"] {
        add(&*store, bare(name)).await?;
    }
    for id in ["a1", "a2", "a3"] {
        insert(&*store, session(id, &uniquifier("ann"))).await?;
    }
    insert(&*store, session("b", &uniquifier("bob"))).await?;

    let end = |except: Option<&str>| Change::EndSessionsOf {
        uniquifier: uniquifier("ann"),
        except: except.map(SessionKey::new),
    };
    // An exception that belongs to another user has no effect.
    for (except, left) in [(Some("a2"), vec!["a2"]), (Some("b"), vec![]), (None, vec![])] {
        store.commit(end(except).into()).await?;
        for id in ["a1", "a2", "a3"] {
            let should = left.contains(&id);
            equal(is_there(&*store, id).await?, should, &format!("{id} but for {except:?}"))?;
        }
        equal(is_there(&*store, "b").await?, true, "somebody else's")?;
    }
    Ok(())
}

pub(super) async fn sessions_are_listed_newest_first(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let whose = uniquifier("ann");
    for (id, made) in [("b", 20), ("c", 10), ("a", 30)] {
        insert(&*store, SessionRecord { created_at: at(made), ..session(id, &whose) }).await?;
    }
    insert(&*store, session("other", &uniquifier("bob"))).await?;
    let sent = SessionRecord { kind: SessionKind::SentCode, ..session("sent", &whose) };
    insert(&*store, sent).await?;
    let ids: Vec<_> =
        store.sessions_of(&whose, at(50)).await?.into_iter().map(|session| session.key).collect();
    equal(ids, ["a", "b", "c"].map(SessionKey::new).to_vec(), "the order")?;
    equal(store.sessions_of(&uniquifier("nobody"), at(50)).await?, Vec::new(), "of nobody")
}
