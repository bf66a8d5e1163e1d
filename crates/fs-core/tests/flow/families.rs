//! Tests of families of remember cookies, in which each cookie is single-use.

use std::sync::Arc;
use std::time::Duration;

use fs_core::authn::AuthFailure;
use fs_core::event::Event;
use fs_core::flow::{ChangeOutcome, RememberChange, Restored};
use fs_core::model::{CredentialKind, User};
use fs_core::port::UserStore;
use fs_core::session::Session;
use fs_testkit::entropy::SeededEntropy;
use fs_testkit::site::{PASSWORD, Setup, Site};
use futures::executor::block_on;

use crate::crowds::crowd;
use crate::every_order::every_order;
use crate::people::{ANN, NEW, new_password, remember_cookie, sign_ann_in};

const GRACE: Duration = Duration::from_secs(60);
const LATER: Duration = Duration::from_secs(61);

/// Returns Ann, and the remember cookie of her closed browser.
async fn closed_browser(site: &Site) -> (User, String) {
    let ann = site.add_user(ANN).await;
    let remember = sign_ann_in(site, &mut Session::default()).await;
    (ann, remember_cookie(&remember).to_owned())
}

async fn restore(site: &Site, session: &mut Session, cookie: &str) -> Restored {
    site.core().sessions().restore_remembered(&site.context(), session, cookie).await.unwrap()
}

/// Restores the session in a separate browser. Returns the session and the next cookie.
async fn back(site: &Site, cookie: &str) -> (Session, String) {
    let mut session = Session::default();
    let restored = restore(site, &mut session, cookie).await;
    assert!(restored.outcome.is_authenticated(), "{restored:?}");
    (session, remember_cookie(&restored.remember).to_owned())
}

async fn is_in(site: &Site, session: &Session) -> bool {
    site.core().sessions().authenticate(&site.context(), session).await.unwrap().is_some()
}

async fn is_good(site: &Site, cookie: &str) -> bool {
    restore(site, &mut Session::default(), cookie).await.outcome.is_authenticated()
}

async fn families(site: &Site) -> usize {
    let all = site.dump().await.credentials;
    all.iter().filter(|record| record.kind == CredentialKind::RememberFamily).count()
}

#[tokio::test]
async fn every_use_replaces_the_cookie() {
    let site = Setup::standard().build();
    let (_, mut cookie) = closed_browser(&site).await;
    for _ in 0..5 {
        site.clock.advance(LATER);
        let (session, next) = back(&site, &cookie).await;
        assert!(is_in(&site, &session).await && next != cookie);
        assert_eq!(session.sign_in().unwrap().authenticated_at, None);
        cookie = next;
    }
    assert_eq!(families(&site).await, 1);
}

#[tokio::test]
async fn parallel_requests_share_one_session_one_cookie_and_one_csrf_secret() {
    let site = Setup::standard().build();
    let (_, cookie) = closed_browser(&site).await;
    let before = site.dump().await.sessions.len();
    let (first, next) = back(&site, &cookie).await;
    site.clock.advance(GRACE);
    for _ in 1..8 {
        let commits = site.dump().await.commits;
        let (session, same) = back(&site, &cookie).await;
        assert_eq!(session.sign_in(), first.sign_in());
        assert!(session.csrf().is_some() && session.csrf() == first.csrf() && same == next);
        assert_eq!(site.dump().await.commits, commits, "a late request writes nothing");
    }
    assert_eq!(site.dump().await.sessions.len(), before + 1);
}

#[tokio::test]
async fn a_second_use_after_the_grace_ends_the_family_and_tells_the_owner() {
    let site = Setup::standard().build();
    let (_, copied) = closed_browser(&site).await;
    let (owner, next) = back(&site, &copied).await;
    site.mails().await;
    site.events.take();
    site.clock.advance(LATER);

    let mut thief = Session::default();
    let restored = restore(&site, &mut thief, &copied).await;
    assert!(restored.outcome.failure() == Some(AuthFailure::Ended));
    assert_eq!(restored.remember, RememberChange::Clear);
    assert_eq!(thief.sign_in(), None);
    assert!(!is_in(&site, &owner).await && !is_good(&site, &next).await);
    let mails = site.mails().await;
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((mail.template.as_str(), mail.to.as_str()), ("remembered_browser_ended", ANN));
    let events = site.events.take();
    assert!(matches!(&events[..], [Event::RememberCookieReused { .. }]), "{events:?}");

    // The replay is reported only once: the family is revoked already.
    assert!(!is_good(&site, &copied).await);
    assert!(site.mails().await.is_empty() && site.events.take().is_empty());
}

/// Checks that the family is revoked whether the thief or the owner comes first.
#[tokio::test]
async fn a_thief_who_used_the_cookie_first_is_signed_out_when_the_owner_comes() {
    let site = Setup::standard().build();
    let (_, cookie) = closed_browser(&site).await;
    let (mut thief, mut stolen) = back(&site, &cookie).await;
    for _ in 0..3 {
        site.clock.advance(LATER);
        (thief, stolen) = back(&site, &stolen).await;
    }
    assert!(is_in(&site, &thief).await);
    assert!(!is_good(&site, &cookie).await, "the owner comes back");
    assert!(!is_in(&site, &thief).await && !is_good(&site, &stolen).await);
}

#[tokio::test]
async fn signing_out_anywhere_in_the_family_ends_all_of_it() {
    for with_cookie in [true, false] {
        for of_first in [true, false] {
            let site = Setup::standard().build();
            let ann = site.add_user(ANN).await;
            let mut first = Session::default();
            let remember = sign_ann_in(&site, &mut first).await;
            let cookie = remember_cookie(&remember).to_owned();
            let (mut second, next) = back(&site, &cookie).await;
            // Her other browser stays remembered.
            let mut other = Session::default();
            let remember = sign_ann_in(&site, &mut other).await;
            let of_other = remember_cookie(&remember).to_owned();

            let session = if of_first { &mut first } else { &mut second };
            let sent = with_cookie.then_some(next.as_str());
            let _ = site
                .core()
                .sessions()
                .sign_out(&site.context(), session, Some(&ann), sent)
                .await
                .unwrap();
            for session in [&first, &second] {
                assert!(!is_in(&site, session).await);
            }
            for cookie in [&cookie, &next] {
                assert!(!is_good(&site, cookie).await);
            }
            assert!(is_in(&site, &other).await && is_good(&site, &of_other).await);
        }
    }
}

#[tokio::test]
async fn a_session_from_a_copied_cookie_dies_with_what_ends_trust() {
    for what in ["sign out", "change", "deactivate", "uniquifier", "delete"] {
        let site = Setup::standard().build();
        let ann = site.add_user(ANN).await;
        let mut owner = Session::default();
        let remember = sign_ann_in(&site, &mut owner).await;
        let (copied, next) = back(&site, remember_cookie(&remember)).await;
        assert!(is_in(&site, &copied).await);
        let (core, ctx) = (site.core(), site.context());
        match what {
            "sign out" => {
                let _ = core.sessions().sign_out(&ctx, &mut owner, Some(&ann), None).await.unwrap();
            }
            "change" => {
                let (old, new) = (PASSWORD.into(), new_password(NEW));
                let _ = core
                    .accounts()
                    .change_password(&ctx, &mut owner, &ann, &old, new, None)
                    .await
                    .unwrap();
            }
            "deactivate" => drop(core.admin().deactivate_user(&ann.id).await.unwrap()),
            "uniquifier" => core.admin().set_uniquifier(&ann.id).await.unwrap(),
            _ => core.admin().delete_user(&ctx, &ann.id).await.unwrap(),
        }
        assert!(!is_in(&site, &copied).await && !is_good(&site, &next).await, "{what}");
    }
}

#[tokio::test]
async fn a_verified_session_still_ends_with_its_family() {
    let site = Setup::standard().build();
    let (ann, cookie) = closed_browser(&site).await;
    let (mut session, next) = back(&site, &cookie).await;
    let _ = site
        .core()
        .sessions()
        .verify(&site.context(), &mut session, &ann, &PASSWORD.into())
        .await
        .unwrap();
    assert!(is_in(&site, &session).await);
    // A thief signs in with a copy after the grace period.
    site.clock.advance(LATER);
    assert!(!is_good(&site, &cookie).await);
    assert!(!is_in(&site, &session).await && !is_good(&site, &next).await);
}

#[tokio::test]
async fn a_family_lives_no_longer_than_it_was_promised() {
    let site = Setup::standard().build();
    let (_, mut cookie) = closed_browser(&site).await;
    let span = site.core().config().sessions.remember.unwrap();
    for _ in 0..10 {
        site.clock.advance(span / 11);
        cookie = back(&site, &cookie).await.1;
    }
    let (session, _) = back(&site, &cookie).await;
    site.clock.advance(span / 11 + Duration::from_secs(2));
    assert!(!is_good(&site, &cookie).await && !is_in(&site, &session).await);
}

#[tokio::test]
async fn two_nodes_come_to_the_same_session_and_cookie() {
    let mut shared: Option<Arc<dyn UserStore>> = None;
    let one = Setup::standard().build_with(|ports| shared = Some(ports.store.clone()));
    let two = Setup::standard().build_with(|ports| {
        ports.store = shared.unwrap();
        ports.entropy = Arc::new(SeededEntropy::new(7));
    });
    let (_, cookie) = closed_browser(&one).await;
    let (at_one, next) = back(&one, &cookie).await;
    let (at_two, same) = back(&two, &cookie).await;
    assert!(at_one.sign_in() == at_two.sign_in() && at_one.csrf() == at_two.csrf());
    assert_eq!(next, same);
    assert!(is_in(&two, &at_one).await);
    // The clock of one node is a little behind.
    one.clock.advance(LATER);
    two.clock.advance(LATER - Duration::from_secs(3));
    let (_, third) = back(&one, &next).await;
    assert_eq!(back(&two, &next).await.1, third);
    one.clock.advance(LATER);
    two.clock.advance(LATER + Duration::from_secs(3));
    assert!(!is_good(&two, &next).await && !is_good(&one, &third).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_rotates_and_none_breaks_the_family() {
    let site = Setup::standard().build();
    let (_, cookie) = closed_browser(&site).await;
    let before = site.dump().await;
    let all = crowd(|_| {
        let (site, cookie) = (site.clone(), cookie.clone());
        async move { back(&site, &cookie).await }
    })
    .await;
    let (first, next) = &all[0];
    assert!(
        all.iter().all(|(session, cookie)| session.sign_in() == first.sign_in() && cookie == next)
    );
    let after = site.dump().await;
    assert_eq!(after.sessions.len(), before.sessions.len() + 1);
    assert_eq!(after.commits, before.commits + 1);
    assert!(is_good(&site, next).await);
}

#[test]
fn two_uses_at_once_in_every_order() {
    let orders = every_order(|order| {
        let site = Setup::standard().build();
        let (_, cookie) = block_on(closed_browser(&site));
        let ((one, next), (two, same)) = order.both(back(&site, &cookie), back(&site, &cookie));
        assert!(one.sign_in() == two.sign_in() && next == same);
        assert!(block_on(is_in(&site, &one)) && block_on(is_good(&site, &next)));
    });
    assert!(orders > 2, "{orders}");
}

#[test]
fn a_browser_that_signs_out_is_not_restored_at_the_same_moment() {
    every_order(|order| {
        let site = Setup::standard().build();
        let ann = block_on(site.add_user(ANN));
        let (mut session, mut tab) = (Session::default(), Session::default());
        let remember = block_on(sign_ann_in(&site, &mut session));
        let (ctx, cookie) = (site.context(), remember_cookie(&remember));
        let out = site.core().sessions().sign_out(&ctx, &mut session, Some(&ann), Some(cookie));
        let (restored, out) = order.both(restore(&site, &mut tab, cookie), out);
        let _ = out.unwrap();
        assert!(!block_on(is_in(&site, &tab)));
        if let RememberChange::Set { cookie, .. } = &restored.remember {
            assert!(!block_on(is_good(&site, cookie.expose())));
        }
    });
}

#[test]
fn a_browser_that_was_forgotten_is_not_remembered_by_a_change_of_password() {
    every_order(|order| {
        let site = Setup::standard().build();
        let ann = block_on(site.add_user(ANN));
        let (mut session, mut copy) = (Session::default(), Session::default());
        let remember = block_on(sign_ann_in(&site, &mut session));
        copy.clone_from(&session);
        let (ctx, cookie) = (site.context(), remember_cookie(&remember));
        let out = site.core().sessions().sign_out(&ctx, &mut copy, Some(&ann), Some(cookie));
        let (old, new) = (PASSWORD.into(), new_password(NEW));
        let change = site.core().accounts().change_password(
            &ctx,
            &mut session,
            &ann,
            &old,
            new,
            Some(cookie),
        );
        let (changed, out) = order.both(change, out);
        let _ = out.unwrap();
        let ChangeOutcome::Done { remember, .. } = changed.unwrap() else { panic!("refused") };
        assert!(!block_on(is_good(&site, cookie)) && !block_on(is_in(&site, &session)));
        if let RememberChange::Set { cookie, .. } = remember {
            assert!(!block_on(is_good(&site, cookie.expose())), "the browser was forgotten");
        }
    });
}

#[test]
fn a_change_of_password_keeps_the_browser_though_another_tab_comes_back() {
    every_order(|order| {
        let site = Setup::standard().build();
        let ann = block_on(site.add_user(ANN));
        let (mut session, mut tab) = (Session::default(), Session::default());
        let remember = block_on(sign_ann_in(&site, &mut session));
        let (ctx, cookie) = (site.context(), remember_cookie(&remember));
        let (old, new) = (PASSWORD.into(), new_password(NEW));
        let change = site.core().accounts().change_password(
            &ctx,
            &mut session,
            &ann,
            &old,
            new,
            Some(cookie),
        );
        let (changed, _) = order.both(change, restore(&site, &mut tab, cookie));
        let ChangeOutcome::Done { remember, .. } = changed.unwrap() else { panic!("refused") };
        assert!(block_on(is_in(&site, &session)) && !block_on(is_in(&site, &tab)));
        assert!(block_on(is_good(&site, remember_cookie(&remember))));
        assert!(!block_on(is_good(&site, cookie)));
    });
}
