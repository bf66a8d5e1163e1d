//! Tests of codes with an unusual length and validity.

use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor, Unified};
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Setup, Site};
use http::StatusCode;
use serde_json::{Number, json};

use crate::factors::{add_with, choose_app, give, mailed_code, pending, text};
use crate::people::{ANN, sign_ann_in};

const MINUTE: Duration = Duration::from_secs(60);

fn site() -> Site {
    let mut setup = Setup::standard();
    (setup.config.totp.digits, setup.config.totp.period) = (8, MINUTE);
    setup.config.mail.html = false;
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    setup.config.two_factor = Some(rules);
    setup.build()
}

/// Returns the code of an app that is configured for eight digits and a minute.
fn code(site: &Site, key: &TotpSecret) -> String {
    let rules = TotpRules::new(8, MINUTE).unwrap();
    rules.code_at(key, site.core().now()).expose().to_owned()
}

async fn mailed(site: &Site) -> String {
    let text = site.mails().await.pop().unwrap().text.unwrap();
    let eight = |line: &&str| line.len() == 8 && line.bytes().all(|octet| octet.is_ascii_digit());
    text.lines().find(eight).unwrap().to_owned()
}

#[tokio::test]
async fn codes_of_eight_digits_and_a_minute_sign_in_by_app() {
    let site = site();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let key = choose_app(&mut ann).await;
    // An app with the default settings shows other codes.
    let usual = TotpRules::default().code_at(&key, site.core().now());
    assert_ne!(give(&mut ann, usual.expose()).await, StatusCode::OK);
    assert_eq!(give(&mut ann, &code(&site, &key)).await, StatusCode::OK);
    // The window is one step to either side: a minute each.
    for (late, accepted) in [(1, true), (2, false)] {
        site.clock.advance(MINUTE);
        let shown = code(&site, &key);
        site.clock.advance(MINUTE * late);
        let mut browser = pending(&site, ANN).await;
        assert_eq!(give(&mut browser, &shown).await == StatusCode::OK, accepted, "{late}");
    }
}

#[tokio::test]
async fn codes_of_eight_digits_sign_in_by_mail() {
    let site = site();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    site.mails().await;
    let chosen = ann.post_json("/tf-setup", json!({ "setup": "email" })).await;
    assert_eq!(text(&chosen, "tf_primary_method"), "email");
    assert_eq!(give(&mut ann, &mailed(&site).await).await, StatusCode::OK);
    site.clock.advance(MINUTE);
    site.mails().await;
    let mut browser = pending(&site, ANN).await;
    assert_eq!(give(&mut browser, &mailed(&site).await).await, StatusCode::OK);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn a_number_in_json_gets_back_the_zeros_that_it_cannot_begin_with() {
    let site = site();
    let key = TotpSecret::from_random([3; 20]);
    add_with(&site, ANN, &key).await;
    while !code(&site, &key).starts_with("0") {
        site.clock.advance(MINUTE);
    }
    let mut browser = pending(&site, ANN).await;
    let number: Number = code(&site, &key).parse::<u64>().unwrap().into();
    let given = browser.post_json("/tf-validate", json!({ "code": number })).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
}

#[tokio::test]
async fn the_typed_key_is_shown_with_the_settings_of_the_app() {
    for (digits, told) in [(6, false), (8, true)] {
        let mut setup = Setup::standard();
        setup.config.totp.digits = digits;
        let site = setup.build();
        site.add_user(ANN).await;
        let mut ann = sign_ann_in(&site).await;
        let page = ann.post_form("/tf-setup", &[("setup", "authenticator")]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.text().contains("codes of 8 digits"), told, "{}", page.text());
    }
}

#[tokio::test]
async fn a_code_that_ended_with_the_accounts_trust_is_not_made_good_by_asking_for_another() {
    for used_before in [false, true] {
        let mut setup = Setup::standard();
        setup.config.mail.html = false;
        setup.config.unified = Some(Unified::default());
        let site = setup.build();
        let ann = site.add_user(ANN).await;
        let ask = json!({ "identity": ANN, "chosen_method": "email" });
        let answer = site.browser().post_json("/us-signin/send-code", ask.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let ended = mailed_code(&site).await;
        let enter = async |code: &str| {
            let typed = json!({ "identity": ANN, "passcode": code });
            site.browser().post_json("/us-signin", typed).await.status
        };
        if used_before {
            assert_eq!(enter(&ended).await, StatusCode::OK);
        }
        site.core().admin().set_uniquifier(&ann.id).await.unwrap();
        let again = site.browser().post_json("/us-signin/send-code", ask).await;
        assert_eq!(again.status, StatusCode::OK);
        let fresh = mailed_code(&site).await;
        assert_ne!(fresh, ended);
        assert_eq!(enter(&ended).await, StatusCode::BAD_REQUEST);
        assert_eq!(enter(&fresh).await, StatusCode::OK);
    }
}
