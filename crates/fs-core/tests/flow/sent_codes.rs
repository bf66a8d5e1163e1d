//! Tests that a code by mail or text message is valid only because it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::flow::{CodeLinkOutcome, Passcode, SendCodeOutcome, SignInOutcome};
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::session::Session;
use fs_testkit::site::{Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{by_passcode, code, every_way, key, mailed_code, pending, validate};
use crate::people::{ANN, PROFILES};

const STEP: Duration = Duration::from_secs(30);

/// Creates Ann with a known secret for mailed codes.
async fn ann_by_mail(site: &Site) {
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_sign_in_method(&user, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
}

async fn signs_in(site: &Site, code: &str) -> bool {
    by_passcode(site, &mut Session::default(), code).await
}

async fn follows(site: &Site, code: &str) -> bool {
    let (core, ctx, mut session) = (site.core(), site.context(), Session::default());
    let outcome =
        core.sign_in().follow_code_link(&ctx, &mut session, ANN, code, true).await.unwrap();
    matches!(outcome, CodeLinkOutcome::Judged(_))
}

fn site(strict: bool) -> Site {
    let mut setup = every_way();
    setup.config.totp.strict = strict;
    setup.build()
}

#[tokio::test]
async fn a_code_that_was_not_sent_does_not_sign_in_unless_codes_are_lax() {
    for strict in [true, false] {
        let site = site(strict);
        ann_by_mail(&site).await;
        assert_eq!(signs_in(&site, &code(&site, &key(1))).await, !strict);
        site.clock.advance(STEP);
        assert_eq!(follows(&site, &code(&site, &key(1))).await, !strict);
        site.clock.advance(STEP);
        let sent = mailed_code(&site).await;
        assert_eq!(sent, code(&site, &key(1)));
        // The code of the next step was not sent.
        site.clock.advance(STEP);
        assert_eq!(signs_in(&site, &code(&site, &key(1))).await, !strict);
        assert!(signs_in(&site, &sent).await);
        assert!(!signs_in(&site, &sent).await, "once");
    }
}

#[tokio::test]
async fn a_code_that_is_sent_works_at_its_first_use() {
    for strict in [true, false] {
        let site = site(strict);
        ann_by_mail(&site).await;
        let first = mailed_code(&site).await;
        assert!(signs_in(&site, &first).await);
        // Requested in the same step.
        let second = mailed_code(&site).await;
        assert!(signs_in(&site, &second).await);
        let [third, fourth] = [mailed_code(&site).await, mailed_code(&site).await];
        assert!(signs_in(&site, &fourth).await);
        assert!(follows(&site, &third).await);
        for used in [first, second, third, fourth] {
            assert!(!signs_in(&site, &used).await, "once");
        }
        // The code of this step was sent ahead of its time.
        site.clock.advance(STEP);
        assert!(signs_in(&site, &mailed_code(&site).await).await);
    }
}

#[tokio::test]
async fn a_code_that_is_ahead_of_its_time_must_have_been_sent() {
    for strict in [true, false] {
        let site = site(strict);
        ann_by_mail(&site).await;
        mailed_code(&site).await;
        let ahead = Duration::from_secs(300);
        site.clock.advance(ahead);
        let later = code(&site, &key(1));
        site.clock.set(site.core().now().minus(ahead));
        assert!(!signs_in(&site, &later).await);
    }
}

#[tokio::test]
async fn a_code_that_is_ahead_of_its_time_lives_no_longer_than_any() {
    let site = site(true);
    ann_by_mail(&site).await;
    let codes = [mailed_code(&site).await, mailed_code(&site).await, mailed_code(&site).await];
    site.clock.advance(Duration::from_secs(120));
    assert!(signs_in(&site, &codes[1]).await);
    site.clock.advance(STEP + fs_core::CLOCK_LEEWAY);
    assert!(!signs_in(&site, &codes[0]).await);
    assert!(!signs_in(&site, &codes[2]).await);
}

#[tokio::test]
async fn a_second_factor_that_is_mailed_again_within_a_step_works() {
    for strict in [true, false] {
        let site = site(strict);
        let user = site.add_user(ANN).await;
        let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
        site.core()
            .admin()
            .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
            .await
            .unwrap();
        for _ in 0..3 {
            let mut ann = pending(&site).await;
            let text = site.mails().await.pop().unwrap().text.unwrap();
            assert!(validate(&site, &mut ann, code_in(&text)).await, "{text}");
        }
    }
}

/// Returns the code that stands on a line of its own.
fn code_in(text: &str) -> &str {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().map(str::trim).find(is_code).unwrap()
}

/// Checks that two concurrent requests each get a code that works.
#[test]
fn codes_that_are_sent_at_the_same_moment_all_work() {
    every_order(|order| {
        let site = site(true);
        block_on(ann_by_mail(&site));
        let ctx = site.context();
        let ask = || site.core().sign_in().send_code(&ctx, ANN, CodeMethod::Email);
        let (first, second) = order.both(ask(), ask());
        assert!(matches!((first, second), (Ok(SendCodeOutcome::Sent), Ok(SendCodeOutcome::Sent))));
        let mails = block_on(site.mails());
        assert_eq!(mails.len(), 2);
        for mail in mails {
            assert!(block_on(signs_in(&site, code_in(mail.text.as_deref().unwrap()))));
        }
    });
}

#[tokio::test]
async fn no_more_codes_go_out_in_a_step_than_can_be_accepted() {
    let mut setup = every_way();
    setup.config.limits = fs_core::limit::Limits::flask_security_4();
    let site = setup.build();
    ann_by_mail(&site).await;
    let user = site.user(ANN).await.unwrap();
    let (core, ctx) = (site.core(), site.context());
    let mut sent = 0;
    while let Ok(outcome) = core.sign_in().send_code_to(&ctx, &user, CodeMethod::Email, false).await
    {
        assert!(matches!(outcome, SendCodeOutcome::Sent));
        sent += 1;
    }
    let mails = site.mails().await;
    assert_eq!((sent, mails.len()), (21, 21));
    for mail in mails {
        assert!(signs_in(&site, code_in(mail.text.as_deref().unwrap())).await);
    }
}

/// Checks that a repeated request takes the same work with and without an account.
#[tokio::test]
async fn asking_again_within_a_step_tells_nothing() {
    let work = async |owner: &str| {
        let site = site(true);
        site.add_user(owner).await;
        let mut all = Vec::new();
        for _ in 0..4 {
            site.calls.take();
            let asked = site
                .core()
                .sign_in()
                .send_code(&site.context(), ANN, CodeMethod::Email)
                .await
                .unwrap();
            assert!(matches!(asked, SendCodeOutcome::Sent));
            all.push(site.calls.take());
        }
        all
    };
    assert_eq!(work(ANN).await, work("bob@site.test").await);
}

#[tokio::test]
async fn a_code_is_good_for_its_time() {
    let site = site(true);
    ann_by_mail(&site).await;
    let sent = mailed_code(&site).await;
    site.clock.advance(Duration::from_secs(120));
    assert!(follows(&site, &sent).await);
    let late = mailed_code(&site).await;
    site.clock.advance(Duration::from_secs(150));
    assert!(!signs_in(&site, &late).await);
}

#[tokio::test]
async fn what_was_sent_ends_with_the_accounts_trust() {
    let site = site(true);
    ann_by_mail(&site).await;
    let sent = mailed_code(&site).await;
    let user = site.user(ANN).await.unwrap();
    site.core().admin().set_uniquifier(&user.id).await.unwrap();
    assert!(!signs_in(&site, &sent).await);
    assert!(signs_in(&site, &mailed_code(&site).await).await);
}

#[tokio::test]
async fn a_mailed_second_factor_is_the_code_that_was_mailed() {
    for strict in [true, false] {
        let site = site(strict);
        let user = site.add_user(ANN).await;
        let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
        site.core()
            .admin()
            .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
            .await
            .unwrap();
        let mut ann = pending(&site).await;
        let sent = code(&site, &key(1));
        assert!(site.mails().await.pop().unwrap().text.unwrap().contains(&sent));
        site.clock.advance(STEP);
        let mut other = ann.clone();
        assert_eq!(validate(&site, &mut other, &code(&site, &key(1))).await, !strict);
        if strict {
            assert!(validate(&site, &mut ann, &sent).await);
        }
    }
}

/// SMS sender that keeps the messages.
#[derive(Default)]
struct Telephone(Mutex<Vec<OutgoingSms>>);

#[async_trait::async_trait]
impl SmsSender for Telephone {
    async fn send(&self, _: &OutboxId, sms: &OutgoingSms) -> Result<(), SmsError> {
        let mut sent = self.0.lock().unwrap();
        sent.push(sms.clone());
        match sms.to.as_str() {
            "+41446681800" => Ok(()),
            other => Err(SmsError::Temporary(format!("nobody at {other}"))),
        }
    }
}

/// Creates Ann with a phone number.
async fn ann_by_text(setup: Setup, phone: &str) -> (Site, Arc<Telephone>) {
    let (mut setup, telephone) = (setup, Arc::new(Telephone::default()));
    setup.config.two_factor = setup.config.two_factor.map(|_| TwoFactor::default());
    setup.config.totp.format = fs_core::totp::WalletFormat::Native;
    let methods = vec![SignInMethod::Code(CodeMethod::Sms)];
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    setup.sms = Some(telephone.clone());
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_sign_in_method(&user, CodeMethod::Sms, Some(sealed), Some(phone.to_owned()))
        .await
        .unwrap();
    (site, telephone)
}

async fn ask(site: &Site) -> SendCodeOutcome {
    site.core().sign_in().send_code(&site.context(), ANN, CodeMethod::Sms).await.unwrap()
}

/// Checks that the answer does not wait for the SMS service in the default profile. Otherwise it
/// would reveal that the account exists.
#[tokio::test]
async fn nobody_waits_for_a_text_message_where_accounts_are_not_told_of() {
    for (profile, at_once) in PROFILES.into_iter().zip([0, 1]) {
        let (site, telephone) = ann_by_text(profile(), "+41446681800").await;
        assert!(matches!(ask(&site).await, SendCodeOutcome::Sent));
        assert_eq!(telephone.0.lock().unwrap().len(), at_once);
        assert_eq!(site.mails().await, []);
        let sent = telephone.0.lock().unwrap().pop().unwrap();
        assert_eq!(sent.to, "+41446681800");
        assert!(sent.text.expose().contains(&code(&site, &key(1))));
        assert!(signs_in(&site, &code(&site, &key(1))).await);
    }
}

#[tokio::test]
async fn a_text_message_that_does_not_get_through_is_tried_three_times() {
    let [standard, flask] = PROFILES;
    let (site, telephone) = ann_by_text(standard(), "+41446681801").await;
    assert!(matches!(ask(&site).await, SendCodeOutcome::Sent));
    for _ in 0..10 {
        site.core().deliver_mails().await.unwrap();
        site.clock.advance(Duration::from_secs(3_600));
    }
    assert_eq!(telephone.0.lock().unwrap().len(), 3);
    // Where accounts may be revealed, the answer reports the failure.
    let (site, _) = ann_by_text(flask(), "+41446681801").await;
    assert!(matches!(ask(&site).await, SendCodeOutcome::NotSent));
}

/// Checks that two concurrent requests get the same answers as one, with and without an account.
#[test]
fn asking_twice_at_once_tells_nothing() {
    let orders = every_order(|order| {
        let site = every_way().build();
        block_on(site.add_user(ANN));
        let ctx = site.context();
        let ask = || site.core().sign_in().send_code(&ctx, ANN, CodeMethod::Email);
        let (first, second) = order.both(ask(), ask());
        assert!(matches!(first, Ok(SendCodeOutcome::Sent)), "{first:?}");
        assert!(matches!(second, Ok(SendCodeOutcome::Sent)), "{second:?}");
    });
    assert!(orders > 10, "{orders}");
}

/// Checks that a hijacked phone number does not suffice if a second factor is set up.
#[tokio::test]
async fn a_second_factor_is_asked_for_after_a_text_message_as_well() {
    let (site, _) = ann_by_text(Setup::standard(), "+41446681800").await;
    let (core, ctx, user) = (site.core(), site.context(), site.user(ANN).await.unwrap());
    let sealed = core.second_factors().seal_totp(&key(2)).await.unwrap();
    core.admin()
        .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    assert!(matches!(ask(&site).await, SendCodeOutcome::Sent));
    let passcode = code(&site, &key(1)).into();
    let mut typed = Passcode::new(ANN, passcode);
    typed.remember = false;
    let outcome = core.sign_in().with_passcode(&ctx, &mut Session::default(), typed).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
}
