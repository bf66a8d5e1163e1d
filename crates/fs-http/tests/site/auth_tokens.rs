//! Tests of the page and the JSON answers that list and revoke auth tokens.

use std::time::Duration;

use fs_core::config::TwoFactor;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::people::{ANN, is_ann, sign_ann_in, with_header, with_token};

/// Issues a token to a program.
async fn token(site: &Site, program: &str) -> String {
    let mut browser = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let request = browser.json("/login?include_auth_token", typed).await;
    let answer = browser.send(with_header(request, "user-agent", program)).await;
    token_in(&answer.json()).unwrap_or_else(|| panic!("{}", answer.text()))
}

fn token_in(answer: &Value) -> Option<String> {
    let token = answer.pointer("/response/user/authentication_token")?;
    token.as_str().map(str::to_owned)
}

async fn list(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.get_json("/auth-tokens").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let tokens = answer.json().pointer("/response/auth_tokens").cloned().unwrap();
    tokens.as_array().unwrap().clone()
}

fn id(token: &Value) -> &str {
    token["id"].as_str().unwrap()
}

#[tokio::test]
async fn an_owner_sees_every_token_and_ends_one_or_all_in_json() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let first = token(&site, "Backup/1").await;
    site.clock.advance(Duration::from_secs(1));
    let second = token(&site, "Import/2").await;
    assert!(is_ann(&site, with_token(&first)).await);
    site.mails().await;

    let mut browser = sign_ann_in(&site).await;
    let tokens = list(&mut browser).await;
    let names: Vec<_> = tokens.iter().map(|token| token["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Import/2", "Backup/1"]);
    assert!(tokens[0]["used_at"].is_null() && tokens[1]["used_at"].is_string());
    for token in [&first, &second] {
        let secret = token.strip_prefix("fsat_").unwrap();
        assert!(!Value::from(tokens.clone()).to_string().contains(secret));
    }

    let answer = browser.post_json("/auth-tokens", json!({ "end": id(&tokens[1]) })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json().pointer("/response/auth_tokens/1"), None);
    assert!(!is_ann(&site, with_token(&first)).await && is_ann(&site, with_token(&second)).await);
    for wrong in [json!({ "end": id(&tokens[1]) }), json!({ "end": 7 }), json!({})] {
        let answer = browser.post_json("/auth-tokens", wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    }
    let answer = browser.post_json("/auth-tokens", json!({ "end": "all" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(!is_ann(&site, with_token(&second)).await);
    assert!(list(&mut browser).await.is_empty());
    assert_eq!(browser.who().await.as_deref(), Some(ANN), "sessions go on");
}

#[tokio::test]
async fn an_owner_ends_tokens_by_the_buttons_of_the_page() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let page = browser.get("/auth-tokens").await;
    assert!(page.status == StatusCode::OK && !page.text().contains("name=\"end\""));
    let kept = token(&site, "<b>Backup</b>").await;
    let ended = token(&site, "Import/2").await;
    let page = browser.get("/auth-tokens").await.text();
    assert!(page.contains("&lt;b&gt;Backup&lt;") && page.contains("Not used yet"), "{page}");
    assert_eq!(page.matches("name=\"end\"").count(), 3, "each of them, and all");

    let tokens = list(&mut browser).await;
    let of_ended = tokens.iter().find(|token| token["name"] == "Import/2").unwrap();
    let answer = browser.post_form("/auth-tokens", &[("end", id(of_ended))]).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    assert!(browser.get("/auth-tokens").await.text().contains("Access has ended"));
    assert!(!is_ann(&site, with_token(&ended)).await && is_ann(&site, with_token(&kept)).await);
    let again = browser.post_form("/auth-tokens", &[("end", id(of_ended))]).await;
    assert!(again.text().contains("has ended already"), "{}", again.text());
    browser.post_form("/auth-tokens", &[("end", "all")]).await;
    assert!(!is_ann(&site, with_token(&kept)).await);
}

#[tokio::test]
async fn nobody_ends_the_tokens_of_somebody_else() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    site.add_user("bob@site.test").await;
    let of_ann = token(&site, "Backup/1").await;
    let tokens = list(&mut sign_ann_in(&site).await).await;
    let mut bob = site.browser();
    bob.sign_in("bob@site.test", PASSWORD).await;
    assert!(list(&mut bob).await.is_empty());
    let answer = bob.post_json("/auth-tokens", json!({ "end": id(&tokens[0]) })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    bob.post_json("/auth-tokens", json!({ "end": "all" })).await;
    assert!(is_ann(&site, with_token(&of_ann)).await);

    // Unauthenticated requests and forms of other sites have no effect either.
    let end = || {
        let request = Browser::json_request(Method::POST, "/auth-tokens");
        Browser::with_body(request, "application/json", json!({ "end": "all" }).to_string())
    };
    let status = site.browser().send(end()).await.status;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let status = sign_ann_in(&site).await.send(end()).await.status;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(is_ann(&site, with_token(&of_ann)).await);
}

#[tokio::test]
async fn a_second_factor_gives_a_token_where_it_is_asked_for() {
    let mut setup = Setup::standard();
    setup.config.two_factor = Some(TwoFactor::default());
    let site = setup.build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    browser.sign_in(ANN, PASSWORD).await;
    let begun = browser.post_json("/tf-setup", json!({ "setup": "authenticator" })).await.json();
    let key = begun.pointer("/response/tf_authr_key").and_then(Value::as_str).unwrap();
    let secret = TotpSecret::from_base32(&key.replace([' ', '-'], "")).unwrap();
    let code = || TotpRules::default().code_at(&secret, site.core().now()).expose().to_owned();
    browser.post_json("/tf-validate", json!({ "code": code() })).await;
    site.clock.advance(Duration::from_secs(90));

    let mut program = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let first = program.post_json("/login?include_auth_token", typed).await.json();
    assert_eq!(token_in(&first), None);
    let typed = json!({ "code": code() });
    let second = program.post_json("/tf-validate?include_auth_token", typed).await.json();
    assert!(is_ann(&site, with_token(&token_in(&second).unwrap())).await);
}

#[tokio::test]
async fn tokens_that_are_not_rows_have_no_list() {
    let site = Setup::flask_security_4().build();
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    assert_eq!(browser.get_json("/auth-tokens").await.status, StatusCode::NOT_FOUND);
}
