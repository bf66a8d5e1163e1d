//! A code by mail or text message is good because it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::flow::{CodeLinkOutcome, Passcode, SendCodeOutcome, SignInOutcome};
use fs_core::port::{OutgoingSms, SmsError, SmsSender};
use fs_core::session::Visit;
use fs_testkit::site::{Setup, Site};
use futures::executor::block_on;

use crate::every_order::every_order;
use crate::factors::{by_passcode, code, every_way, key, mailed_code, pending, validate};
use crate::people::{ANN, PROFILES};

const STEP: Duration = Duration::from_secs(30);

/// Ann, whose mailed codes are of a secret that is known here.
async fn ann_by_mail(site: &Site) {
    let user = site.add_user(ANN).await;
    let sealed = site.core().seal_totp(&key(1)).await.unwrap();
    site.core().us_set(&user, "email", Some(sealed), None).await.unwrap();
}

async fn signs_in(site: &Site, code: &str) -> bool {
    by_passcode(site, &mut Visit::default(), code).await
}

async fn follows(site: &Site, code: &str) -> bool {
    let (core, ctx, mut visit) = (site.core(), site.context(), Visit::default());
    let outcome = core.follow_code_link(&ctx, &mut visit, ANN, code, true).await.unwrap();
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
        // The one of the next step is not the one that was sent.
        site.clock.advance(STEP);
        assert_eq!(signs_in(&site, &code(&site, &key(1))).await, !strict);
        assert!(signs_in(&site, &sent).await);
        assert!(!signs_in(&site, &sent).await, "once");
    }
}

#[tokio::test]
async fn a_code_may_go_out_twice_and_is_good_for_its_time() {
    let site = site(true);
    ann_by_mail(&site).await;
    let sent = mailed_code(&site).await;
    assert_eq!(mailed_code(&site).await, sent);
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
    site.core().set_uniquifier(&user.id).await.unwrap();
    assert!(!signs_in(&site, &sent).await);
    assert!(signs_in(&site, &mailed_code(&site).await).await);
}

#[tokio::test]
async fn a_mailed_second_factor_is_the_code_that_was_mailed() {
    for strict in [true, false] {
        let site = site(strict);
        let user = site.add_user(ANN).await;
        let sealed = site.core().seal_totp(&key(1)).await.unwrap();
        site.core().tf_set(&user, "email", Some(sealed), None).await.unwrap();
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

/// Keeps what is sent.
#[derive(Default)]
struct Telephone(Mutex<Vec<OutgoingSms>>);

#[async_trait::async_trait]
impl SmsSender for Telephone {
    async fn send(&self, sms: &OutgoingSms) -> Result<(), SmsError> {
        let mut sent = self.0.lock().unwrap();
        sent.push(sms.clone());
        match sms.to.as_str() {
            "+41446681800" => Ok(()),
            other => Err(SmsError::Temporary(format!("nobody at {other}"))),
        }
    }
}

/// Ann, with a telephone.
async fn ann_by_text(setup: Setup, phone: &str) -> (Site, Arc<Telephone>) {
    let (mut setup, telephone) = (setup, Arc::new(Telephone::default()));
    setup.config.two_factor = setup.config.two_factor.map(|_| TwoFactor::default());
    setup.config.totp.format = fs_core::totp::WalletFormat::Native;
    let methods = vec![SignInMethod::Code(CodeMethod::Sms)];
    setup.config.unified = Some(Unified { methods, ..Unified::default() });
    setup.sms = Some(telephone.clone());
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let sealed = site.core().seal_totp(&key(1)).await.unwrap();
    site.core().us_set(&user, "sms", Some(sealed), Some(phone.to_owned())).await.unwrap();
    (site, telephone)
}

async fn ask(site: &Site) -> SendCodeOutcome {
    site.core().send_sign_in_code(&site.context(), ANN, Some("sms")).await.unwrap()
}

/// In the default profile an answer that waits for a service would tell that there is an account.
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
    // Who may know is told.
    let (site, _) = ann_by_text(flask(), "+41446681801").await;
    assert!(matches!(ask(&site).await, SendCodeOutcome::NotSent));
}

/// Two requests at once are told what one is told, whoever has an account.
#[test]
fn asking_twice_at_once_tells_nothing() {
    let orders = every_order(|order| {
        let site = every_way().build();
        block_on(site.add_user(ANN));
        let ctx = site.context();
        let ask = || site.core().send_sign_in_code(&ctx, ANN, Some("email"));
        let (first, second) = order.both(ask(), ask());
        assert!(matches!(first, Ok(SendCodeOutcome::Sent)), "{first:?}");
        assert!(matches!(second, Ok(SendCodeOutcome::Sent)), "{second:?}");
    });
    assert!(orders > 10, "{orders}");
}

/// Whoever took over a telephone number is not in yet where there is a second factor.
#[tokio::test]
async fn a_second_factor_is_asked_for_after_a_text_message_as_well() {
    let (site, _) = ann_by_text(Setup::standard(), "+41446681800").await;
    let (core, ctx, user) = (site.core(), site.context(), site.user(ANN).await.unwrap());
    let sealed = core.seal_totp(&key(2)).await.unwrap();
    core.tf_set(&user, "authenticator", Some(sealed), None).await.unwrap();
    assert!(matches!(ask(&site).await, SendCodeOutcome::Sent));
    let passcode = code(&site, &key(1)).into();
    let typed = Passcode { identity: ANN.to_owned(), passcode, remember: false, device: None };
    let outcome = core.sign_in_with_passcode(&ctx, &mut Visit::default(), typed).await.unwrap();
    assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
}
