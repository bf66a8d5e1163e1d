//! Rules for texts and other values at their limits.

use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute::{Email, Phone, Username};
use fs_core::model::{
    NewUser, PasswordHash, Role, SealedSecret, SessionKey, SessionRecord, SignIns, Uniquifier,
    UserField,
};
use fs_core::port::{
    Change, CommitError, Counter, OutboxEntry, OutboxId, OutgoingMail, OutgoingMessage, Page,
    StoreError, UserLookup, UserStore,
};
use serde_json::json;

use super::Violation;
use super::check::{equal, holds, some};
use super::facts::{
    add, at, bare, content, exactly, find, full, in_any_case, load, mail, object, role, seconds,
    session, stored, uniquifier,
};

pub(super) async fn every_script_is_kept(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    for (number, text) in [
        "Ελληνικά Кириллица",
        "עברית ‏العربية",
        "漢字 かな 한글",
        "🎉👩‍👩‍👧‍👦🇪🇺",
        "e\u{301} is not \u{e9}",
        "line\nbreak\r\n\ttab",
        "\u{1}\u{7f}\u{85}\u{feff}\u{ffff}\u{10ffff}",
        "  blanks  ",
    ]
    .into_iter()
    .enumerate()
    {
        let role = Role { description: Some(text.to_owned()), ..role(text, text.trim()) };
        store.commit(Change::InsertRole(role.clone()).into()).await?;
        equal(store.role(text).await?, Some(role.clone()), "the role")?;

        let mut new = NewUser {
            email: text.to_owned(),
            username: Some(text.to_owned()),
            phone: Some(text.to_owned()),
            roles: vec![text.to_owned()],
            attributes: object(json!({ text: text })),
            sign_in_secrets: [(text.to_owned(), SealedSecret::new(text))].into(),
            ..full(&format!("user{number}"))
        };
        new.sign_ins.current_ip = Some(text.to_owned());
        new.second_factor.method = Some(text.to_owned());
        let id = add(&*store, new.clone()).await?;
        equal(load(&*store, &id).await?, stored(&id, new, vec![role]), "the user")?;
        for attribute in [Email, Username, Phone] {
            for by in [exactly(attribute, text), in_any_case(attribute, text)] {
                equal(find(&*store, by).await?, Some(id.clone()), text)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn times_are_kept_to_the_microsecond(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let id = add(&*store, bare("ann")).await?;
    for micros in [
        0,
        1,
        -1,
        at(0).as_micros() + 999_999,
        at(0).as_micros() + 100_000,
        -2_208_988_800_000_000,  // 1900-01-01
        253_402_300_799_999_999, // 9999-12-31, the last microsecond
    ] {
        let moment = Some(Timestamp::from_micros(micros));
        let sign_ins = SignIns { last_at: moment, current_at: moment, ..SignIns::default() };
        let set = vec![UserField::ConfirmedAt(moment), UserField::SignIns(sign_ins)];
        let change = Change::UpdateUser { user: id.clone(), expect: vec![], set: set.clone() };
        store.commit(change.into()).await?;
        let user = load(&*store, &id).await?;
        equal(user.confirmed_at, moment, "confirmed_at")?;
        equal(user.sign_ins.last_at, moment, "last_at")?;
        // A guard must match a value that was read.
        store
            .commit(Change::UpdateUser { user: id.clone(), expect: set, set: vec![] }.into())
            .await?;
    }
    Ok(())
}

pub(super) async fn attributes_are_kept_as_they_are(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let attributes = object(json!({
        "": "",
        "null": null,
        "number": 12_345_678_901_234_567_890_u64,
        "negative": i64::MIN,
        "fraction": 0.1,
        "nested": { "list": [1, [2, { "deep": true }], "three"], "empty": {} },
        "quotes": "\"'\\/\u{8}\u{1}",
        "script": "ünï ☃",
    }));
    let id = add(&*store, NewUser { attributes: attributes.clone(), ..bare("ann") }).await?;
    equal(load(&*store, &id).await?.attributes, attributes, "the attributes")
}

/// Checks that the commit succeeded or that the value was refused permanently. Returns whether it
/// succeeded.
#[track_caller]
fn kept_or_refused<T>(outcome: Result<T, CommitError>) -> Result<bool, Violation> {
    match outcome {
        Ok(_) => Ok(true),
        Err(CommitError::Store(StoreError::Other(_))) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns users with the text in one field each, and the lookup that must find them exactly.
fn users_with(text: &str) -> Vec<(NewUser, Option<UserLookup>)> {
    let user = || full("ann");
    let with = |change: &dyn Fn(&mut NewUser)| {
        let mut user = user();
        change(&mut user);
        user
    };
    let named = Uniquifier::new(text);
    vec![
        (with(&|user| user.email = text.to_owned()), Some(exactly(Email, text))),
        (with(&|user| user.username = Some(text.to_owned())), Some(exactly(Username, text))),
        (with(&|user| user.phone = Some(text.to_owned())), Some(exactly(Phone, text))),
        (
            with(&|user| user.uniquifier = named.clone()),
            Some(UserLookup::Uniquifier(named.clone())),
        ),
        (
            with(&|user| user.token_uniquifier = Some(named.clone())),
            Some(UserLookup::TokenUniquifier(named.clone())),
        ),
        (with(&|user| user.password = Some(PasswordHash::new(text))), None),
        (with(&|user| user.second_factor.totp_secret = Some(SealedSecret::new(text))), None),
        (with(&|user| user.sign_ins.last_ip = Some(text.to_owned())), None),
        (
            with(&|user| user.sign_in_secrets = [("x".to_owned(), SealedSecret::new(text))].into()),
            None,
        ),
        (with(&|user| user.attributes = object(json!({ "x": text }))), None),
    ]
}

/// Checks that the text is stored completely in every field, or refused.
async fn whole_or_not_at_all(store: &dyn UserStore, text: &str) -> Result<(), Violation> {
    for (new, by) in users_with(text) {
        let outcome = store.commit(Change::InsertUser(Box::new(new.clone())).into()).await;
        let kept = kept_or_refused(outcome)?;
        let users = store.users(Page { offset: 0, limit: 10 }).await?;
        equal(users.len(), usize::from(kept), "how many users there are")?;
        if let Some(user) = users.into_iter().next() {
            let id = user.id.clone();
            equal(user, stored(&id, new, Vec::new()), "the user")?;
            if let Some(by) = by {
                equal(find(store, by).await?, Some(id.clone()), "by the value")?;
            }
            store.commit(Change::DeleteUser(id).into()).await?;
        }
    }

    let role = Role { description: Some(text.to_owned()), ..Role::named(text) };
    if kept_or_refused(store.commit(Change::InsertRole(role.clone()).into()).await)? {
        equal(store.role(text).await?, Some(role), "the role")?;
    }
    add(store, bare("bob")).await?;
    let session = SessionRecord {
        key: SessionKey::new(text),
        user_agent: Some(text.to_owned()),
        ..session("", &uniquifier("bob"))
    };
    if kept_or_refused(store.commit(Change::InsertSession(session.clone()).into()).await)? {
        let found = some(store.session(&session.key, at(1)).await?, "the session")?.0;
        equal(&*found, &session, "the session")?;
    }
    let message =
        OutgoingMessage::Mail(OutgoingMail { html: Some(text.to_owned()), ..content(text) });
    let entry = OutboxEntry { message, ..mail(text, 0) };
    let mut should = Vec::new();
    if kept_or_refused(store.commit(Change::Enqueue(Box::new(entry.clone())).into()).await)? {
        should.push((entry.id, entry.message));
    }
    let waiting = store.claim_messages(at(1), at(2), 10).await?;
    let waiting: Vec<_> = waiting.into_iter().map(|one| (one.id, one.message)).collect();
    equal(waiting, should, "the mail")
}

pub(super) async fn long_values_are_kept_whole_or_refused(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for length in [64, 255, 3_000, 100_000] {
        let long = format!("{}é", "x".repeat(length));
        whole_or_not_at_all(&*store, &long).await?;
        for by in [exactly(Email, &long), in_any_case(Email, &long)] {
            equal(find(&*store, by).await?, None, "a long address")?;
        }
        empty(&*store).await?;
    }
    Ok(())
}

pub(super) async fn a_nul_character_never_cuts_a_value(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    whole_or_not_at_all(&*store, "ann\0x").await?;
    empty(&*store).await?;

    store.commit(Change::InsertRole(role("editor", "")).into()).await?;
    let ann = add(&*store, full("ann")).await?;
    store.commit(Change::InsertSession(session("s", &uniquifier("ann"))).into()).await?;
    for tail in ["\0", "\0x"] {
        let with = |text: &str| format!("{text}{tail}");
        for by in [
            UserLookup::Id(fs_core::model::UserId::new(with(ann.as_str()))),
            UserLookup::Uniquifier(Uniquifier::new(with(uniquifier("ann").as_str()))),
            UserLookup::TokenUniquifier(Uniquifier::new(with(uniquifier("token ann").as_str()))),
            exactly(Email, &with("ann@example.com")),
            in_any_case(Email, &with("Ann@example.com")),
            exactly(Username, &with("ann")),
            in_any_case(Username, &with("änn")),
        ] {
            holds(!matches!(store.user(&by).await, Ok(Some(_))), "nobody has such a name")?;
        }
        let found = store.session(&SessionKey::new(with("s")), at(1)).await;
        holds(!matches!(found, Ok(Some(_))), "no session has such an id")?;
        holds(
            !matches!(store.role(&with("editor")).await, Ok(Some(_))),
            "no role has such a name",
        )?;

        let other = SessionKey::new(with("s"));
        kept_or_refused(store.commit(Change::EndSession(other).into()).await)?;
        holds(
            store.session(&SessionKey::new("s"), at(1)).await?.is_some(),
            "the session is there",
        )?;
        let grant = Change::Grant { user: ann.clone(), role: with("editor") };
        holds(store.commit(grant.into()).await.is_err(), "no such role is granted")?;
        equal(load(&*store, &ann).await?.roles, Vec::new(), "the user's roles")?;

        let count = |whom: &str| Change::Count {
            counter: Counter::new("c", whom),
            now: at(0),
            cap: 1,
            window: seconds(60),
        };
        kept_or_refused(store.commit(count(&with("ann")).into()).await)?;
        kept_or_refused(store.commit(count(&with("bob")).into()).await)?;
    }
    let failed = Change::DeliveryFailed {
        message: OutboxId("none".to_owned()),
        due: at(0),
        reason: "550 \0".to_owned(),
    };
    kept_or_refused(store.commit(failed.into()).await).map(drop)
}

/// Deletes all users.
async fn empty(store: &dyn UserStore) -> Result<(), Violation> {
    for user in store.users(Page { offset: 0, limit: 10 }).await? {
        store.commit(Change::DeleteUser(user.id).into()).await?;
    }
    Ok(())
}

pub(super) async fn quotes_and_sql_are_plain_text(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, full("ann")).await?;
    for (number, text) in [
        "' OR '1'='1",
        "'; DROP TABLE \"user\"; --",
        "\"",
        "`",
        "?",
        "$1",
        "%s",
        ":name",
        "@p",
        "\\",
        "\\'",
        "/* */",
        "{\"$ne\":null}",
        "$where",
        "NULL",
    ]
    .into_iter()
    .enumerate()
    {
        for by in [exactly(Username, text), in_any_case(Username, text)] {
            equal(find(&*store, by).await?, None, text)?;
        }
        let user = NewUser { username: Some(text.to_owned()), ..bare(&format!("user{number}")) };
        let id = add(&*store, user).await?;
        for by in [exactly(Username, text), in_any_case(Username, text)] {
            equal(find(&*store, by).await?, Some(id.clone()), text)?;
        }
        store.commit(Change::InsertRole(role(text, "a")).into()).await?;
        equal(store.role(text).await?, Some(role(text, "a")), text)?;
    }
    Ok(())
}
