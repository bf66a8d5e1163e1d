//! Tests of the answers to clients that exceed a rate limit.

use std::time::Duration;

use bytes::Bytes;
use fs_core::config::{CodeMethod, TwoFactor, Unified};
use fs_core::limit::Cap;
use fs_core::totp::TotpSecret;
use fs_testkit::calls::{Call, Fault};
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::{Request, StatusCode};
use serde_json::json;

use crate::people::{ANN, NEW, sign_ann_in, with_basic};

const WRONG: &str = "a wrong marble otter";

async fn guessed_at(identity: &str) -> Site {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    for _ in 0..20 {
        let typed = json!({ "email": identity, "password": WRONG });
        assert_eq!(browser.post_json("/login", typed).await.status, StatusCode::BAD_REQUEST);
    }
    site
}

#[tokio::test]
async fn a_limit_is_429_with_the_time_to_wait() {
    for identity in [ANN, "nobody@site.test"] {
        let site = guessed_at(identity).await;
        let mut browser = site.browser();
        let fields = [("email", identity), ("password", PASSWORD)];
        let page = browser.post_form("/login", &fields).await;
        let typed = json!({ "email": identity, "password": PASSWORD });
        let json = browser.post_json("/login", typed).await;
        let basic = browser.send(with_basic(identity, PASSWORD)).await;
        for answer in [&page, &json, &basic] {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers["retry-after"], "900");
        }
        assert!(page.text().contains("too many attempts"), "{}", page.text());
        for answer in [&page, &json, &basic] {
            assert!(answer.text().contains("Wait up to 15 minutes"), "{}", answer.text());
        }
        assert!(json.json().pointer("/response/error").is_some(), "{}", json.text());
        assert_eq!(browser.who().await, None);
    }
}

/// Sends a request while the hash pool is full.
async fn with_a_full_pool(site: &Site, browser: &mut Browser, form: Request<Bytes>) -> Answer {
    let calls = {
        let mut rehearsal = browser.clone();
        site.calls.take();
        rehearsal.send(form.clone()).await;
        site.calls.take()
    };
    let hash = calls.iter().position(|call| matches!(call, Call::Hash(_))).unwrap();
    site.calls.fail_at(hash, Fault::Refused);
    let answer = browser.send(form).await;
    assert!(matches!(site.calls.disarm(), Some(Call::Hash(_))));
    answer
}

#[tokio::test]
async fn a_full_hashing_pool_is_503_with_the_time_to_wait() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let wrong = [("email", ANN), ("password", WRONG)];
    let new = [("email", "new@site.test"), ("password", PASSWORD)];
    let change = [("password", WRONG), ("new_password", NEW), ("new_password_confirm", NEW)];
    for (mut browser, target, fields) in [
        (site.browser(), "/login", &wrong[..]),
        (site.browser(), "/register", &new[..]),
        (ann.clone(), "/change", &change[..]),
    ] {
        let typed = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let typed = serde_json::Value::Object(typed.collect());
        let form = browser.form(target, fields).await;
        let page = with_a_full_pool(&site, &mut browser, form).await;
        let json = browser.json(target, typed).await;
        let json = with_a_full_pool(&site, &mut browser, json).await;
        for answer in [&page, &json] {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{target}");
            let wait = answer.headers["retry-after"].to_str().unwrap();
            assert!(wait.parse::<u32>().unwrap() > 0, "{target}");
            assert!(answer.text().contains("Wait up to"), "{target}");
        }
    }
    assert_eq!(ann.who().await.as_deref(), Some(ANN));
}

/// Creates a site with a limit of one mail per kind and hour, on which Ann's second factor is by
/// mail.
async fn one_mail_an_hour() -> Site {
    let mut setup = Setup::standard();
    let mut rules = TwoFactor::default();
    rules.methods = vec![CodeMethod::Email];
    setup.config.two_factor = Some(rules);
    setup.config.unified = Some(Unified::default());
    setup.config.limits.mails.to = vec![Cap::new(1, Duration::from_secs(3_600))];
    let site = setup.build();
    let ann = site.add_user(ANN).await;
    let sealed =
        site.core().second_factors().seal_totp(&TotpSecret::from_random([7; 20])).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&ann, CodeMethod::Email, Some(sealed.clone()), None)
        .await
        .unwrap();
    let ann = site.user(ANN).await.unwrap();
    site.core()
        .admin()
        .set_sign_in_method(&ann, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    site
}

#[tokio::test]
async fn strangers_cannot_use_up_the_mails_that_the_owner_signs_in_by() {
    let site = one_mail_an_hour().await;
    let typed = json!({ "identity": ANN, "chosen_method": "email" });
    for _ in 0..3 {
        site.browser().post_json("/us-signin/send-code", typed.clone()).await;
    }
    assert_eq!(site.mails().await.len(), 1);
    sign_ann_in(&site).await;
    assert_eq!(site.mails().await.len(), 1);
}

#[tokio::test]
async fn the_last_code_is_accepted_after_the_send_limit_is_reached() {
    let site = one_mail_an_hour().await;
    sign_ann_in(&site).await;
    let mail = site.mails().await.pop().unwrap();
    let mut browser = site.browser();
    let answer = browser.post_form("/login", &[("email", ANN), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), Some("/tf-validate"));
    assert!(site.mails().await.is_empty());
    let page = browser.get("/tf-validate").await.text();
    assert!(page.contains("Wait up to"), "{page}");
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let told = site.browser().post_json("/login", typed).await.json();
    assert_eq!(told.pointer("/response/tf_state"), Some(&json!("ready")), "{told}");
    assert_eq!(told.pointer("/response/tf_retry_after"), Some(&json!(3_600)), "{told}");
    assert!(told.to_string().contains("Wait up to"), "{told}");
    let text = mail.text.unwrap();
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let code = text.split_whitespace().find(digits).unwrap();
    let answer = browser.post_form("/tf-validate", &[("code", code)]).await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn sub_addresses_use_up_no_mail_of_the_address_itself() {
    let site = one_mail_an_hour().await;
    for number in 0..3 {
        let address = format!("ann+{number}@site.test");
        let browser = &mut site.browser();
        browser.post_json("/reset", json!({ "email": address })).await;
        let typed = json!({ "identity": address, "chosen_method": "email" });
        browser.post_json("/us-signin/send-code", typed).await;
    }
    assert!(site.mails().await.is_empty());
    site.browser().post_json("/reset", json!({ "email": ANN })).await;
    let typed = json!({ "identity": ANN, "chosen_method": "email" });
    site.browser().post_json("/us-signin/send-code", typed).await;
    assert_eq!(site.mails().await.len(), 2);
}

#[tokio::test]
async fn strangers_use_up_no_code_of_whoever_is_signed_in() {
    let mut setup = Setup::standard();
    setup.config.unified = Some(Unified::default());
    setup.config.limits.mails.to = vec![Cap::new(1, Duration::from_secs(3_600))];
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let typed = json!({ "identity": ANN, "chosen_method": "email" });
    for _ in 0..2 {
        site.browser().post_json("/us-signin/send-code", typed.clone()).await;
    }
    assert_eq!(site.mails().await.len(), 1);
    let by_mail = json!({ "chosen_method": "email" });
    let sent = ann.post_json("/us-verify/send-code", by_mail.clone()).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    assert_eq!(site.mails().await.len(), 1);
    let sent = ann.post_json("/us-verify/send-code", by_mail).await;
    assert_eq!(sent.status, StatusCode::TOO_MANY_REQUESTS);
}
