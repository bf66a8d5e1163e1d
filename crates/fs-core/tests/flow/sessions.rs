//! Tests of flows that start in an existing session.

use fs_core::csrf::CsrfSecret;
use fs_core::event::Event;
use fs_core::flow::{FlowError, SignInOutcome, SignInRefusal};
use fs_core::model::{SessionId, Uniquifier, UserField, UserId};
use fs_core::port::Change;
use fs_core::session::Session;
use fs_testkit::site::{Setup, Site};

use crate::factors::{ann_with, every_way, key, pending, signed_in};
use crate::people::{
    ANN, NEW, PROFILES, mailed_token, new_password, refused, register_ann, remember_cookie,
    sign_ann_in,
};

async fn who(site: &Site, session: &Session) -> Option<String> {
    let who = site.core().sessions().authenticate(&site.context(), session).await.unwrap();
    who.map(|user| user.email.clone())
}

#[tokio::test]
async fn signing_in_ends_the_previous_session() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let bob = site.add_user("bob@site.test").await;
        let (ctx, mut session) = (site.context(), Session::default());
        let _ = sign_ann_in(&site, &mut session).await;
        let first = session.clone();
        let _ = sign_ann_in(&site, &mut session).await;
        let second = session.clone();
        assert_eq!(who(&site, &first).await, None);
        assert_eq!(who(&site, &second).await.as_deref(), Some(ANN));
        let _ = site
            .core()
            .sign_in()
            .sign_in_user(&ctx, &mut session, &bob, None, vec!["own"])
            .await
            .unwrap();
        assert_eq!(who(&site, &second).await, None);
        assert_eq!(who(&site, &session).await.as_deref(), Some("bob@site.test"));
    }
}

#[tokio::test]
async fn a_link_that_signs_in_ends_the_session_that_was_there() {
    for setup in PROFILES {
        let mut setup = setup();
        setup.config.confirmation.as_mut().unwrap().sign_in_after = true;
        setup.config.recovery.as_mut().unwrap().sign_in_after = true;
        let site = setup.build();
        site.add_user("bob@site.test").await;
        let (ctx, core) = (site.context(), site.core());
        register_ann(&site).await;
        let confirm = mailed_token(&site).await;
        let bob = core.accounts().find_by_email("bob@site.test").await.unwrap().unwrap();
        let mut session = Session::default();
        let _ =
            core.sign_in().sign_in_user(&ctx, &mut session, &bob, None, vec!["own"]).await.unwrap();
        let before = session.clone();
        let _ = core
            .accounts()
            .confirm(&ctx, &mut session, Some(&bob), None, &confirm, crate::people::chosen())
            .await
            .unwrap();
        assert_eq!(who(&site, &before).await, None);
        assert_eq!(who(&site, &session).await.as_deref(), Some(ANN));

        let _ = core.accounts().request_reset(&ctx, ANN).await.unwrap();
        let reset = mailed_token(&site).await;
        let mut session = Session::default();
        let _ =
            core.sign_in().sign_in_user(&ctx, &mut session, &bob, None, vec!["own"]).await.unwrap();
        let before = session.clone();
        let _ = core
            .accounts()
            .reset_password(&ctx, &mut session, &reset, new_password(NEW))
            .await
            .unwrap();
        assert_eq!(who(&site, &before).await, None);
        assert_eq!(who(&site, &session).await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn an_application_cannot_vouch_for_an_account_that_may_not_act() {
    for setup in PROFILES {
        let site = setup().build();
        let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
        register_ann(&site).await;
        let ann = core.accounts().find_by_email(ANN).await.unwrap().unwrap();
        let outcome =
            core.sign_in().sign_in_user(&ctx, &mut session, &ann, None, vec!["own"]).await.unwrap();
        assert!(matches!(outcome, SignInOutcome::Refused(SignInRefusal::Unconfirmed { .. })));

        let bob = site.add_user("bob@site.test").await;
        core.admin().deactivate_user(&bob.id).await.unwrap();
        // Once with the user as it was read before, and once as it is now.
        let stale = core.sign_in().sign_in_user(&ctx, &mut session, &bob, None, vec!["own"]).await;
        assert!(matches!(stale, Err(FlowError::Contended(_))), "{stale:?}");
        let bob = core.accounts().find_by_email("bob@site.test").await.unwrap().unwrap();
        let outcome =
            core.sign_in().sign_in_user(&ctx, &mut session, &bob, None, vec!["own"]).await.unwrap();
        assert!(matches!(outcome, SignInOutcome::Refused(SignInRefusal::Inactive)));
        assert_eq!(session.sign_in(), None);
    }
}

#[tokio::test]
async fn a_session_names_its_user_by_the_uniquifier() {
    let site = Setup::standard().build();
    let ann = site.add_user(ANN).await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let sessions = site.dump().await.sessions;
    assert!(!sessions.is_empty());
    assert!(sessions.iter().all(|session| session.uniquifier == ann.uniquifier));
    site.core().admin().set_uniquifier(&ann.id).await.unwrap();
    assert_eq!(who(&site, &session).await, None);
}

#[tokio::test]
async fn the_session_of_a_deleted_account_can_be_signed_out() {
    for setup in PROFILES {
        let site = setup().build();
        let ann = site.add_user(ANN).await;
        let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
        let _ = sign_ann_in(&site, &mut session).await;
        core.admin().delete_user(&ctx, &ann.id).await.unwrap();
        let _ = core.sessions().sign_out(&ctx, &mut session, Some(&ann), None).await.unwrap();
        assert_eq!(session.sign_in(), None);
    }
}

#[tokio::test]
async fn what_is_kept_for_somebody_is_not_there_for_the_next() {
    for setup in PROFILES {
        let site = setup().build();
        let ann = site.add_user(ANN).await;
        let bob = site.add_user("bob@site.test").await;
        let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
        session.insert("cart", "a book".into());
        let _ = sign_ann_in(&site, &mut session).await;
        let _ = sign_ann_in(&site, &mut session).await;
        assert_eq!(session.get("cart"), Some(&"a book".into()), "what the stranger had is Ann's");
        let mut taken_over = session.clone();
        let signed_in =
            core.sign_in().sign_in_user(&ctx, &mut taken_over, &bob, None, vec!["own"]).await;
        assert!(matches!(signed_in.unwrap(), SignInOutcome::Done { .. }));
        assert_eq!(taken_over.get("cart"), None);
        let _ = core.sessions().sign_out(&ctx, &mut session, Some(&ann), None).await.unwrap();
        assert_eq!(session.get("cart"), None);
    }
}

#[tokio::test]
async fn a_remembered_browser_comes_back_as_after_a_sign_in() {
    let site = every_way().build();
    ann_with(&site, &key(1)).await;
    let bob = site.add_user("bob@site.test").await;
    let (core, ctx) = (site.core(), site.context());
    let signed_in = core
        .sign_in()
        .sign_in_user(&ctx, &mut Session::default(), &bob, Some(true), vec!["own"])
        .await;
    let remember = match signed_in.unwrap() {
        SignInOutcome::Done { remember, .. } => remember,
        other => refused(other),
    };
    // Ann began to sign in here, and the page has a CSRF token.
    let mut session = pending(&site).await;
    let before = CsrfSecret::from_random([7; 20]);
    session.set_csrf(Some(before.clone()));
    let back =
        core.sessions().restore_remembered(&ctx, &mut session, remember_cookie(&remember)).await;
    assert_eq!(back.unwrap().outcome.user().unwrap().id, bob.id);
    assert!(session.pending().is_none() && session.enrolment().is_none());
    assert!(session.csrf().is_some_and(|csrf| *csrf != before));
    assert_eq!(session.sign_in().unwrap().authenticated_at, None);
}

/// Checks the keys in a stolen database: no browser can present one as its session id.
#[tokio::test]
async fn a_copy_of_the_database_opens_no_session() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let id = session.sign_in().unwrap().id.clone();
    let sessions = site.dump().await.sessions;
    assert_eq!(sessions.len(), 1);
    assert!(sessions.iter().any(|session| session.key == id.key()));
    let store = site.core().store();
    for session in sessions {
        assert!(store.session(&session.key, site.core().now()).await.unwrap().is_some());
        let stolen = SessionId::new(session.key.as_str());
        assert!(stolen != id);
        assert_eq!(store.session(&stolen.key(), site.core().now()).await.unwrap(), None);
    }
}

/// Checks that an event says when and from where, and names every factor.
#[tokio::test]
async fn an_event_has_the_facts_of_its_request() {
    let site = every_way().build().visited_from([198, 51, 100, 7]);
    let key = key(1);
    ann_with(&site, &key).await;
    let _ = signed_in(&site, &key).await;
    let record = site.events.take_records().pop().unwrap();
    assert_eq!(record.at, site.core().now());
    assert_eq!(record.client_ip, Some([198, 51, 100, 7].into()));
    assert!(matches!(record.event, Event::UserAuthenticated { methods, .. }
        if methods == ["password", "authenticator"]));
}

/// Two accounts may get one uniquifier if the database's index is removed while the application
/// runs.
#[tokio::test]
async fn a_session_does_not_follow_its_uniquifier_to_another_account() {
    for setup in PROFILES {
        let site = setup().build();
        let (ann, bob) = (site.add_user(ANN).await, site.add_user("bob@site.test").await);
        let mut session = Session::default();
        let _ = sign_ann_in(&site, &mut session).await;
        let set = |user: &UserId, uniquifier: Uniquifier| Change::UpdateUser {
            user: user.clone(),
            expect: Vec::new(),
            set: vec![UserField::Uniquifier(uniquifier)],
        };
        let shared = ann.uniquifier.clone();
        site.write(set(&ann.id, Uniquifier::new("another"))).await;
        site.write(set(&bob.id, shared)).await;
        assert_eq!(who(&site, &session).await, None);
    }
}
