//! Tests that a second factor cannot be bypassed.

use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor};
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{ANN, is_ann, sign_ann_in, with_basic};

fn site(rules: TwoFactor) -> Site {
    let mut setup = Setup::standard();
    setup.config.two_factor = Some(rules);
    setup.build()
}

fn required_rules() -> TwoFactor {
    let mut rules = TwoFactor::default();
    rules.required = true;
    rules
}

fn required() -> Site {
    site(required_rules())
}

/// Returns a browser that sent the right password, and the answer.
async fn first_factor(site: &Site) -> (Browser, Value) {
    let mut browser = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let answer = browser.post_json("/login", typed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    (browser, answer.json())
}

/// Begins to set up an authenticator app. Returns its secret.
async fn begin(browser: &mut Browser) -> TotpSecret {
    let answer = browser.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = answer.json();
    let key = answer.pointer("/response/tf_authr_key").and_then(Value::as_str);
    TotpSecret::from_base32(&key.unwrap().replace([' ', '-'], "")).unwrap()
}

fn code(site: &Site, secret: &TotpSecret) -> String {
    TotpRules::default().code_at(secret, site.core().now()).expose().to_owned()
}

async fn validate(site: &Site, browser: &mut Browser, secret: &TotpSecret) -> StatusCode {
    let typed = json!({ "code": code(site, secret) });
    browser.post_json("/tf-validate", typed).await.status
}

/// Creates Ann with an authenticator app. Returns its secret.
async fn enrol(site: &Site) -> TotpSecret {
    let (mut browser, _) = first_factor(site).await;
    let secret = begin(&mut browser).await;
    assert_eq!(validate(site, &mut browser, &secret).await, StatusCode::OK);
    // The step of the code has passed.
    site.clock.advance(Duration::from_secs(90));
    secret
}

#[tokio::test]
async fn a_lost_device_gets_no_mailed_code_unless_configured() {
    for mail_rescue in [false, true] {
        let mut rules = TwoFactor::default();
        rules.mail_rescue = mail_rescue;
        let site = site(rules);
        site.add_user(ANN).await;
        enrol(&site).await;
        let (mut browser, _) = first_factor(&site).await;
        site.mails().await;
        let asked = browser.post_json("/tf-rescue", json!({ "help_setup": "lost_device" })).await;
        assert_eq!(asked.status == StatusCode::OK, mail_rescue, "{}", asked.text());
        assert_eq!(!site.mails().await.is_empty(), mail_rescue);
        let page = browser.get("/tf-validate").await.text();
        assert_eq!(page.contains("lost_device"), mail_rescue);
    }
}

#[tokio::test]
async fn a_factor_that_was_set_up_meanwhile_is_not_replaced_by_an_older_sign_in() {
    let site = required();
    site.add_user(ANN).await;
    // A thief with the password is at the choice of a factor, and has begun to set one up.
    let (mut thief, _) = first_factor(&site).await;
    let of_thief = begin(&mut thief).await;
    enrol(&site).await;
    let factor = site.user(ANN).await.unwrap().second_factor;
    assert_ne!(validate(&site, &mut thief, &of_thief).await, StatusCode::OK);
    let again = thief.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
    assert_ne!(again.status, StatusCode::OK);
    assert_eq!(thief.who().await, None);
    assert_eq!(site.user(ANN).await.unwrap().second_factor, factor);
}

/// Checks a sign-in that waits because the factor of its account was removed: it ends with its
/// session.
#[tokio::test]
async fn a_set_up_from_a_copied_cookie_ends_with_the_sign_out() {
    for begins_before in [false, true] {
        let site = required();
        site.add_user(ANN).await;
        let (mut ann, _) = first_factor(&site).await;
        let secret = begin(&mut ann).await;
        assert_eq!(validate(&site, &mut ann, &secret).await, StatusCode::OK);
        let user = site.user(ANN).await.unwrap().id;
        site.core().admin().remove_second_factor(&user).await.unwrap();
        let mut thief = ann.clone();
        if begins_before {
            assert_eq!(thief.who().await, None);
        }
        ann.post_json("/logout", json!({})).await;
        let begun = thief.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
        if begins_before {
            let key = begun.json();
            let key = key.pointer("/response/tf_authr_key").and_then(Value::as_str).unwrap();
            let secret = TotpSecret::from_base32(&key.replace([' ', '-'], "")).unwrap();
            assert_ne!(validate(&site, &mut thief, &secret).await, StatusCode::OK);
        } else {
            assert_ne!(begun.status, StatusCode::OK, "{}", begun.text());
        }
        assert_eq!(thief.who().await, None);
        assert_eq!(site.user(ANN).await.unwrap().second_factor.method, None);
    }
}

#[tokio::test]
async fn a_form_without_a_token_ends_no_pending_sign_in() {
    let site = site(TwoFactor::default());
    site.add_user(ANN).await;
    let secret = enrol(&site).await;
    let (mut browser, _) = first_factor(&site).await;
    let form = "application/x-www-form-urlencoded";
    let foreign = Browser::with_body(Browser::request(Method::POST, "/logout"), form, "a=b");
    browser.clone().send(foreign).await;
    assert_eq!(validate(&site, &mut browser, &secret).await, StatusCode::OK);
}

#[tokio::test]
async fn a_pending_sign_in_leads_to_one_session() {
    let site = site(TwoFactor::default());
    site.add_user(ANN).await;
    let secret = enrol(&site).await;
    let (mut browser, _) = first_factor(&site).await;
    let mut copy = browser.clone();
    assert_eq!(validate(&site, &mut browser, &secret).await, StatusCode::OK);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    site.clock.advance(Duration::from_secs(60));
    // An old copy of the cookie is sent with an unused code.
    assert_ne!(validate(&site, &mut copy, &secret).await, StatusCode::OK);
    assert_eq!(copy.who().await, None);
}

#[tokio::test]
async fn what_was_begun_too_long_ago_is_begun_anew() {
    let site = site(TwoFactor::default());
    site.add_user(ANN).await;
    let (mut browser, _) = first_factor(&site).await;
    let secret = begin(&mut browser).await;
    site.clock.advance(Duration::from_secs(1_801));
    assert_ne!(validate(&site, &mut browser, &secret).await, StatusCode::OK);
    assert_eq!(site.user(ANN).await.unwrap().second_factor.method, None);
}

#[tokio::test]
async fn basic_authentication_is_no_way_around_having_to_set_one_up() {
    for (rules, passes) in
        [(None, true), (Some(TwoFactor::default()), true), (Some(required_rules()), false)]
    {
        let mut setup = Setup::standard();
        setup.config.two_factor = rules;
        let site = setup.build();
        site.add_user(ANN).await;
        assert_eq!(is_ann(&site, with_basic(ANN, PASSWORD)).await, passes);
    }
}

#[tokio::test]
async fn mail_is_no_second_factor_unless_it_was_chosen() {
    assert!(!TwoFactor::default().methods.contains(&CodeMethod::Email));
    let site = site(TwoFactor::default());
    site.add_user(ANN).await;
    let (mut browser, _) = first_factor(&site).await;
    let chosen = browser.post_json("/tf-setup", json!({ "setup": "email" })).await;
    assert_eq!(chosen.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_second_step_does_not_lose_the_way() {
    let site = site(TwoFactor::default());
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let secret = begin(&mut browser).await;
    assert_eq!(validate(&site, &mut browser, &secret).await, StatusCode::OK);
    site.clock.advance(Duration::from_secs(90));
    let mut browser = site.browser();
    let fields = [("email", ANN), ("password", PASSWORD), ("next", "/private")];
    let answer = browser.post_form("/login", &fields).await;
    let to = answer.location().unwrap().to_owned();
    assert_eq!(to, "/tf-validate?next=%2Fprivate");
    let page = browser.get(&to).await.text();
    assert!(page.contains("action=\"/tf-validate?next=%2Fprivate\""), "{page}");
    assert!(page.contains("\"/mf-recovery?next=%2Fprivate\""), "{page}");
    let wrong = browser.post_form(&to, &[("code", "000000")]).await.text();
    assert!(wrong.contains("action=\"/tf-validate?next=%2Fprivate\""), "{wrong}");
    let code = code(&site, &secret);
    let answer = browser.post_form(&to, &[("code", &code)]).await;
    assert_eq!(answer.location(), Some("/private"));
}

#[tokio::test]
async fn a_look_at_the_page_of_another_step_ends_no_sign_in_that_waits() {
    let site = required();
    site.add_user(ANN).await;
    // Sign-in that waits for a set-up.
    let (mut waiting, _) = first_factor(&site).await;
    for method in [Method::GET, Method::HEAD] {
        waiting.send(Browser::request(method, "/tf-validate")).await;
    }
    let secret = begin(&mut waiting).await;
    assert_eq!(validate(&site, &mut waiting, &secret).await, StatusCode::OK);
    site.clock.advance(Duration::from_secs(90));
    // Sign-in that waits for a code.
    let (mut waiting, _) = first_factor(&site).await;
    for method in [Method::GET, Method::HEAD] {
        waiting.send(Browser::request(method, "/tf-setup")).await;
    }
    assert_eq!(validate(&site, &mut waiting, &secret).await, StatusCode::OK);
    assert_eq!(waiting.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn operators_are_told_of_a_lost_device_so_often_and_then_the_limit_is_named() {
    let site = required();
    site.add_user(ANN).await;
    enrol(&site).await;
    let (mut waiting, _) = first_factor(&site).await;
    let typed = json!({ "help_setup": "no_mail_access" });
    for _ in 0..10 {
        let answer = waiting.post_json("/tf-rescue", typed.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    let answer = waiting.post_json("/tf-rescue", typed).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn too_many_wrong_codes_are_answered_with_retry_after() {
    let site = required();
    site.add_user(ANN).await;
    let secret = enrol(&site).await;
    let (mut waiting, _) = first_factor(&site).await;
    let mut last = StatusCode::BAD_REQUEST;
    for _ in 0..30 {
        let answer = waiting.post_json("/tf-validate", json!({ "code": "000000" })).await;
        last = answer.status;
        if last != StatusCode::BAD_REQUEST {
            assert!(answer.headers.contains_key("retry-after"));
            assert!(answer.text().contains("Wait up to"), "{}", answer.text());
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    // The right code is not checked any more.
    assert_eq!(validate(&site, &mut waiting, &secret).await, StatusCode::TOO_MANY_REQUESTS);
}
