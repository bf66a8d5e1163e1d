//! Tests of sending codes on behalf of an application.

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::event::Event;
use fs_core::flow::{SendCodeOutcome, SignInOutcome, ValidateOutcome};
use fs_core::message::MessageKey;
use fs_core::session::Session;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Setup, Site};

use crate::people::{ANN, credentials, refused};

const SECRET: &str = "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY";

fn code(site: &Site) -> String {
    let secret = TotpSecret::from_base32(SECRET).unwrap();
    TotpRules::default().code_at(&secret, site.core().now()).expose().to_owned()
}

#[tokio::test]
async fn the_code_of_a_second_factor_is_mailed() {
    let mut setup = Setup::standard();
    let mut rules = TwoFactor::default();
    rules.methods = vec![CodeMethod::Email];
    setup.config.two_factor = Some(rules);
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    let ann = site.add_user(ANN).await;
    assert!(!core.second_factors().send_code(&ctx, &ann, CodeMethod::Email).await.unwrap());
    assert_eq!(site.mails().await, []);

    let secret = TotpSecret::from_base32(SECRET).unwrap();
    let sealed = core.second_factors().seal_totp(&secret).await.unwrap();
    core.admin().set_second_factor(&ann, CodeMethod::Email, Some(sealed), None).await.unwrap();
    let ann = site.user(ANN).await.unwrap();
    site.events.take();
    assert!(core.second_factors().send_code(&ctx, &ann, CodeMethod::Email).await.unwrap());
    let mail = site.mails().await.pop().unwrap();
    assert_eq!(mail.to, ANN);
    assert!(mail.text.unwrap().contains(&code(&site)));
    let sent = site.events.take();
    assert!(matches!(sent.as_slice(), [Event::SecondFactorCodeSent { method: "email", .. }]));
}

#[tokio::test]
async fn the_code_of_a_sign_in_method_is_mailed() {
    let mut setup = Setup::standard();
    let methods = [CodeMethod::Email, CodeMethod::Authenticator].map(SignInMethod::Code);
    let mut rules = Unified::default();
    rules.methods = methods.to_vec();
    setup.config.unified = Some(rules);
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    let ann = site.add_user(ANN).await;
    let secret = TotpSecret::from_base32(SECRET).unwrap();
    let sealed = core.second_factors().seal_totp(&secret).await.unwrap();
    core.admin().set_sign_in_method(&ann, CodeMethod::Email, Some(sealed), None).await.unwrap();
    let ann = site.user(ANN).await.unwrap();
    for link in [false, true] {
        // Each step has one code.
        site.clock.advance(std::time::Duration::from_secs(30));
        let ctx = site.context();
        let sent = core.sign_in().send_code_to(&ctx, &ann, CodeMethod::Email, link).await.unwrap();
        assert!(matches!(sent, SendCodeOutcome::Sent));
        let text = site.mails().await.pop().unwrap().text.unwrap();
        assert!(text.contains(&code(&site)));
        assert_eq!(text.contains("us-verify-link"), link, "{text}");
    }
    // One method is not set up, and one is not accepted.
    for method in [CodeMethod::Authenticator, CodeMethod::Sms] {
        match core.sign_in().send_code_to(&ctx, &ann, method, false).await.unwrap() {
            SendCodeOutcome::Refused(problem) => {
                assert_eq!(problem.message.key, MessageKey::UsMethodNotAvailable);
            }
            other => refused(other),
        }
    }
}

#[tokio::test]
async fn a_code_of_a_second_factor_is_accepted_once() {
    let mut setup = Setup::standard();
    setup.config.two_factor = Some(TwoFactor::default());
    let site = setup.build();
    let (core, ctx) = (site.core(), site.context());
    let ann = site.add_user(ANN).await;
    let secret = TotpSecret::from_base32(SECRET).unwrap();
    let sealed = core.second_factors().seal_totp(&secret).await.unwrap();
    core.admin()
        .set_second_factor(&ann, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    for first in [true, false] {
        let mut session = Session::default();
        let begun = core.sign_in().with_password(&ctx, &mut session, credentials()).await.unwrap();
        assert!(matches!(begun, SignInOutcome::SecondFactor { .. }), "{begun:?}");
        let given =
            core.second_factors().validate(&ctx, &mut session, None, &code(&site), None).await;
        match given.unwrap() {
            ValidateOutcome::SignedIn { .. } => assert!(first),
            ValidateOutcome::Refused(_) => assert!(!first),
            other => refused(other),
        }
        assert_eq!(session.sign_in().is_some(), first);
    }
}
