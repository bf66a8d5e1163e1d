//! Tests that an answer contains an auth token only if its owner gave every factor in this session,
//! for every endpoint and every state of the account.

use std::time::Duration;

use fs_core::config::{CodeMethod, SignInLinks, TwoFactor, Unified};
use fs_core::model::UserField;
use fs_core::port::Change;
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site, link_in};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::factors::{code, key};
use crate::people::{ANN, NEW, with_header, with_token};

/// State of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Only one factor is set up, and no other is required.
    Plain,
    /// A second factor is set up.
    WithFactor,
    /// A second factor is required, and not set up yet.
    FactorWanted,
    Unconfirmed,
    Deactivated,
}

const STATES: [State; 5] =
    [State::Plain, State::WithFactor, State::FactorWanted, State::Unconfirmed, State::Deactivated];

/// First step that an endpoint performs by itself.
#[derive(Clone, Copy, Debug)]
enum Step {
    Login,
    Passcode,
    MailedCode,
    Link,
    Reset,
    Confirm,
    Register,
}

const STEPS: [Step; 7] = [
    Step::Login,
    Step::Passcode,
    Step::MailedCode,
    Step::Link,
    Step::Reset,
    Step::Confirm,
    Step::Register,
];

fn site_for(state: State, signs_in: bool, step: Step) -> Site {
    // In the other profile a registration signs nobody in.
    let mut setup = match step {
        Step::Register => Setup::flask_security_4(),
        _ => Setup::standard(),
    };
    let config = &mut setup.config;
    config.mail.html = false;
    if matches!(step, Step::Register) {
        config.confirmation = None;
    }
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let required = state == State::FactorWanted;
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    rules.required = required;
    config.two_factor = Some(rules);
    config.unified = Some(Unified::default());
    let mut rules = SignInLinks::new(Duration::from_secs(600));
    rules.unconfirmed = true;
    config.sign_in_links = matches!(step, Step::Link).then_some(rules);
    config.recovery.iter_mut().for_each(|rules| rules.sign_in_after = signs_in);
    config.confirmation.iter_mut().for_each(|rules| rules.sign_in_after = signs_in);
    setup.build()
}

async fn account(site: &Site, state: State) {
    let user = site.add_user(ANN).await;
    let set = match state {
        State::Plain | State::FactorWanted => return,
        State::WithFactor => {
            let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
            site.core()
                .admin()
                .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
                .await
                .unwrap();
            return;
        }
        State::Unconfirmed => UserField::ConfirmedAt(None),
        State::Deactivated => UserField::Active(false),
    };
    site.write(Change::UpdateUser { user: user.id, expect: vec![], set: vec![set] }).await;
}

/// Returns the link of this kind in the newest mail that has one.
async fn link(site: &Site, kind: &str) -> Option<String> {
    let mails = site.mails().await;
    mails.iter().rev().filter_map(link_in).find(|link| link.contains(kind))
}

/// Returns the code of the newest mail, or `None` if no mail was sent.
async fn mailed_code_if_any(site: &Site) -> Option<String> {
    let text = site.mails().await.pop()?.text?;
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split_whitespace().find(digits).map(str::to_owned)
}

fn asking(target: &str) -> String {
    format!("{target}?include_auth_token")
}

async fn take(site: &Site, browser: &mut Browser, step: Step) -> Option<Answer> {
    let email = json!({ "email": ANN });
    Some(match step {
        Step::Login => {
            let typed = json!({ "email": ANN, "password": PASSWORD });
            browser.post_json(&asking("/login"), typed).await
        }
        Step::Passcode => {
            let typed = json!({ "identity": ANN, "passcode": PASSWORD });
            browser.post_json(&asking("/us-signin"), typed).await
        }
        Step::MailedCode => {
            let ask = json!({ "identity": ANN, "chosen_method": "email" });
            site.browser().post_json("/us-signin/send-code", ask).await;
            let passcode = mailed_code_if_any(site).await?;
            let typed = json!({ "identity": ANN, "passcode": passcode });
            browser.post_json(&asking("/us-signin"), typed).await
        }
        Step::Link => {
            site.browser().post_json("/login", email).await;
            let link = link(site, "/login/").await?;
            browser.post_json(&asking(&link), json!({})).await
        }
        Step::Reset => {
            site.browser().post_json("/reset", email).await;
            let link = link(site, "/reset/").await?;
            let typed = json!({ "password": NEW, "password_confirm": NEW });
            browser.post_json(&asking(&link), typed).await
        }
        Step::Confirm => {
            site.browser().post_json("/confirm", email).await;
            let link = link(site, "/confirm/").await?;
            browser.post_json(&asking(&link), json!({ "password": PASSWORD })).await
        }
        Step::Register => {
            let typed = json!({
                "email": "new@example.com", "password": PASSWORD, "password_confirm": PASSWORD,
            });
            browser.post_json(&asking("/register"), typed).await
        }
    })
}

fn token_in(answer: &Answer) -> Option<String> {
    let token = answer.json().pointer("/response/user/authentication_token").cloned();
    token.and_then(|token| token.as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_token_comes_with_a_whole_sign_in_and_with_nothing_less() {
    let mut handed_out = Vec::new();
    for signs_in in [false, true] {
        for (state, step) in STATES.iter().flat_map(|state| STEPS.map(|step| (*state, step))) {
            let site = site_for(state, signs_in, step);
            account(&site, state).await;
            let mut browser = site.browser();
            let Some(answer) = take(&site, &mut browser, step).await else {
                continue;
            };
            let case = format!("{state:?} {step:?} {signs_in} {}", answer.text());
            let owner = browser.who().await;
            match token_in(&answer) {
                None => assert!(owner.is_none(), "signed in without the token: {case}"),
                Some(token) => {
                    // A registration creates an account of its own, without a second factor.
                    let new = matches!(step, Step::Register);
                    let whole = state != State::FactorWanted && (state != State::WithFactor || new);
                    assert!(owner.is_some() && whole, "{case}");
                    let of_token = site.browser().send(with_token(&token)).await;
                    assert_eq!(of_token.status, StatusCode::OK, "{case}");
                    handed_out.push((state, format!("{step:?}")));
                }
            }
        }
    }
    // Each step returns a token in some state, so no step passes merely because its sign-in failed.
    for step in STEPS.map(|step| format!("{step:?}")) {
        let states: Vec<_> = handed_out.iter().filter(|(_, by)| *by == step).collect();
        assert!(!states.is_empty(), "{step}: {handed_out:?}");
    }
    let of_deactivated =
        |(state, step): &(State, String)| *state == State::Deactivated && step != "Register";
    assert!(!handed_out.iter().any(of_deactivated), "{handed_out:?}");
}

#[tokio::test]
async fn no_endpoint_issues_a_token_without_the_second_factor() {
    let site = site_for(State::WithFactor, true, Step::Login);
    account(&site, State::WithFactor).await;
    // Tries everything that is permitted while a sign-in waits for its second factor.
    let mut waiting = site.browser();
    take(&site, &mut waiting, Step::Login).await;
    let new = json!({
        "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW, "code": "000000",
        "setup": "authenticator", "passcode": PASSWORD, "chosen_method": "email",
    });
    for target in [
        "/verify",
        "/us-verify",
        "/change",
        "/tf-setup",
        "/tf-validate",
        "/tf-rescue",
        "/mf-recovery",
        "/mf-recovery-codes",
        "/us-setup",
    ] {
        let answer = waiting.post_json(&asking(target), new.clone()).await;
        assert_eq!(token_in(&answer), None, "{target} {}", answer.text());
    }
    // With the factor, the token is returned by the endpoint that accepts it.
    site.clock.advance(Duration::from_secs(90));
    take(&site, &mut waiting, Step::Login).await;
    let right = json!({ "code": code(&site, &key(1)) });
    let answer = waiting.post_json(&asking("/tf-validate"), right).await;
    assert!(token_in(&answer).is_some(), "{}", answer.text());
    let shown: Value = waiting.get_json(&asking("/tf-setup")).await.json();
    assert_eq!(shown.pointer("/response/user/authentication_token"), None);
}

/// Checks a request with a token, the ended session of another account, and a remember cookie. The
/// session that the cookie restores is not fresh.
#[tokio::test]
async fn the_age_of_an_ended_session_counts_for_nobody() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    site.add_user("eve@site.test").await;
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    let answer = ann.post_json("/login?include_auth_token", typed).await.json();
    let token = answer.pointer("/response/user/authentication_token").and_then(Value::as_str);
    let token = token.unwrap().to_owned();
    let mut eve = site.browser();
    eve.sign_in("eve@site.test", PASSWORD).await;
    let ended = eve.cookies.clone();
    eve.post_json("/logout", json!({})).await;

    let mut thief = site.browser();
    thief.cookies.extend(ended.into_iter().filter(|(name, _)| name.ends_with("session")));
    let remembered = ann.cookies.into_iter().filter(|(name, _)| name.contains("remember"));
    thief.cookies.extend(remembered);
    let fresh = Browser::json_request(Method::GET, "/fresh");
    let answer = thief.send(with_header(fresh, "authentication-token", &token)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text());
    assert_eq!(thief.who().await.as_deref(), Some(ANN), "the browser came back");
}
