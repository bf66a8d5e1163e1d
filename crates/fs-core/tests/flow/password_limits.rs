//! Tests that passwords cannot be guessed: every way to give one is limited, equally for existing
//! and unknown accounts, and owners can still sign in.

use std::time::Duration;

use fs_core::config::CodeMethod;
use fs_core::event::Event;
use fs_core::flow::{
    ChangeOutcome, Credentials, FlowError, ResetOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::identity::{IdentityAttribute, IdentityRule};
use fs_core::model::UserField;
use fs_core::port::Change;
use fs_core::session::Session;
use fs_testkit::calls::Call;
use fs_testkit::site::{PASSWORD, Setup, Site};

use crate::people::{ANN, NEW, mailed_token, new_password, sign_ann_in};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
const WRONG: &str = "a wrong marble otter";

/// Result of an attempt: accepted, wrong, or refused without a check for a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Try {
    In,
    Wrong,
    Wait(Duration),
}

fn judged<T>(outcome: Result<T, FlowError>, is_in: impl FnOnce(T) -> bool) -> Try {
    match outcome {
        Ok(outcome) => match is_in(outcome) {
            true => Try::In,
            false => Try::Wrong,
        },
        Err(FlowError::TooMany(wait)) => Try::Wait(wait),
        Err(error) => panic!("{error}"),
    }
}

async fn sign_in(site: &Site, identity: &str, password: &str) -> Try {
    let credentials = Credentials::new(identity, password.into());
    let outcome = site
        .core()
        .sign_in()
        .with_password(&site.context(), &mut Session::default(), credentials)
        .await;
    judged(outcome, |outcome| matches!(outcome, SignInOutcome::Done { .. }))
}

async fn by_basic(site: &Site, identity: &str, password: &str) -> Try {
    let outcome =
        site.core().sign_in().check_credentials(&site.context(), identity, &password.into()).await;
    judged(outcome, |outcome| outcome.is_accepted())
}

async fn site() -> Site {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    site
}

#[tokio::test]
async fn guessing_from_one_network_ends_and_begins_again_with_the_window() {
    let site = site().await;
    for number in 0..20 {
        // Both endpoints share one count.
        let guess = match number % 2 {
            0 => sign_in(&site, ANN, WRONG).await,
            _ => by_basic(&site, "Ann@Site.test", WRONG).await,
        };
        assert_eq!(guess, Try::Wrong, "{number}");
    }
    site.calls.take();
    site.events.take();
    for password in [WRONG, PASSWORD] {
        assert_eq!(sign_in(&site, ANN, password).await, Try::Wait(15 * MINUTE));
        assert_eq!(by_basic(&site, ANN, password).await, Try::Wait(15 * MINUTE));
    }
    // Nothing was hashed, so an attacker does not slow others down either.
    let calls = site.calls.take();
    assert!(!calls.iter().any(|call| matches!(call, Call::Hash(_))), "{calls:?}");
    let told = |event: &Event| matches!(event, Event::LimitReached { limit: "password_here", .. });
    assert!(site.events.take().iter().all(told));

    let elsewhere = site.visited_from([198, 51, 100, 1]);
    assert_eq!(sign_in(&elsewhere, ANN, PASSWORD).await, Try::In);
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::Wait(15 * MINUTE));
    site.clock.advance(15 * MINUTE);
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
}

#[tokio::test]
async fn a_day_allows_less_than_its_quarters_of_an_hour() {
    let site = site().await;
    for _ in 0..2 {
        for _ in 0..20 {
            assert_eq!(sign_in(&site, ANN, WRONG).await, Try::Wrong);
        }
        site.clock.advance(15 * MINUTE);
    }
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::Wait(DAY));
    site.clock.advance(DAY);
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
}

/// Somebody on the owner's network sees from the rest of a limit neither that the owner signed in,
/// nor gets more guesses.
#[tokio::test]
async fn a_success_takes_back_its_own_attempt_alone() {
    let site = site().await;
    for _ in 0..19 {
        assert_eq!(sign_in(&site, ANN, WRONG).await, Try::Wrong);
    }
    for _ in 0..3 {
        assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
    }
    assert_eq!(sign_in(&site, ANN, WRONG).await, Try::Wrong);
    assert_eq!(sign_in(&site, ANN, WRONG).await, Try::Wait(15 * MINUTE));
    site.clock.advance(15 * MINUTE);
    let guesser = site.visited_from([198, 51, 100, 1]);
    for _ in 0..20 {
        assert_eq!(sign_in(&guesser, ANN, WRONG).await, Try::Wrong);
    }
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
    assert_eq!(sign_in(&guesser, ANN, PASSWORD).await, Try::Wait(15 * MINUTE));
}

/// Guesses at an account from many networks until all of them are limited. Returns the number of
/// guesses that were checked.
async fn guess_from_everywhere(site: &Site, identity: &str) -> usize {
    let mut guesses = 0;
    for network in 0..10 {
        let guesser = site.visited_from([192, 0, 2, network]);
        for _ in 0..20 {
            match sign_in(&guesser, identity, WRONG).await {
                Try::Wrong => guesses += 1,
                Try::Wait(_) => break,
                Try::In => panic!("guessed"),
            }
        }
    }
    guesses
}

#[tokio::test]
async fn many_networks_together_get_a_hundred_guesses_a_day() {
    let site = site().await;
    assert_eq!(guess_from_everywhere(&site, ANN).await, 100);
    let another = site.visited_from([198, 51, 100, 1]);
    assert_eq!(sign_in(&another, ANN, PASSWORD).await, Try::Wait(DAY));
    site.clock.advance(DAY);
    assert_eq!(sign_in(&another, ANN, PASSWORD).await, Try::In);
}

#[tokio::test]
async fn strangers_do_not_shut_the_owner_out() {
    let site = site().await;
    // In a network where the owner signed in before, the password is still checked.
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
    assert_eq!(guess_from_everywhere(&site, ANN).await, 100);
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
    // In other networks, a new password ends the wait.
    let travelling = site.visited_from([198, 51, 100, 1]);
    assert_eq!(sign_in(&travelling, ANN, PASSWORD).await, Try::Wait(DAY));
    let ctx = travelling.context();
    let _ = site.core().accounts().request_reset(&ctx, ANN).await.unwrap();
    let token = mailed_token(&site).await;
    let new = new_password(NEW);
    let _ = site
        .core()
        .accounts()
        .reset_password(&ctx, &mut Session::default(), &token, new)
        .await
        .unwrap();
    assert_eq!(sign_in(&travelling, ANN, NEW).await, Try::In);
}

#[tokio::test]
async fn one_network_guesses_at_few_accounts() {
    let site = site().await;
    for number in 0..100 {
        let identity = format!("somebody{number}@site.test");
        assert_eq!(sign_in(&site, &identity, WRONG).await, Try::Wrong);
    }
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::Wait(15 * MINUTE));
    let elsewhere = site.visited_from([198, 51, 100, 1]);
    assert_eq!(sign_in(&elsewhere, ANN, PASSWORD).await, Try::In);
}

#[tokio::test]
async fn right_passwords_do_not_use_the_limits_up() {
    let site = site().await;
    for _ in 0..150 {
        assert_eq!(by_basic(&site, ANN, PASSWORD).await, Try::In);
    }
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
}

#[tokio::test]
async fn limits_do_not_tell_whether_there_is_an_account() {
    let mut answers = Vec::new();
    for identity in [ANN, "nobody@site.test"] {
        let site = site().await;
        let mut told = Vec::new();
        for network in 0..7 {
            let guesser = site.visited_from([192, 0, 2, network]);
            for _ in 0..21 {
                site.calls.take();
                let answer = sign_in(&guesser, identity, WRONG).await;
                told.push((answer, site.calls.take().len()));
            }
        }
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_stolen_session_is_no_place_to_guess() {
    let site = site().await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let user = site.user(ANN).await.unwrap();
    let (core, ctx) = (site.core(), site.context());
    let mut session_two = session.clone();
    let mut verify = async |password: &str| {
        let outcome = core.sessions().verify(&ctx, &mut session_two, &user, &password.into()).await;
        judged(outcome, |outcome| matches!(outcome, VerifyOutcome::Done))
    };
    let change = async |password: &str| {
        let (mut session, old, new) = (session.clone(), password.into(), new_password(NEW));
        let outcome =
            core.accounts().change_password(&ctx, &mut session, &user, &old, new, None).await;
        judged(outcome, |outcome| matches!(outcome, ChangeOutcome::Done { .. }))
    };
    for _ in 0..5 {
        assert_eq!(verify(WRONG).await, Try::Wrong);
        assert_eq!(change(WRONG).await, Try::Wrong);
    }
    for password in [WRONG, PASSWORD] {
        assert_eq!(verify(password).await, Try::Wait(15 * MINUTE));
        assert_eq!(change(password).await, Try::Wait(15 * MINUTE));
    }
    // The owner can sign in nevertheless.
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
    site.clock.advance(15 * MINUTE);
    let ctx = site.context();
    let outcome = core.sessions().verify(&ctx, &mut session.clone(), &user, &PASSWORD.into()).await;
    assert_eq!(judged(outcome, |outcome| matches!(outcome, VerifyOutcome::Done)), Try::In);
}

#[tokio::test]
async fn new_passwords_that_are_refused_are_no_guesses() {
    let site = site().await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let user = site.user(ANN).await.unwrap();
    for new in ["short", PASSWORD].iter().cycle().take(40) {
        let (core, ctx, mut session) = (site.core(), site.context(), session.clone());
        let (old, new) = (PASSWORD.into(), new_password(new));
        let outcome =
            core.accounts().change_password(&ctx, &mut session, &user, &old, new, None).await;
        assert!(matches!(outcome.unwrap(), ChangeOutcome::Refused(_)));
    }
}

#[tokio::test]
async fn the_profile_of_the_original_limits_no_passwords() {
    let site = Setup::flask_security_4().build();
    site.add_user(ANN).await;
    for _ in 0..150 {
        assert_eq!(sign_in(&site, ANN, WRONG).await, Try::Wrong);
    }
    assert_eq!(sign_in(&site, ANN, PASSWORD).await, Try::In);
}

/// Site on which users sign in with a username or phone number. Ann's number is +1 415 555 0123.
async fn site_with_numbers() -> Site {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    setup.config.identities.order =
        [(IdentityAttribute::Username, true), (IdentityAttribute::Phone, false)]
            .map(|(attribute, ignore_case)| IdentityRule { attribute, ignore_case })
            .to_vec();
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let number = Some("+14155550123".to_owned());
    let admin = site.core().admin();
    admin.set_sign_in_method(&user, CodeMethod::Sms, None, number).await.unwrap();
    site
}

/// Checks that all spellings of a phone number share one count, because each of them could be a
/// name.
#[tokio::test]
async fn a_number_has_one_count_however_it_is_written() {
    let site = site_with_numbers().await;
    let dashes = (0..20).map(|number| format!("+1415{}5550123", "-".repeat(number % 5 + 1)));
    for (number, written) in dashes.enumerate() {
        assert_eq!(sign_in(&site, &written, WRONG).await, Try::Wrong, "{number}");
    }
    assert!(matches!(sign_in(&site, "+1 (415) 555-0123", WRONG).await, Try::Wait(_)));
}

/// A username of digits shares its counts with a phone number. A reset by its owner gives nobody
/// further guesses at the number.
#[tokio::test]
async fn the_owner_of_a_username_of_digits_does_not_reset_the_counts_of_a_number() {
    let site = site_with_numbers().await;
    // An imported account: a new one does not get such a username.
    let user = site.add_user("bob@site.test").await.id;
    let set = vec![UserField::Username(Some("4155550123".to_owned()))];
    site.write(Change::UpdateUser { user, expect: Vec::new(), set }).await;
    for _ in 0..20 {
        assert_eq!(sign_in(&site, "+14155550123", WRONG).await, Try::Wrong);
    }
    site.mails().await;
    let (ctx, accounts) = (site.context(), site.core().accounts());
    let _ = accounts.request_reset(&ctx, "bob@site.test").await.unwrap();
    let token = mailed_token(&site).await;
    let form = new_password(NEW);
    let reset = accounts.reset_password(&ctx, &mut Session::default(), &token, form).await;
    assert!(matches!(reset.unwrap(), ResetOutcome::Done { .. }));
    assert_eq!(sign_in(&site, "+14155550123", WRONG).await, Try::Wait(15 * MINUTE));
    assert_eq!(sign_in(&site, "4155550123", NEW).await, Try::Wait(15 * MINUTE));
}
