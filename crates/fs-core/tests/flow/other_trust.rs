//! Tests that a change of the second factor revokes everything that was trusted before it.

use std::time::Duration;

use fs_core::flow::{EnrolOutcome, FactorChoice, RememberChange, SignInOutcome, ValidateOutcome};
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_core::totp::TotpSecret;
use fs_testkit::site::{Setup, Site};

use crate::factors::{
    ann_with, code, enrol, every_way, is_in, key, pending, required, signed_in, validate,
};
use crate::people::{ANN, bob_remembered, credentials, refused, remember_cookie, sign_ann_in};

const DAY: Duration = Duration::from_secs(86_400);
const STEP: Duration = Duration::from_secs(30);

/// Browser that is signed in and remembered, with a device token.
struct Entered {
    session: Session,
    remembered: RememberChange,
    device: Secret,
}

fn site(ends: bool) -> Site {
    let mut setup = every_way();
    setup.config.two_factor.as_mut().unwrap().device = Some(30 * DAY);
    setup.config.sessions.end_with_second_factor = ends;
    setup.build()
}

async fn enter(site: &Site, key: &TotpSecret) -> Entered {
    // Every browser uses a code of its own.
    site.clock.advance(STEP);
    let (core, ctx, mut session) = (site.core(), site.context(), pending(site).await);
    let code = code(site, key);
    match core.second_factors().validate(&ctx, &mut session, None, &code, None).await.unwrap() {
        ValidateOutcome::SignedIn { remember, device: Some(device), .. } => {
            Entered { session, remembered: remember, device }
        }
        other => refused(other),
    }
}

async fn comes_back(site: &Site, remembered: &RememberChange) -> bool {
    let (ctx, mut session) = (site.context(), Session::default());
    let cookie = remember_cookie(remembered);
    site.core()
        .sessions()
        .restore_remembered(&ctx, &mut session, cookie)
        .await
        .unwrap()
        .outcome
        .is_authenticated()
}

/// Checks whether a browser with that device token is asked for the second factor.
async fn is_asked(site: &Site, device: &Secret) -> bool {
    let mut typed = credentials();
    typed.device = Some(device.clone());
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut Session::default(), typed)
        .await
        .unwrap();
    match outcome {
        SignInOutcome::SecondFactor { .. } => true,
        SignInOutcome::Done { .. } => false,
        other => refused(other),
    }
}

/// Switches the second factor off, or replaces it, in a remembered browser.
async fn change(
    site: &Site,
    session: &mut Session,
    cookie: Option<&str>,
    off: bool,
) -> RememberChange {
    let (core, ctx) = (site.core(), site.context());
    let user = core.sessions().authenticate(&ctx, session).await.unwrap().unwrap();
    if off {
        match core
            .second_factors()
            .enrol(&ctx, session, Some(&user), FactorChoice::Disabled, cookie)
            .await
            .unwrap()
        {
            EnrolOutcome::Disabled { remember, .. } => return remember,
            other => refused(other),
        }
    }
    let new = enrol(site, session).await;
    let code = code(site, &new);
    match core.second_factors().validate(&ctx, session, Some(&user), &code, cookie).await.unwrap() {
        ValidateOutcome::Changed { remember, .. } => remember,
        other => refused(other),
    }
}

#[tokio::test]
async fn a_change_ends_all_trust_but_that_of_the_browser_at_hand() {
    for (off, ends) in [(false, true), (true, true), (false, false), (true, false)] {
        let (site, key) = (site(ends), key(1));
        ann_with(&site, &key).await;
        let other = enter(&site, &key).await;
        let mut here = enter(&site, &key).await;
        assert!(!is_asked(&site, &other.device).await);
        let waiting = pending(&site).await;
        let before = here.session.sign_in().cloned().unwrap();
        site.clock.advance(STEP);

        let cookie = remember_cookie(&here.remembered);
        let remember = change(&site, &mut here.session, Some(cookie), off).await;
        assert!(is_in(&site, &here.session).await);
        assert_eq!(is_in(&site, &other.session).await, !ends, "off: {off}");
        assert_eq!(comes_back(&site, &other.remembered).await, !ends, "off: {off}");
        let waits = site.core().second_factors().pending(&site.context(), &waiting).await.unwrap();
        assert_eq!(waits.is_some(), !ends, "off: {off}");

        // The browser stays remembered, with another cookie, and becomes no fresher.
        let after = here.session.sign_in().unwrap();
        assert_eq!(after.authenticated_at, before.authenticated_at);
        assert_eq!(after.id != before.id, ends);
        assert_eq!(comes_back(&site, &here.remembered).await, !ends);
        assert_eq!(remember != RememberChange::Keep, ends);
        if ends {
            assert!(comes_back(&site, &remember).await);
        }
        // A device token is bound to the factor that was proven, so it is revoked in any case.
        if !off {
            assert!(is_asked(&site, &other.device).await && is_asked(&site, &here.device).await);
        }
    }
}

#[tokio::test]
async fn a_browser_that_is_not_remembered_as_her_does_not_become_so() {
    for off in [false, true] {
        for cookie in [None, Some("made up"), Some("bob's")] {
            let (site, key) = (site(true), key(1));
            ann_with(&site, &key).await;
            let of_bob = bob_remembered(&site).await;
            let cookie =
                if cookie == Some("bob's") { Some(remember_cookie(&of_bob)) } else { cookie };
            let mut ann = signed_in(&site, &key).await;
            site.clock.advance(STEP);
            let remember = change(&site, &mut ann, cookie, off).await;
            assert_eq!(remember, RememberChange::Keep, "off: {off}, {cookie:?}");
        }
    }
}

/// Checks that sessions created with a password alone end with the first second factor.
#[tokio::test]
async fn a_first_second_factor_ends_what_was_entered_without_one() {
    let site = every_way().build();
    site.add_user(ANN).await;
    let (mut here, mut other) = (Session::default(), Session::default());
    for session in [&mut here, &mut other] {
        let _ = sign_ann_in(&site, session).await;
    }
    let key = enrol(&site, &mut here).await;
    assert!(is_in(&site, &other).await);
    assert!(validate(&site, &mut here, &code(&site, &key)).await);
    assert!(is_in(&site, &here).await);
    assert!(!is_in(&site, &other).await);
}

#[tokio::test]
async fn one_that_is_chosen_while_signing_in_ends_it_as_well() {
    let mut setup = required();
    // The session without a factor continues until the other one has set one up.
    setup.config.two_factor.as_mut().unwrap().strict = false;
    setup.config.auth_tokens.own_uniquifier = true;
    let (site, old) = (setup.build(), key(1));
    let user = ann_with(&site, &old).await;
    let other = signed_in(&site, &old).await;
    let (core, ctx) = (site.core(), site.context());
    let token = core.auth_tokens().issue(&ctx, &mut user.clone()).await.unwrap();
    let knows =
        async || core.auth_tokens().authenticate(&ctx, token.expose()).await.unwrap().is_some();
    assert!(knows().await);
    core.admin().remove_second_factor(&user.id).await.unwrap();
    let mut here = pending(&site).await;
    let new = enrol(&site, &mut here).await;
    assert!(is_in(&site, &other).await);
    assert!(validate(&site, &mut here, &code(&site, &new)).await);
    assert!(is_in(&site, &here).await);
    assert!(!is_in(&site, &other).await && !knows().await);
}

#[tokio::test]
async fn a_device_that_gave_one_factor_gives_the_next_one_too() {
    for profile in [Setup::standard, Setup::flask_security_4] {
        let mut setup = profile();
        let mut rules = fs_core::config::TwoFactor::default();
        rules.device = Some(30 * DAY);
        setup.config.two_factor = Some(rules);
        setup.config.totp.format = fs_core::totp::WalletFormat::Native;
        let site = setup.build();
        let user = ann_with(&site, &key(1)).await;
        let Entered { device, .. } = enter(&site, &key(1)).await;
        assert!(!is_asked(&site, &device).await);
        // An application sets up another app for her; that alone revokes nothing.
        site.core().admin().remove_second_factor(&user.id).await.unwrap();
        let sealed = site.core().second_factors().seal_totp(&key(2)).await.unwrap();
        let user = site.user(ANN).await.unwrap();
        site.core()
            .admin()
            .set_second_factor(
                &user,
                fs_core::config::CodeMethod::Authenticator,
                Some(sealed),
                None,
            )
            .await
            .unwrap();
        assert!(is_asked(&site, &device).await);
    }
}

/// Checks that a change made with an auth token does not revive a session that was signed out.
#[tokio::test]
async fn a_change_by_other_means_gives_no_session() {
    let mut setup = every_way();
    let rules = setup.config.two_factor.as_mut().unwrap();
    // With the strict rules, only a session of the user can change the factor.
    (rules.strict, rules.device) = (false, Some(30 * DAY));
    let (site, key) = (setup.build(), key(1));
    ann_with(&site, &key).await;
    let Entered { session: mut copy, remembered, .. } = enter(&site, &key).await;
    let cookie = Some(remember_cookie(&remembered));
    let (core, ctx) = (site.core(), site.context());
    let user = core.sessions().authenticate(&ctx, &copy).await.unwrap().unwrap();
    let new = enrol(&site, &mut copy).await;
    let _ = core.sessions().sign_out(&ctx, &mut copy.clone(), Some(&user), None).await.unwrap();
    site.clock.advance(STEP);
    let code = code(&site, &new);
    match core.second_factors().validate(&ctx, &mut copy, Some(&user), &code, cookie).await.unwrap()
    {
        ValidateOutcome::Changed { remember, .. } => assert_eq!(remember, RememberChange::Keep),
        other => refused(other),
    }
    assert!(!is_in(&site, &copy).await);
}

#[tokio::test]
async fn tokens_of_their_own_name_and_old_recovery_codes_end_as_well() {
    for off in [false, true] {
        let mut setup = every_way();
        setup.config.auth_tokens.own_uniquifier = true;
        let (site, key) = (setup.build(), key(1));
        ann_with(&site, &key).await;
        let (core, ctx) = (site.core(), site.context());
        let mut here = signed_in(&site, &key).await;
        let mut user = site.user(ANN).await.unwrap();
        let token = core.auth_tokens().issue(&ctx, &mut user).await.unwrap();
        let _ = core.second_factors().make_recovery_codes(&ctx, &here, &user).await.unwrap();
        assert!(!site.user(ANN).await.unwrap().recovery_codes.is_empty());
        site.clock.advance(STEP);
        let _ = change(&site, &mut here, None, off).await;
        assert!(
            core.auth_tokens().authenticate(&ctx, token.expose()).await.unwrap().is_none(),
            "{off}"
        );
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes, [], "{off}");
    }
}

#[tokio::test]
async fn a_device_is_spared_the_code_where_that_was_asked_for() {
    let (site, key) = (site(true), key(1));
    ann_with(&site, &key).await;
    for remember in [true, false] {
        site.clock.advance(STEP);
        let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
        let mut typed = credentials();
        typed.remember = Some(remember);
        let _ = core.sign_in().with_password(&ctx, &mut session, typed).await.unwrap();
        let code = code(&site, &key);
        match core.second_factors().validate(&ctx, &mut session, None, &code, None).await.unwrap() {
            ValidateOutcome::SignedIn { device, .. } => assert_eq!(device.is_some(), remember),
            other => refused(other),
        }
    }
}

#[tokio::test]
async fn nothing_is_pending_for_an_account_that_was_deactivated() {
    let (site, key) = (site(true), key(1));
    let ann = ann_with(&site, &key).await;
    let session = pending(&site).await;
    let waits = async || {
        site.core().second_factors().pending(&site.context(), &session).await.unwrap().is_some()
    };
    assert!(waits().await);
    site.core().admin().deactivate_user(&ann.id).await.unwrap();
    assert!(!waits().await);
}

#[tokio::test]
async fn what_one_sets_up_does_not_become_the_factor_of_another() {
    let site = required().build();
    site.add_user(ANN).await;
    let bob = site.add_user("bob@site.test").await;
    let (core, ctx) = (site.core(), site.context());
    // Bob authenticates by other means, in the browser in which Ann is setting up her app.
    let mut session = pending(&site).await;
    let key = enrol(&site, &mut session).await;
    let code = code(&site, &key);
    let mut copy = session.clone();
    let given = core.second_factors().validate(&ctx, &mut copy, Some(&bob), &code, None).await;
    assert!(matches!(given.unwrap(), ValidateOutcome::NotPending));
    // Bob then begins to sign in there.
    let mut typed = credentials();
    typed.identity = "bob@site.test".to_owned();
    let _ = core.sign_in().with_password(&ctx, &mut session, typed).await.unwrap();
    let given =
        core.second_factors().validate(&ctx, &mut session, None, &code, None).await.unwrap();
    assert!(matches!(given, ValidateOutcome::NotPending), "{given:?}");
    assert_eq!(site.user("bob@site.test").await.unwrap().second_factor.method, None);
}
