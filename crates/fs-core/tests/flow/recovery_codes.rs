//! Tests of recovery codes: each is single-use, and signs only its owner in.

use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor};
use fs_core::event::Event;
use fs_core::flow::{
    EnrolOutcome, FactorChoice, FlowError, MakeRecoveryCodesOutcome, SignInOutcome, ValidateOutcome,
};
use fs_core::message::MessageKey;
use fs_core::model::{SealedSecret, User};
use fs_core::session::Session;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Setup, Site};
use futures::executor::block_on;

use crate::crowds::crowd;
use crate::every_fault::every_fault;
use crate::every_order::every_order;
use crate::factors::every_way;
use crate::people::{ANN, PROFILES, credentials, refused};

/// Returns a profile with recovery codes. Creating them does not require the second factor here;
/// other tests cover that.
pub(crate) fn with_codes(profile: fn() -> Setup) -> Setup {
    let mut setup = profile();
    let mut rules = TwoFactor::default();
    rules.strict = false;
    setup.config.two_factor = Some(rules);
    setup
}

fn secret() -> TotpSecret {
    TotpSecret::from_random([7; 20])
}

/// Returns the current code of Ann's app.
fn app_code(site: &Site) -> String {
    TotpRules::default().code_at(&secret(), site.core().now()).expose().to_owned()
}

async fn sealed(site: &Site) -> SealedSecret {
    site.core().second_factors().seal_totp(&secret()).await.unwrap()
}

/// Creates an account with an authenticator app and recovery codes. Returns the codes.
pub(crate) async fn add_user(site: &Site, email: &str) -> (User, Vec<String>) {
    let user = site.add_user(email).await;
    let sealed = Some(sealed(site).await);
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Authenticator, sealed, None)
        .await
        .unwrap();
    let codes = make(site, email).await;
    (site.user(email).await.unwrap(), codes)
}

/// Makes new codes. Asks again if the account changed at the same time, as its owner would.
async fn make(site: &Site, email: &str) -> Vec<String> {
    let (ctx, session) = (site.context(), Session::default());
    loop {
        let user = site.user(email).await.unwrap();
        match site.core().second_factors().make_recovery_codes(&ctx, &session, &user).await {
            Ok(MakeRecoveryCodesOutcome::Made(codes)) => {
                return codes.iter().map(|code| code.expose().to_owned()).collect();
            }
            Err(FlowError::Contended(_)) => {}
            other => refused(other),
        }
    }
}

/// Returns a browser in which Ann has typed her password.
pub(crate) async fn pending(site: &Site) -> Session {
    let mut session = Session::default();
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut session, credentials())
        .await
        .unwrap();
    match outcome {
        SignInOutcome::SecondFactor { .. } => session,
        other => refused(other),
    }
}

/// Submits a code, and returns whether it completes the sign-in. Checks that a refusal signs nobody
/// in and always has the same answer.
pub(crate) async fn enter(site: &Site, session: &mut Session, code: &str) -> bool {
    let outcome =
        site.core().second_factors().use_recovery_code(&site.context(), session, code).await;
    let signed_in = session.sign_in().is_some();
    match outcome {
        Ok(ValidateOutcome::SignedIn { .. }) => assert!(signed_in),
        Ok(ValidateOutcome::Refused(problem)) => {
            assert_eq!(problem.message.key, MessageKey::InvalidRecoveryCode);
            assert!(!signed_in);
        }
        // The pending sign-in has ended.
        Ok(ValidateOutcome::NotPending) => assert!(!signed_in),
        // The rate limit is reached.
        Err(FlowError::TooMany(_)) => assert!(!signed_in),
        other => refused(other),
    }
    signed_in
}

async fn is_in(site: &Site, session: &Session) -> bool {
    site.core().sessions().authenticate(&site.context(), session).await.unwrap().is_some()
}

/// Signs Ann in with her app.
pub(crate) async fn signed_in(site: &Site) -> Session {
    let mut session = pending(site).await;
    let code = app_code(site);
    let given = site
        .core()
        .second_factors()
        .validate(&site.context(), &mut session, None, &code, None)
        .await;
    match given.unwrap() {
        ValidateOutcome::SignedIn { .. } => session,
        other => refused(other),
    }
}

async fn disable(site: &Site, session: &mut Session, user: &User) -> Result<bool, FlowError> {
    let disabled = site
        .core()
        .second_factors()
        .enrol(&site.context(), session, Some(user), FactorChoice::Disabled, None)
        .await?;
    Ok(matches!(disabled, EnrolOutcome::Disabled { .. }))
}

/// Switches the second factor off, as a request does. Returns `false` if the account changed at the
/// same time.
pub(crate) async fn disable_now(site: &Site, session: &mut Session) -> bool {
    let user = site.user(ANN).await.unwrap();
    match disable(site, session, &user).await {
        Ok(disabled) => disabled,
        Err(FlowError::Contended(_)) => false,
        other => refused(other),
    }
}

#[tokio::test]
async fn a_code_lets_in_once_and_its_owner_is_told() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let (_, codes) = add_user(&site, ANN).await;
        assert_eq!(codes.len(), 8);
        let mut session = pending(&site).await;
        let mut copy = session.clone();
        assert!(!is_in(&site, &session).await);
        site.events.take();
        assert!(enter(&site, &mut session, &codes[3].to_uppercase().replace('-', " ")).await);
        assert!(is_in(&site, &session).await && session.pending().is_none());
        let told: Vec<_> = site.events.take();
        assert!(
            matches!(&told[..], [
            Event::RecoveryCodeUsed { left: 7, .. },
            Event::UserAuthenticated { methods, .. },
        ] if *methods == ["password", "recovery_code"]),
            "{told:?}"
        );
        let mail = site.mails().await.pop().unwrap();
        assert_eq!((mail.template.as_str(), mail.to.as_str()), ("recovery_code_used", ANN));
        assert!(mail.text.unwrap().contains("There are 7 codes left"));

        // The pending sign-in has ended, in every copy of its cookie.
        assert!(!enter(&site, &mut copy, &codes[5]).await);
        let mut again = pending(&site).await;
        assert!(!enter(&site, &mut again, &codes[3]).await);
        assert!(enter(&site, &mut again, &codes[0]).await);
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes.len(), 6);
    }
}

#[tokio::test]
async fn nothing_else_lets_in_and_each_failure_is_told_once() {
    let site = with_codes(Setup::standard).build();
    let (_, old) = add_user(&site, ANN).await;
    let codes = make(&site, ANN).await;
    let (_, of_bob) = add_user(&site, "bob@site.test").await;
    let mut session = pending(&site).await;
    site.events.take();
    for wrong in ["", "0", &old[0], &of_bob[0], &app_code(&site), &"0".repeat(100_000)] {
        assert!(!enter(&site, &mut session, wrong).await);
        let told = site.events.take();
        let wrong = |event: &Event| {
            matches!(event, Event::AuthenticationFailed { user: Some(user), reason }
                if user.email == ANN && *reason == "wrong_recovery_code")
        };
        assert!(told.len() == 1 && wrong(&told[0]), "{told:?}");
    }
    assert!(enter(&site, &mut session, &codes[0]).await);
    assert_eq!(site.user("bob@site.test").await.unwrap().recovery_codes.len(), 8);
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_the_first_factor() {
    let site = with_codes(Setup::standard).build();
    let (user, codes) = add_user(&site, ANN).await;
    let refuses = async |mut session: Session| {
        let ctx = site.context();
        let outcome = site
            .core()
            .second_factors()
            .use_recovery_code(&ctx, &mut session, &codes[0])
            .await
            .unwrap();
        assert!(matches!(outcome, ValidateOutcome::NotPending), "{outcome:?}");
    };
    refuses(Session::default()).await;
    refuses(signed_in(&site).await).await;
    let mut out = pending(&site).await;
    let _ = site.core().sessions().sign_out(&site.context(), &mut out, None, None).await.unwrap();
    refuses(out).await;
    let late = pending(&site).await;
    site.clock.advance(Duration::from_secs(601));
    refuses(late).await;
    let shut_out = pending(&site).await;
    assert!(site.core().admin().deactivate_user(&user.id).await.unwrap());
    refuses(shut_out).await;
    assert_eq!(site.user(ANN).await.unwrap().recovery_codes.len(), 8);
}

#[tokio::test]
async fn a_sign_in_that_must_set_up_a_factor_takes_no_code() {
    let mut setup = with_codes(Setup::standard);
    setup.config.two_factor.as_mut().unwrap().required = true;
    let site = setup.build();
    site.add_user(ANN).await;
    let mut session = pending(&site).await;
    let outcome = site
        .core()
        .second_factors()
        .use_recovery_code(&site.context(), &mut session, "0")
        .await
        .unwrap();
    assert!(matches!(outcome, ValidateOutcome::NotPending));
}

#[tokio::test]
async fn attempts_are_counted_with_those_at_other_second_factors() {
    let site = with_codes(Setup::standard).build();
    let (_, codes) = add_user(&site, ANN).await;
    let mut session = pending(&site).await;
    for _ in 0..5 {
        let ctx = site.context();
        let wrong =
            site.core().second_factors().validate(&ctx, &mut session, None, "000000", None).await;
        assert!(matches!(wrong.unwrap(), ValidateOutcome::Refused(_)));
        assert!(!enter(&site, &mut session, "0000-0000-0000-0000").await);
    }
    assert!(!enter(&site, &mut session, &codes[0]).await);
    // A new sign-in has ten more attempts, and an hour has twenty.
    let mut session = pending(&site).await;
    for _ in 0..9 {
        assert!(!enter(&site, &mut session, "0000-0000-0000-0000").await);
    }
    // Attempts refused for the first sign-in were not counted for the hour.
    assert!(!enter(&site, &mut session, "0000-0000-0000-0000").await);
    let mut session = pending(&site).await;
    site.events.take();
    assert!(!enter(&site, &mut session, &codes[0]).await);
    let told = site.events.take();
    assert!(matches!(&told[..], [Event::LimitReached { .. }]));
    let app = app_code(&site);
    let outcome = site
        .core()
        .second_factors()
        .validate(&site.context(), &mut session, None, &app, None)
        .await;
    assert!(matches!(outcome, Err(FlowError::TooMany(_))), "{outcome:?}");
    site.clock.advance(Duration::from_secs(3_601));
    let mut session = pending(&site).await;
    assert!(enter(&site, &mut session, &codes[0]).await);
}

#[tokio::test]
async fn codes_end_with_the_second_factor() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let (user, codes) = add_user(&site, ANN).await;
        let mut session = signed_in(&site).await;
        let (waits, ctx) = (pending(&site).await, site.context());
        site.mails().await;
        assert!(disable(&site, &mut session, &user).await.unwrap());
        let mail = site.mails().await.pop().unwrap();
        assert_eq!(mail.template, "second_factor_changed");
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes, []);
        assert!(!enter(&site, &mut waits.clone(), &codes[0]).await);
        let without = site.user(ANN).await.unwrap();
        let none = site
            .core()
            .second_factors()
            .make_recovery_codes(&ctx, &session, &without)
            .await
            .unwrap();
        assert!(matches!(none, MakeRecoveryCodesOutcome::NoSecondFactor));

        // A second factor that is set up again has no recovery codes either.
        let user = site.user(ANN).await.unwrap();
        let begun = site
            .core()
            .second_factors()
            .enrol(&ctx, &mut session, Some(&user), FactorChoice::Authenticator, None)
            .await;
        let EnrolOutcome::Started { key: Some(key), .. } = begun.unwrap() else { panic!() };
        let code = TotpRules::default().code_at(&key, site.core().now());
        let core = site.core();
        let proven =
            core.second_factors().validate(&ctx, &mut session, Some(&user), code.expose(), None);
        assert!(matches!(proven.await.unwrap(), ValidateOutcome::Changed { .. }));
        let mail = site.mails().await.pop().unwrap();
        assert!(mail.text.unwrap().contains("authenticator app"));
        assert!(!enter(&site, &mut pending(&site).await, &codes[0]).await);

        for reset in [true, false] {
            make(&site, ANN).await;
            match reset {
                true => core.admin().remove_second_factor(&user.id).await.unwrap(),
                false => core.admin().reset_user_access(&user.id).await.unwrap(),
            }
            assert_eq!(site.user(ANN).await.unwrap().recovery_codes, []);
            let user = site.user(ANN).await.unwrap();
            let sealed = Some(sealed(&site).await);
            core.admin()
                .set_second_factor(&user, CodeMethod::Authenticator, sealed, None)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn where_they_are_switched_off_stored_codes_are_dead() {
    let mut setup = with_codes(Setup::standard);
    setup.config.two_factor.as_mut().unwrap().recovery_codes = None;
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let sealed = Some(sealed(&site).await);
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Authenticator, sealed, None)
        .await
        .unwrap();
    let user = site.user(ANN).await.unwrap();
    let ctx = site.context();
    let none = site
        .core()
        .second_factors()
        .make_recovery_codes(&ctx, &Session::default(), &user)
        .await
        .unwrap();
    assert!(matches!(none, MakeRecoveryCodesOutcome::NoSecondFactor));
    let mut session = pending(&site).await;
    let outcome = site
        .core()
        .second_factors()
        .use_recovery_code(&site.context(), &mut session, "0")
        .await
        .unwrap();
    assert!(matches!(outcome, ValidateOutcome::NotPending));
}

#[tokio::test]
async fn the_database_holds_digests_alone() {
    let site = with_codes(Setup::standard).build();
    let (user, codes) = add_user(&site, ANN).await;
    let stored: Vec<_> = user.recovery_codes.iter().map(|hash| hash.to_text()).collect();
    for code in codes {
        let letters = code.replace('-', "");
        assert!(stored.iter().all(|hash| !hash.contains(&code) && !hash.contains(&letters)));
        // A digest from a stolen database is not accepted as a code.
        assert!(!enter(&site, &mut pending(&site).await, &stored[0]).await);
        site.clock.advance(Duration::from_secs(86_401));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_a_hundred_uses_a_code() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let (_, codes) = add_user(&site, ANN).await;
        let session = pending(&site).await;
        site.events.take();
        let won = crowd(|_| {
            let (site, mut session, code) = (site.clone(), session.clone(), codes[0].clone());
            async move { enter(&site, &mut session, &code).await }
        })
        .await;
        assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
        let used = |event: &&Event| matches!(event, Event::RecoveryCodeUsed { .. });
        assert_eq!(site.events.take().iter().filter(used).count(), 1);
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes.len(), 7);
        let mails = site.mails().await;
        assert_eq!(mails.iter().filter(|mail| mail.template == "recovery_code_used").count(), 1);
    }
}

#[test]
fn a_code_is_used_once_in_every_order() {
    every_order(|order| {
        let site = with_codes(Setup::standard).build();
        let (_, codes) = block_on(add_user(&site, ANN));
        let (mut one, mut two) = block_on(async { (pending(&site).await, pending(&site).await) });
        let (first, second) =
            order.both(enter(&site, &mut one, &codes[0]), enter(&site, &mut two, &codes[0]));
        assert!(first != second);
        assert_eq!(block_on(site.user(ANN)).unwrap().recovery_codes.len(), 7);
    });
}

#[test]
fn using_a_code_and_making_new_ones_or_disabling_never_leave_half() {
    every_order(|order| {
        let site = with_codes(Setup::standard).build();
        let (_, codes) = block_on(add_user(&site, ANN));
        let mut session = block_on(pending(&site));
        let (_, new) = order.both(enter(&site, &mut session, &codes[0]), make(&site, ANN));
        assert_eq!(block_on(site.user(ANN)).unwrap().recovery_codes.len(), 8);
        assert!(block_on(async { enter(&site, &mut pending(&site).await, &new[0]).await }));
    });
    every_order(|order| {
        let site = with_codes(Setup::standard).build();
        let (_, codes) = block_on(add_user(&site, ANN));
        let (mut session, mut own) =
            block_on(async { (pending(&site).await, signed_in(&site).await) });
        let (used, disabled) =
            order.both(enter(&site, &mut session, &codes[0]), disable_now(&site, &mut own));
        let user = block_on(site.user(ANN)).unwrap();
        let left = if disabled { 0 } else { 7 };
        assert!(used || disabled);
        assert_eq!(user.recovery_codes.len(), left);
        assert_eq!(user.second_factor.method.is_none(), disabled);
    });
}

#[test]
fn of_two_sets_of_codes_at_once_one_is_made() {
    every_order(|order| {
        let site = with_codes(Setup::standard).build();
        let (user, _) = block_on(add_user(&site, ANN));
        let (ctx, session) = (site.context(), Session::default());
        let make = || site.core().second_factors().make_recovery_codes(&ctx, &session, &user);
        let (first, second) = order.both(make(), make());
        let made = [first, second].into_iter().filter_map(|outcome| match outcome {
            Ok(MakeRecoveryCodesOutcome::Made(codes)) => Some(codes),
            Err(FlowError::Contended(_)) => None,
            other => refused(other),
        });
        let made: Vec<_> = made.collect();
        assert_eq!(made.len(), 1);
        let mut session = block_on(pending(&site));
        assert!(block_on(enter(&site, &mut session, made[0][0].expose())));
    });
}

/// Checks that switching off a second factor that is not there sends no mail.
#[tokio::test]
async fn nothing_to_disable_is_no_notice() {
    let site = with_codes(every_way).build();
    let user = site.add_user(ANN).await;
    let mut session = Session::default();
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut session, credentials())
        .await
        .unwrap();
    match outcome {
        SignInOutcome::Done { .. } => {}
        other => refused(other),
    }
    assert!(disable(&site, &mut session, &user).await.unwrap());
    assert!(is_in(&site, &session).await);
    assert!(site.mails().await.is_empty());
}

#[tokio::test]
async fn faults_leave_nothing_half_done() {
    for profile in PROFILES {
        let setup = || with_codes(profile);
        let waits = async |site: &Site, session: &mut Session| {
            let (_, codes) = add_user(site, ANN).await;
            *session = pending(site).await;
            codes
        };
        every_fault(setup, waits, async |site, session, codes: Vec<String>| {
            let outcome = site
                .core()
                .second_factors()
                .use_recovery_code(&site.context(), session, &codes[0])
                .await?;
            match outcome {
                ValidateOutcome::SignedIn { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
        let here = async |site: &Site, session: &mut Session| {
            let (user, _) = add_user(site, ANN).await;
            *session = signed_in(site).await;
            user
        };
        every_fault(setup, here, async |site, session, user: User| {
            let outcome = site
                .core()
                .second_factors()
                .make_recovery_codes(&site.context(), session, &user)
                .await?;
            match outcome {
                MakeRecoveryCodesOutcome::Made(_) => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
        every_fault(setup, here, async |site, session, user: User| {
            assert!(disable(site, session, &user).await?);
            Ok::<_, FlowError>(())
        })
        .await;
        let begun = async |site: &Site, session: &mut Session| {
            let user = here(site, session).await;
            let (core, ctx) = (site.core(), site.context());
            let begun = core
                .second_factors()
                .enrol(&ctx, session, Some(&user), FactorChoice::Authenticator, None)
                .await
                .unwrap();
            let EnrolOutcome::Started { method: CodeMethod::Authenticator, key: Some(key), .. } =
                begun
            else {
                refused(begun)
            };
            (user, TotpRules::default().code_at(&key, core.now()))
        };
        every_fault(setup, begun, async |site, session, (user, code)| {
            let (core, ctx) = (site.core(), site.context());
            let code: fs_core::secret::Secret = code;
            match core
                .second_factors()
                .validate(&ctx, session, Some(&user), code.expose(), None)
                .await?
            {
                ValidateOutcome::Changed { .. } => Ok::<_, FlowError>(()),
                other => refused(other),
            }
        })
        .await;
    }
}
