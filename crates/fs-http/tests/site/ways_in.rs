//! Tests of every way to sign in, and of the accounts that none of them admits.

use std::time::Duration;

use fs_core::event::Event;
use fs_testkit::site::{PASSWORD, Setup, Site, link_in};
use http::StatusCode;
use serde_json::json;

use crate::factors::{add_with, every_way, key, mailed_code};
use crate::people::{ANN, NEW, PROFILES, is_ann, sign_ann_in, with_basic};

const BOB: &str = "bob@site.test";
const OK: StatusCode = StatusCode::OK;

#[tokio::test]
async fn basic_authentication_goes_around_no_second_factor() {
    for mut setup in every_way() {
        setup.http.api_mechanisms.push(fs_core::authn::Mechanism::Basic);
        let site = setup.build();
        site.add_user(BOB).await;
        add_with(&site, ANN, &key(1)).await;
        let answer = site.browser().send(with_basic(BOB, PASSWORD)).await;
        assert_eq!(answer.status, OK);
        assert!(!is_ann(&site, with_basic(ANN, PASSWORD)).await);
    }
    for mut setup in every_way() {
        setup.config.two_factor.as_mut().unwrap().required = true;
        let site = setup.build();
        site.add_user(ANN).await;
        assert!(!is_ann(&site, with_basic(ANN, PASSWORD)).await, "everybody must have one");
    }
}

#[tokio::test]
async fn basic_authentication_is_for_routes_that_ask_for_it() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut request = with_basic(ANN, PASSWORD);
    *request.uri_mut() = "https://site.test/private".parse().unwrap();
    let answer = site.browser().send(request).await;
    assert!(answer.status == StatusCode::UNAUTHORIZED || answer.status.is_redirection());
}

/// Checks that only a proof of identity makes a session fresh: not a token, a remembered browser, a
/// new cookie or an existing session.
#[tokio::test]
async fn nothing_but_proof_makes_a_session_fresh() {
    for setup in PROFILES {
        let site = setup().build();
        let mut user = site.add_user(ANN).await;
        let mut browser = sign_ann_in(&site).await;
        let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
        let within = site.core().config().freshness.within.unwrap();
        site.clock.advance(within + Duration::from_secs(2 * 3_600));
        browser.get("/").await;
        for with_token in [false, true] {
            let mut request = fs_testkit::site::Browser::json_request(http::Method::GET, "/fresh");
            if with_token {
                let value = http::HeaderValue::from_str(token.expose()).unwrap();
                request.headers_mut().insert("authentication-token", value);
            }
            assert_eq!(browser.send(request).await.status, StatusCode::UNAUTHORIZED);
        }
        let typed = json!({ "password": PASSWORD });
        assert_eq!(browser.post_json("/verify", typed).await.status, OK);
        assert_eq!(browser.get_json("/fresh").await.status, OK);
    }
}

/// Checks each way to sign in for each account that must not sign in.
#[tokio::test]
async fn no_way_in_is_for_an_account_that_may_not_act() {
    const WAYS: [&str; 7] =
        ["password", "passcode", "code", "code link", "reset", "confirm", "basic"];
    for state in ["deactivated", "unconfirmed", "must choose a second factor"] {
        for way in WAYS {
            for mut setup in every_way() {
                setup.config.confirmation.as_mut().unwrap().sign_in_after = true;
                let recovery = setup.config.recovery.as_mut().unwrap();
                (recovery.sign_in_after, recovery.confirms) = (true, false);
                setup.config.two_factor.as_mut().unwrap().required = state.starts_with("must");
                let site = setup.build();
                let mut browser = site.browser();
                if way == "confirm" {
                    let typed = json!({ "email": ANN, "password": PASSWORD });
                    assert_eq!(browser.post_json("/register", typed).await.status, OK);
                } else {
                    site.add_user(ANN).await;
                }
                let mails = site.mails().await;
                let user = site.user(ANN).await.unwrap();
                let mut link = mails.last().and_then(link_in).unwrap_or_default();
                let mut given = String::new();
                if way == "reset" {
                    browser.post_json("/reset", json!({ "email": ANN })).await;
                    link = link_in(&site.mails().await.pop().unwrap()).unwrap();
                }
                if way.starts_with("code") {
                    let ask = json!({ "identity": ANN, "chosen_method": "email" });
                    browser.post_json("/us-signin/send-code", ask).await;
                    given = mailed_code(&site).await;
                }
                match state {
                    "deactivated" => {
                        assert!(site.core().admin().deactivate_user(&user.id).await.unwrap())
                    }
                    "unconfirmed" if way == "confirm" => continue,
                    "unconfirmed" => unconfirm(&site, &user).await,
                    _ => {}
                }
                site.events.take();
                match way {
                    "password" => {
                        let typed = json!({ "email": ANN, "password": PASSWORD });
                        drop(browser.post_json("/login", typed).await);
                    }
                    "passcode" | "code" => {
                        let passcode = if way == "code" { given.as_str() } else { PASSWORD };
                        let typed = json!({ "identity": ANN, "passcode": passcode });
                        drop(browser.post_json("/us-signin", typed).await);
                    }
                    "code link" => {
                        let target = format!("/us-verify-link?email={ANN}&code={given}");
                        drop(browser.follow(&target).await);
                    }
                    "reset" => {
                        let typed = json!({ "password": NEW, "password_confirm": NEW });
                        drop(browser.post_json(&link, typed).await);
                    }
                    "confirm" => drop(browser.follow(&link).await),
                    _ => assert!(!is_ann(&site, with_basic(ANN, PASSWORD)).await, "{state}"),
                }
                assert_eq!(browser.who().await, None, "{state}, by {way}");
                let events = site.events.take();
                let success = |event: &&Event| matches!(event, Event::UserAuthenticated { .. });
                assert_eq!(events.iter().find(success), None, "{state}, by {way}");
            }
        }
    }
}

async fn unconfirm(site: &Site, user: &fs_core::model::User) {
    site.write(fs_core::port::Change::UpdateUser {
        user: user.id.clone(),
        expect: Vec::new(),
        set: vec![fs_core::model::UserField::ConfirmedAt(None)],
    })
    .await;
}
