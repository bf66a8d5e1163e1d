//! Tests of an account with an empty uniquifier, as an adopted database may contain it.

use fs_core::flow::{CredentialsCheck, FollowLinkOutcome, ResetCheck, SignInOutcome};
use fs_core::model::{Uniquifier, UserField};
use fs_core::port::Change;
use fs_core::session::Session;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::factors::{by_passcode, every_way, mailed_code, sign_in_link};
use crate::people::{ANN, PROFILES, mailed_token, refused, sign_ann_in};

/// Creates a site with Ann, who has no uniquifier.
async fn site(setup: Setup) -> Site {
    let site = setup.build();
    let ann = site.add_user(ANN).await;
    let set = vec![UserField::Uniquifier(Uniquifier::new(""))];
    site.write(Change::UpdateUser { user: ann.id, expect: vec![], set }).await;
    site
}

/// Checks that Ann is signed in, by a uniquifier of her own.
async fn assert_is_ann(site: &Site, session: &Session) {
    let user = site.core().sessions().authenticate(&site.context(), session).await.unwrap();
    let user = user.unwrap();
    assert!(user.email == ANN && !user.uniquifier.is_empty());
}

#[tokio::test]
async fn a_password_gives_an_account_its_uniquifier() {
    for setup in PROFILES {
        let site = site(setup()).await;
        let mut session = Session::default();
        let _ = sign_ann_in(&site, &mut session).await;
        assert_is_ann(&site, &session).await;
    }
}

#[tokio::test]
async fn http_basic_gives_an_account_its_uniquifier() {
    let site = site(Setup::standard()).await;
    let checked =
        site.core().sign_in().check_credentials(&site.context(), ANN, &PASSWORD.into()).await;
    match checked.unwrap() {
        CredentialsCheck::Accepted(user) => assert!(!user.uniquifier.is_empty()),
        other => refused(other),
    }
}

#[tokio::test]
async fn a_code_and_a_link_give_an_account_its_uniquifier() {
    let by_code = site(every_way()).await;
    let code = mailed_code(&by_code).await;
    let mut session = Session::default();
    assert!(by_passcode(&by_code, &mut session, &code).await);
    assert_is_ann(&by_code, &session).await;

    let by_link = site(every_way()).await;
    let token = sign_in_link(&by_link).await;
    let mut session = Session::default();
    match by_link
        .core()
        .sign_in()
        .follow_link(&by_link.context(), &mut session, &token)
        .await
        .unwrap()
    {
        FollowLinkOutcome::Judged(SignInOutcome::Done { .. }) => {}
        other => refused(other),
    }
    assert_is_ann(&by_link, &session).await;
}

#[tokio::test]
async fn a_reset_link_gives_an_account_its_uniquifier() {
    for setup in PROFILES {
        let site = site(setup()).await;
        let _ = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
        let token = mailed_token(&site).await;
        match site.core().accounts().check_reset(&site.context(), &token).await.unwrap() {
            ResetCheck::Good(user) => assert_eq!(user.email, ANN),
            other => refused(other),
        }
    }
}

#[tokio::test]
async fn the_application_and_tokens_give_an_account_its_uniquifier() {
    for setup in PROFILES {
        let site = site(setup()).await;
        let ann = site.user(ANN).await.unwrap();
        let mut session = Session::default();
        let (ctx, core) = (site.context(), site.core());
        match core
            .sign_in()
            .sign_in_user(&ctx, &mut session, &ann, None, vec!["sso"])
            .await
            .unwrap()
        {
            SignInOutcome::Done { .. } => {}
            other => refused(other),
        }
        assert_is_ann(&site, &session).await;
    }
    for setup in PROFILES {
        let site = site(setup()).await;
        let mut ann = site.user(ANN).await.unwrap();
        let (ctx, core) = (site.context(), site.core());
        let token = core.auth_tokens().issue(&ctx, &mut ann).await.unwrap();
        let found = core.auth_tokens().authenticate(&ctx, token.expose()).await.unwrap();
        assert_eq!(found.unwrap().email, ANN);
    }
}

/// Checks two concurrent sign-ins: one creates the uniquifier, and both succeed.
#[tokio::test]
async fn concurrent_callers_get_the_same_uniquifier() {
    let site = site(Setup::standard()).await;
    let (mut first, mut second) = (Session::default(), Session::default());
    let _ = tokio::join!(sign_ann_in(&site, &mut first), sign_ann_in(&site, &mut second));
    assert_is_ann(&site, &first).await;
    assert_is_ann(&site, &second).await;
}
