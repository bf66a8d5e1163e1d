//! Tests of programs that check links in mails before people open them.

use std::time::Duration;

use fs_core::config::SignInLinks;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::header::SET_COOKIE;
use http::{Method, StatusCode};
use serde_json::json;

use crate::factors::every_way;
use crate::people::{ANN, PROFILES, ask_for_reset, mailed_link, register_ann};

/// Opens a link as a program does, and checks that this has no effect.
async fn looks_at(site: &Site, link: &str) {
    let (before, mut browser) = (site.dump().await, site.browser());
    for _ in 0..3 {
        let answer = browser.send(Browser::request(Method::HEAD, link)).await;
        assert_eq!(answer.status, StatusCode::OK, "{link}");
        assert!(!answer.headers.contains_key(SET_COOKIE), "{link}");
    }
    assert_eq!(browser.who().await, None);
    assert_eq!(site.dump().await, before, "{link}");
}

#[tokio::test]
async fn looking_at_a_link_to_confirm_confirms_nothing() {
    for setup in PROFILES {
        let site = setup().build();
        register_ann(&site).await;
        let link = mailed_link(&site).await;
        looks_at(&site, &link).await;
        site.browser().follow(&link).await;
        assert!(site.user(ANN).await.unwrap().confirmed_at.is_some());
    }
}

#[tokio::test]
async fn looking_at_a_link_to_sign_in_signs_nobody_in() {
    for setup in PROFILES {
        let mut setup = setup();
        let within = Duration::from_secs(600);
        setup.config.sign_in_links = Some(SignInLinks::new(within));
        let site = setup.build();
        site.add_user(ANN).await;
        let asked = site.browser().post_json("/login", json!({ "email": ANN })).await;
        assert_eq!(asked.status, StatusCode::OK);
        let link = mailed_link(&site).await;
        looks_at(&site, &link).await;
        let mut browser = site.browser();
        browser.follow(&link).await;
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn looking_at_the_link_of_a_code_spends_no_code() {
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        let typed = json!({ "identity": ANN, "chosen_method": "email" });
        let asked = site.browser().post_json("/us-signin/send-code", typed).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
        let link = mailed_link(&site).await;
        looks_at(&site, &link).await;
        let mut browser = site.browser();
        browser.follow(&link).await;
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn looking_at_a_link_to_reset_leaves_it_good() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    ask_for_reset(&site).await;
    let (link, mut browser) = (mailed_link(&site).await, site.browser());
    let before = site.dump().await;
    let answer = browser.send(Browser::request(Method::HEAD, &link)).await;
    assert_eq!((answer.status, browser.who().await), (StatusCode::OK, None));
    assert_eq!(site.dump().await, before);
    let typed = json!({ "password": "a new one, long enough", "password_confirm": "a new one, long enough" });
    assert_eq!(browser.post_json(&link, typed).await.status, StatusCode::OK);
}

#[tokio::test]
async fn looking_at_the_link_to_sign_out_signs_nobody_out() {
    let site = Setup::flask_security_4().build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    browser.sign_in(ANN, PASSWORD).await;
    browser.send(Browser::request(Method::HEAD, "/logout")).await;
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    browser.get("/logout").await;
    assert_eq!(browser.who().await, None);
}
