//! Rules for lookups of users by their names.

use std::sync::Arc;

use fs_core::identity::IdentityAttribute::{Email, Phone, Username};
use fs_core::model::{NewUser, SessionRecord, Uniquifier, UserId};
use fs_core::port::{Change, UserLookup, UserStore};

use super::Violation;
use super::check::equal;
use super::facts::{add, bare, exactly, find, full, in_any_case, session, uniquifier};

fn named(username: &str, key: &str) -> NewUser {
    NewUser { username: Some(username.to_owned()), ..bare(key) }
}

pub(super) async fn every_lookup_finds_its_user_alone(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cy"] {
        ids.push((name, add(&*store, full(name)).await?));
    }
    for (name, id) in ids {
        let user = full(name);
        for by in [
            UserLookup::Id(id.clone()),
            UserLookup::Uniquifier(user.uniquifier),
            UserLookup::TokenUniquifier(uniquifier(&format!("token {name}"))),
            exactly(Email, &user.email),
            exactly(Username, name),
            exactly(Phone, user.phone.as_deref().unwrap_or_default()),
            in_any_case(Email, &user.email),
            in_any_case(Username, name),
            in_any_case(Phone, user.phone.as_deref().unwrap_or_default()),
        ] {
            equal(find(&*store, by.clone()).await?, Some(id.clone()), &format!("{by:?}"))?;
        }
    }
    Ok(())
}

pub(super) async fn unknown_names_find_nobody(store: Arc<dyn UserStore>) -> Result<(), Violation> {
    let ann = add(&*store, full("ann")).await?;
    let bare = add(&*store, bare("bob")).await?;
    let key = ann.as_str();
    for id in [
        "",
        "0",
        "-1",
        "x",
        "99999999999999999999999999",
        &format!("0{key}"),
        &format!("+{key}"),
        &format!("{key} "),
        &format!(" {key}"),
        &format!("{key}.0"),
        &format!("{key}' OR '1'='1"),
    ] {
        equal(find(&*store, UserLookup::Id(UserId::new(id))).await?, None, id)?;
    }
    for by in [
        UserLookup::Uniquifier(uniquifier("bo")),
        UserLookup::Uniquifier(uniquifier("token ann")),
        UserLookup::TokenUniquifier(uniquifier("ann")),
        exactly(Email, ""),
        exactly(Email, "ann"),
        exactly(Username, ""),
        in_any_case(Username, ""),
        exactly(Phone, ""),
    ] {
        equal(find(&*store, by.clone()).await?, None, &format!("{by:?}"))?;
    }
    equal(find(&*store, UserLookup::Id(bare.clone())).await?, Some(bare), "a known key")
}

pub(super) async fn exact_lookups_see_case_accents_and_blanks(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let names = ["jose", "Jose", "josé", "jose ", " jose", "jose\u{301}", "josè"];
    let mut ids = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        ids.push(add(&*store, named(name, &format!("user{number}"))).await?);
    }
    for (name, id) in names.into_iter().zip(ids) {
        equal(find(&*store, exactly(Username, name)).await?, Some(id), &format!("{name:?}"))?;
    }
    equal(find(&*store, exactly(Username, "JOSE")).await?, None, "JOSE")
}

pub(super) async fn letters_of_either_case_are_the_same_on_demand(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for (number, (name, others)) in [
        ("Ann", ["ann", "ANN", "aNN"]),
        ("José", ["josé", "JOSÉ", "jOSÉ"]),
        ("ÄÖÜ", ["äöü", "Äöü", "äÖü"]),
        ("александр иванович", ["АЛЕКСАНДР ИВАНОВИЧ", "Александр Иванович", "аЛЕКСАНДР ИванОВИч"]),
        ("ΣΟΦΙΑ", ["σοφια", "Σοφια", "σΟΦΙΑ"]),
        ("名前x", ["名前X", "名前x", "名前X"]),
    ]
    .into_iter()
    .enumerate()
    {
        let id = Some(add(&*store, named(name, &format!("user{number}"))).await?);
        for other in others.into_iter().chain([name]) {
            equal(find(&*store, in_any_case(Username, other)).await?, id.clone(), other)?;
        }
        for other in others.into_iter().filter(|other| *other != name) {
            equal(find(&*store, exactly(Username, other)).await?, None, other)?;
        }
    }
    let id = add(&*store, NewUser { email: "Ünal@example.com".to_owned(), ..bare("u") }).await?;
    equal(find(&*store, in_any_case(Email, "üNAL@EXAMPLE.com")).await?, Some(id), "an address")
}

pub(super) async fn the_exact_match_is_preferred_then_the_oldest(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    for (number, [first, second, neither]) in
        [["ZOE", "Zoe", "zoe"], ["ZOÉ", "Zoé", "zoé"]].into_iter().enumerate()
    {
        let one = add(&*store, named(first, &format!("one{number}"))).await?;
        let two = add(&*store, named(second, &format!("two{number}"))).await?;
        for (name, id) in [(first, &one), (second, &two), (neither, &one)] {
            equal(find(&*store, in_any_case(Username, name)).await?, Some(id.clone()), name)?;
        }
    }
    Ok(())
}

pub(super) async fn similar_letters_are_not_the_same(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    // The Kelvin sign, the long s, dotted and dotless i, sharp s, a full-width letter, a ligature.
    for (number, (name, similar)) in [
        ("kim", "\u{212a}im"),
        ("sam", "\u{17f}am"),
        ("iris", "\u{130}ris"),
        ("ivy", "\u{131}vy"),
        ("strasse", "stra\u{df}e"),
        ("alice", "\u{ff41}lice"),
        ("fiona", "\u{fb01}ona"),
        ("jose", "jos\u{e9}"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = add(&*store, named(name, &format!("user{number}"))).await?;
        equal(find(&*store, in_any_case(Username, similar)).await?, None, similar)?;
        let other = add(&*store, named(similar, &format!("other{number}"))).await?;
        equal(find(&*store, in_any_case(Username, similar)).await?, Some(other), similar)?;
        equal(find(&*store, in_any_case(Username, name)).await?, Some(id), name)?;
    }
    Ok(())
}

pub(super) async fn wildcards_are_plain_characters(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    add(&*store, named("ann", "ann")).await?;
    add(&*store, named("änn", "änn")).await?;
    for wild in
        ["a%", "%", "_nn", "a*", "*", "a??", "?nn", "[a]nn", "a.*", "ä%", "ä__", "[ä]nn", "ä*"]
    {
        equal(find(&*store, exactly(Username, wild)).await?, None, wild)?;
        equal(find(&*store, in_any_case(Username, wild)).await?, None, wild)?;
    }
    let id = add(&*store, named("100%_\\[x]*?é", "wild")).await?;
    for by in [exactly(Username, "100%_\\[x]*?é"), in_any_case(Username, "100%_\\[X]*?É")] {
        equal(find(&*store, by.clone()).await?, Some(id.clone()), &format!("{by:?}"))?;
    }
    Ok(())
}

pub(super) async fn attributes_are_not_mixed_up(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let ann = NewUser {
        username: Some("bob@example.com".to_owned()),
        phone: Some("cy".to_owned()),
        ..bare("ann")
    };
    let ann = add(&*store, ann).await?;
    let bob = add(&*store, NewUser { username: Some("cy".to_owned()), ..bare("bob") }).await?;
    for (by, id) in [
        (exactly(Email, "bob@example.com"), Some(bob.clone())),
        (exactly(Username, "bob@example.com"), Some(ann.clone())),
        (exactly(Username, "cy"), Some(bob.clone())),
        (exactly(Phone, "cy"), Some(ann.clone())),
        (exactly(Phone, "bob@example.com"), None),
        (in_any_case(Email, "BOB@example.com"), Some(bob)),
        (in_any_case(Phone, "CY"), Some(ann)),
    ] {
        equal(find(&*store, by.clone()).await?, id, &format!("{by:?}"))?;
    }
    Ok(())
}

/// Checks that an empty uniquifier finds no user. Adopted databases hold accounts without a
/// uniquifier, or several with an empty one.
pub(super) async fn an_empty_uniquifier_names_nobody(
    store: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let empty = || Uniquifier::new("");
    let new =
        NewUser { token_uniquifier: Some(empty()), ..NewUser::new("ann@example.com", empty()) };
    // A store may also refuse it.
    if store.commit(Change::InsertUser(Box::new(new)).into()).await.is_err() {
        return Ok(());
    }
    let record = SessionRecord { uniquifier: empty(), ..session("ann", &empty()) };
    let (key, now) = (record.key.clone(), record.created_at);
    store.commit(Change::InsertSession(record).into()).await?;
    equal(find(&*store, UserLookup::Uniquifier(empty())).await?, None, "by uniquifier")?;
    equal(find(&*store, UserLookup::TokenUniquifier(empty())).await?, None, "by token")?;
    equal(store.session(&key, now).await?.map(|(_, user)| user.id.clone()), None, "by session")?;
    equal(store.sessions_of(&empty(), now).await?, vec![], "the sessions")
}
