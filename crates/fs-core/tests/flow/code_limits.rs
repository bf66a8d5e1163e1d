//! Tests that codes cannot be guessed, and that attackers cannot lock their owners out.

use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor, Unified};
use fs_core::flow::{
    CodeLinkOutcome, FlowError, Passcode, SendCodeOutcome, SignInOutcome, VerifyOutcome,
};
use fs_core::session::Session;
use fs_testkit::site::{Setup, Site};

use crate::people::{ANN, PROFILES, sign_ann_in};

const HOUR: Duration = Duration::from_secs(3_600);

/// Creates a site where people sign in with mailed codes, without a second factor.
async fn site(mut setup: Setup) -> Site {
    setup.config.unified = Some(Unified::default());
    setup.config.two_factor = setup.config.two_factor.map(|_| TwoFactor::default());
    let site = setup.build();
    site.add_user(ANN).await;
    site
}

/// Sends a code to Ann and returns it.
async fn code(site: &Site) -> String {
    let by = CodeMethod::Email;
    let sent = site.core().sign_in().send_code(&site.context(), ANN, by).await.unwrap();
    assert!(matches!(sent, SendCodeOutcome::Sent));
    let mail = site.mails().await.pop().unwrap();
    let text = mail.text.unwrap_or_default();
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.into_iter().find(digits).unwrap().to_owned()
}

/// Returns a code that differs from the given one.
fn other(code: &str, number: usize) -> String {
    let code: usize = code.parse().unwrap();
    format!("{:06}", (code + 1 + number) % 1_000_000)
}

#[derive(Debug, PartialEq)]
enum Try {
    In,
    Wrong,
    Wait,
}

async fn sign_in(site: &Site, identity: &str, code: &str) -> Try {
    let mut typed = Passcode::new(identity, code.into());
    typed.remember = false;
    let (ctx, mut session) = (site.context(), Session::default());
    match site.core().sign_in().with_passcode(&ctx, &mut session, typed).await {
        Ok(SignInOutcome::Done { .. }) => Try::In,
        Ok(_) => Try::Wrong,
        Err(FlowError::TooMany(_)) => Try::Wait,
        Err(error) => panic!("{error}"),
    }
}

async fn follow(site: &Site, email: &str, code: &str) -> Try {
    let (ctx, mut session) = (site.context(), Session::default());
    match site.core().sign_in().follow_code_link(&ctx, &mut session, email, code, true).await {
        Ok(CodeLinkOutcome::Judged(SignInOutcome::Done { .. })) => Try::In,
        Ok(_) => Try::Wrong,
        Err(FlowError::TooMany(_)) => Try::Wait,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn guessing_from_one_network_ends_and_the_owner_elsewhere_gets_in() {
    for setup in PROFILES {
        let site = site(setup()).await;
        let right = code(&site).await;
        for number in 0..10 {
            // Codes that are typed and codes in links share one count.
            let wrong = other(&right, number);
            let guess = match number % 2 {
                0 => sign_in(&site, ANN, &wrong).await,
                _ => follow(&site, ANN, &wrong).await,
            };
            assert_eq!(guess, Try::Wrong, "{number}");
        }
        assert_eq!(sign_in(&site, ANN, &right).await, Try::Wait);
        assert_eq!(follow(&site, ANN, &right).await, Try::Wait);
        let elsewhere = site.visited_from([198, 51, 100, 1]);
        assert_eq!(sign_in(&elsewhere, ANN, &right).await, Try::In);
        site.clock.advance(HOUR);
        assert_eq!(sign_in(&site, ANN, &code(&site).await).await, Try::In);
    }
}

#[tokio::test]
async fn many_networks_together_get_fifty_guesses_a_day() {
    for setup in PROFILES {
        let site = site(setup()).await;
        // Ann signed in from here before, so others cannot lock her out.
        let _ = sign_ann_in(&site, &mut Session::default()).await;
        let tracked = site.core().config().tracking;
        let right = code(&site).await;
        let mut guesses = 0;
        for network in 0..10 {
            let guesser = site.visited_from([192, 0, 2, network]);
            for number in 0..10 {
                match sign_in(&guesser, ANN, &other(&right, number)).await {
                    Try::Wrong => guesses += 1,
                    Try::Wait => break,
                    Try::In => panic!("guessed"),
                }
            }
        }
        assert_eq!(guesses, 50);
        let elsewhere = site.visited_from([198, 51, 100, 1]);
        assert_eq!(sign_in(&elsewhere, ANN, &right).await, Try::Wait);
        assert_eq!(sign_in(&site, ANN, &right).await, if tracked { Try::In } else { Try::Wait });
    }
}

#[tokio::test]
async fn one_network_guesses_at_few_accounts() {
    let site = site(Setup::standard()).await;
    let right = code(&site).await;
    for number in 0..100 {
        let identity = format!("somebody{number}@site.test");
        assert_eq!(follow(&site, &identity, "123456").await, Try::Wrong);
    }
    assert_eq!(follow(&site, ANN, &right).await, Try::Wait);
}

#[tokio::test]
async fn a_limit_of_codes_does_not_tell_whether_there_is_an_account() {
    for setup in PROFILES {
        let site = site(setup()).await;
        let right = code(&site).await;
        for number in 0..25 {
            let wrong = other(&right, number);
            let known = sign_in(&site, ANN, &wrong).await;
            assert_eq!(known, sign_in(&site, "nobody@site.test", &wrong).await, "{number}");
        }
    }
}

#[tokio::test]
async fn strangers_do_not_keep_who_is_signed_in_from_proving_it_again() {
    let site = site(Setup::standard()).await;
    let mut session = Session::default();
    let _ = sign_ann_in(&site, &mut session).await;
    let right = code(&site).await;
    for network in 0..10 {
        for number in 0..10 {
            let guesser = site.visited_from([192, 0, 2, network]);
            sign_in(&guesser, ANN, &other(&right, number)).await;
        }
    }
    let (ctx, user) = (site.context(), site.user(ANN).await.unwrap());
    let proven =
        site.core().sessions().verify_with_passcode(&ctx, &mut session, &user, &right.into()).await;
    assert!(matches!(proven, Ok(VerifyOutcome::Done)), "{proven:?}");
}

#[tokio::test]
async fn no_code_of_the_future_is_taken() {
    let site = site(Setup::standard()).await;
    site.clock.advance(HOUR);
    let future = code(&site).await;
    let mut early = site.context();
    early.now = site.context().now.minus(HOUR / 60);
    let mut typed = Passcode::new(ANN, future.as_str().into());
    typed.remember = false;
    let mut session = Session::default();
    let outcome = site.core().sign_in().with_passcode(&early, &mut session, typed).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::Refused(_)), "{outcome:?}");
    assert_eq!(sign_in(&site, ANN, &future).await, Try::In);
}

/// A sign-in of the owner gives guesses at codes from other networks nothing back.
#[tokio::test]
async fn a_sign_in_by_code_gives_others_no_guesses_back() {
    let mut compared = Vec::new();
    for owner_signs_in in [false, true] {
        let site = site(Setup::standard()).await;
        let mut guesses = 0;
        for network in 0..20 {
            let guesser = site.visited_from([198, 51, 100, network]);
            for number in 0..9 {
                let wrong = other("100000", number);
                let tried = sign_in(&guesser, ANN, &wrong).await;
                assert_ne!(tried, Try::In);
                guesses += usize::from(tried == Try::Wrong);
            }
            if owner_signs_in {
                site.clock.advance(HOUR);
                let right = code(&site).await;
                assert_eq!(sign_in(&site, ANN, &right).await, Try::In);
            }
        }
        compared.push(guesses);
    }
    assert_eq!(compared[0], compared[1]);
}
