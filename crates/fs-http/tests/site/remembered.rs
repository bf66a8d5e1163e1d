//! Tests of remember cookies over HTTP: each is single-use, and revoking a remembered browser
//! revokes all its cookies.

use std::time::Duration;

use bytes::Bytes;
use fs_core::model::CredentialKind;
use fs_http::BodyRead;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use crate::people::{ANN, NEW, ask_for_reset, mailed_link, sign_ann_in, with_header};

const LATER: Duration = Duration::from_secs(61);

/// Returns Ann's browser after it was closed, with its remember cookie only.
async fn closed_browser(site: &Site) -> Browser {
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(site).await;
    close(&mut browser);
    browser
}

fn close(browser: &mut Browser) {
    browser.cookies.retain(|name, _| name.contains("remember"));
    assert_eq!(browser.cookies.len(), 1);
}

#[tokio::test]
async fn forms_of_eight_tabs_that_are_opened_at_once_all_work() {
    let site = Setup::standard().build();
    let browser = closed_browser(&site).await;
    let before = site.dump().await.sessions.len();
    let mut tabs = Vec::new();
    let mut cookies = browser.cookies.clone();
    for _ in 0..8 {
        // All tabs send the cookies that the browser had at its start.
        let mut tab = browser.clone();
        let page = tab.get("/change").await.text();
        let field = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        tabs.push(field.split('"').next().unwrap().to_owned());
        // The browser keeps the cookies that it received last.
        cookies.extend(tab.cookies);
    }
    assert_eq!(site.dump().await.sessions.len(), before + 1, "one session for all");
    site.clock.advance(LATER);
    for token in tabs {
        let mut browser = browser.clone();
        browser.cookies = cookies.clone();
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("password", PASSWORD).append_pair("csrf_token", &token);
        let request = Browser::request(Method::POST, "/verify");
        let kind = "application/x-www-form-urlencoded";
        let answer = browser.send(Browser::with_body(request, kind, body.finish())).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
        cookies = browser.cookies;
    }
    assert_eq!(site.dump().await.sessions.len(), before + 1);
}

/// Checks a form that stays open for longer than its session.
#[tokio::test]
async fn a_form_from_before_the_browser_was_closed_still_works() {
    let site = Setup::standard().build();
    let mut browser = closed_browser(&site).await;
    let token = browser.csrf_token().await;
    close(&mut browser);
    let typed = json!({ "password": PASSWORD, "csrf_token": &token });
    let request = Browser::json_request(Method::POST, "/verify");
    let request = Browser::with_body(request, "application/json", typed.to_string());
    let request = with_header(request, "x-csrf-token", &token);
    let answer = browser.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn a_session_from_a_copied_cookie_ends_with_its_owners() {
    for what in ["sign out", "change", "reset"] {
        let site = Setup::standard().build();
        let mut owner = closed_browser(&site).await;
        let mut thief = owner.clone();
        assert_eq!(thief.who().await.as_deref(), Some(ANN));
        assert_eq!(owner.who().await.as_deref(), Some(ANN));
        match what {
            "sign out" => drop(owner.post_json("/logout", json!({})).await),
            "change" => {
                let typed = json!({
                    "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW,
                });
                let answer = owner.post_json("/change", typed).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                assert_eq!(owner.who().await.as_deref(), Some(ANN));
                close(&mut owner);
                assert_eq!(owner.who().await.as_deref(), Some(ANN), "still remembered");
            }
            _ => {
                ask_for_reset(&site).await;
                let link = mailed_link(&site).await;
                let typed = json!({ "password": NEW, "password_confirm": NEW });
                site.browser().post_json(&link, typed).await;
            }
        }
        assert_eq!(thief.who().await, None, "{what}");
        site.clock.advance(LATER);
        close(&mut thief);
        assert_eq!(thief.who().await, None, "{what}");
    }
}

#[tokio::test]
async fn a_copy_that_is_used_late_signs_everybody_out_and_tells_the_owner() {
    let site = Setup::standard().build();
    let mut owner = closed_browser(&site).await;
    let mut thief = owner.clone();
    assert_eq!(owner.who().await.as_deref(), Some(ANN));
    site.mails().await;
    site.clock.advance(LATER);
    assert_eq!(thief.who().await, None);
    assert!(thief.cookies.is_empty(), "{:?}", thief.cookies.keys());
    assert_eq!(owner.who().await, None);
    let mails = site.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.as_ref().unwrap().contains("signed that browser out"));
    let left = site.dump().await;
    assert!(left.sessions.is_empty() && left.credentials.is_empty());
}

/// Checks a handler that fails after the browser was recognised.
#[tokio::test]
async fn the_next_cookie_goes_out_with_an_answer_that_says_that_something_failed() {
    let site = Setup::standard().build();
    let browser = closed_browser(&site).await;
    let (mut parts, _) = Browser::request(Method::GET, "/").into_parts();
    let (name, value) = browser.cookies.iter().next().unwrap();
    let cookie = format!("{name}={value}");
    parts.headers.insert(COOKIE, HeaderValue::from_str(&cookie).unwrap());
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    assert!(exchange.current().await.unwrap().is_some());
    exchange.discard();
    let answer = exchange.finish(Response::new(Bytes::new()));
    let set: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
    let [set] = set[..] else { panic!("{set:?}") };
    let set = set.to_str().unwrap().split(';').next().unwrap();
    assert!(set.starts_with(&format!("{name}=")) && set != cookie);

    let mut browser = browser;
    let (name, value) = set.split_once('=').unwrap();
    browser.cookies.insert(name.to_owned(), value.to_owned());
    site.clock.advance(LATER);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn signing_in_again_with_the_box_ticked_replaces_the_remembered_browser() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let outcome = browser.post_json("/logout", json!({})).await;
    assert_eq!(outcome.status, StatusCode::OK);
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    for _ in 0..2 {
        browser.post_json("/login", typed.clone()).await;
        browser.post_json("/logout", json!({})).await;
    }
    browser.post_json("/login", typed).await;
    let families = site.dump().await.credentials;
    assert_eq!(families.len(), 1);
    assert_eq!(families[0].kind, CredentialKind::RememberFamily);
}

#[tokio::test]
async fn a_change_of_password_does_not_prolong_a_remembered_browser() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let day = Duration::from_secs(86_400);
    site.clock.advance(day * 20);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    let verify = json!({ "password": PASSWORD });
    assert_eq!(browser.post_json("/verify", verify).await.status, StatusCode::OK);
    let change = json!({
        "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW,
    });
    assert_eq!(browser.post_json("/change", change).await.status, StatusCode::OK);
    site.clock.advance(day * 9);
    close(&mut browser);
    assert_eq!(browser.who().await.as_deref(), Some(ANN), "29 days after the sign-in");
    site.clock.advance(day * 2);
    close(&mut browser);
    assert_eq!(browser.who().await, None, "31 days after the sign-in");
}
