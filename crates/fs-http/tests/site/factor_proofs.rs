//! Tests of where second factors are required: before they are changed, in addition to a first
//! factor of the same kind, and as soon as they become mandatory.

use std::time::Duration;

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::model::UserField;
use fs_core::port::Change;
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::{Value, json};

use crate::factors::{
    add_with, begin_method, choose_app, code, give, key, mailed_code, pending, prove_method,
    signed_in, text,
};
use crate::people::{ANN, NEW, ask_for_reset, is_ann, mailed_link, with_token};

const HOUR: Duration = Duration::from_secs(3_600);
const STEP: Duration = Duration::from_secs(90);
const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::BAD_REQUEST;
const PROVE: StatusCode = StatusCode::UNAUTHORIZED;

fn setup() -> Setup {
    let mut setup = Setup::standard();
    setup.config.mail.html = false;
    let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
    let mut rules = TwoFactor::default();
    rules.methods = methods;
    setup.config.two_factor = Some(rules);
    setup.config.unified = Some(Unified::default());
    setup
}

/// Returns the redirect target of an answer, with slashes unescaped.
fn leads(answer: &Answer) -> String {
    answer.location().unwrap_or_default().replace("%2F", "/")
}

/// Returns a browser with a copy of Ann's remember cookie, in which her password was typed on the
/// verify page.
async fn copied_cookie_and_password(site: &Site, key: u8) -> Browser {
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(ann.post_json("/login", typed).await.status, OK);
    assert_eq!(give(&mut ann, &code(site, &crate::factors::key(key))).await, OK);
    site.clock.advance(STEP);
    let name = site.web.config().remember_cookie.name.clone();
    let mut eve = site.browser();
    eve.cookies.insert(name.clone(), ann.cookies[&name].clone());
    assert_eq!(eve.who().await.as_deref(), Some(ANN));
    let verified = eve.post_json("/verify", json!({ "password": PASSWORD })).await;
    assert_eq!(verified.status, OK, "{}", verified.text());
    eve
}

#[tokio::test]
async fn a_copied_remember_cookie_and_the_password_do_not_change_how_somebody_signs_in() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut eve = copied_cookie_and_password(&site, 1).await;
    site.mails().await;
    let before = site.user(ANN).await.unwrap();
    for (target, typed) in [
        ("/tf-setup", json!({ "setup": "disable" })),
        ("/tf-setup", json!({ "setup": "authenticator" })),
        ("/tf-setup", json!({ "setup": "email" })),
        ("/mf-recovery-codes", json!({})),
        ("/us-setup", json!({ "chosen_method": "authenticator" })),
        ("/us-setup", json!({ "chosen_method": "email" })),
    ] {
        let answer = eve.post_json(target, typed).await;
        assert_eq!(answer.status, PROVE, "{target} {}", answer.text());
        assert_eq!(answer.json()["response"]["tf_proof_required"], true, "{target}");
    }
    // On a page, the user is redirected to the code, and back afterwards.
    for target in ["/tf-setup", "/mf-recovery-codes", "/us-setup"] {
        let fields = [("setup", "disable"), ("chosen_method", "authenticator")];
        let answer = eve.post_form(target, &fields).await;
        let to = format!("/tf-validate?next={target}");
        assert_eq!(leads(&answer), to, "{target}");
    }
    assert!(eve.get("/tf-validate").await.text().contains("recovery code"));
    assert_eq!(give(&mut eve, "000000").await, NO);
    assert!(site.user(ANN).await.unwrap() == before && site.mails().await.is_empty());

    // With the factor it is permitted, as long as a sign-in is fresh.
    let right = code(&site, &key(1));
    let answer = eve.post_form("/tf-validate?next=/tf-setup", &[("code", &right)]).await;
    assert_eq!(answer.location(), Some("/tf-setup"));
    assert_eq!(eve.post_json("/mf-recovery-codes", json!({})).await.status, OK);
    site.clock.advance(HOUR + Duration::from_secs(1));
    eve.post_json("/verify", json!({ "password": PASSWORD })).await;
    let off = json!({ "setup": "disable" });
    assert_eq!(eve.post_json("/tf-setup", off.clone()).await.status, PROVE);
    assert_eq!(give(&mut eve, &code(&site, &key(1))).await, OK);
    assert_eq!(eve.post_json("/tf-setup", off).await.status, OK);
    assert_eq!(site.user(ANN).await.unwrap().second_factor.totp_secret, None);
}

#[tokio::test]
async fn a_recent_factor_is_not_asked_for_again() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = signed_in(&site, ANN, &key(1)).await;
    assert_eq!(ann.post_json("/mf-recovery-codes", json!({})).await.status, OK);
    // A change of the password keeps the proof of the factor.
    let typed = json!({
        "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW,
    });
    assert_eq!(ann.post_json("/change", typed).await.status, OK);
    site.clock.advance(STEP);
    let other = choose_app(&mut ann).await;
    assert_eq!(give(&mut ann, &code(&site, &other)).await, OK);
    assert_eq!(ann.post_json("/mf-recovery-codes", json!({})).await.status, OK, "just proven");
    assert_eq!(ann.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, OK);
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_factor_that_is_to_be_replaced() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = signed_in(&site, ANN, &key(1)).await;
    let codes = ann.post_json("/mf-recovery-codes", json!({})).await.json();
    let recovery = codes["response"]["recovery_codes"][0].as_str().unwrap().to_owned();
    let mut eve = {
        site.clock.advance(STEP);
        copied_cookie_and_password(&site, 1).await
    };
    assert_eq!(eve.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, PROVE);
    assert_eq!(give(&mut eve, &recovery).await, OK);
    assert_eq!(site.user(ANN).await.unwrap().recovery_codes.len(), 7);
    let mails = site.mails().await;
    assert!(mails.iter().any(|mail| mail.template == "recovery_code_used"), "{mails:?}");
    assert_eq!(give(&mut eve, &recovery).await, NO, "it works once");
    let other = choose_app(&mut eve).await;
    assert_eq!(give(&mut eve, &code(&site, &other)).await, OK);
}

#[tokio::test]
async fn a_mailed_factor_is_sent_when_it_is_asked_for() {
    let site = setup().build();
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    let mut ann = pending(&site, ANN).await;
    let first = mailed_code(&site).await;
    assert_eq!(give(&mut ann, &first).await, OK);
    site.clock.advance(HOUR + Duration::from_secs(1));
    ann.post_json("/verify", json!({ "password": PASSWORD })).await;
    let page = ann.get("/tf-setup").await;
    assert_eq!(leads(&page), "/tf-validate?next=/tf-setup");
    let page = ann.get("/tf-validate?next=/tf-setup").await.text();
    assert!(page.contains("Send me a code"), "{page}");
    assert!(site.mails().await.is_empty(), "a look sends nothing");
    let page = ann.post_form("/tf-validate", &[("send_code", "y")]).await.text();
    assert!(page.contains("We sent you a code."), "{page}");
    let second = mailed_code(&site).await;
    assert_eq!(give(&mut ann, &second).await, OK);
    assert_eq!(ann.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, OK);
}

#[tokio::test]
async fn guesses_at_the_factor_of_a_session_are_counted() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut eve = copied_cookie_and_password(&site, 1).await;
    for _ in 0..20 {
        assert_eq!(give(&mut eve, "000000").await, NO);
    }
    let right = give(&mut eve, &code(&site, &key(1))).await;
    assert_eq!(right, StatusCode::TOO_MANY_REQUESTS, "no more are looked at");
}

// Sign-in methods of unified sign-in.

#[tokio::test]
async fn a_sign_in_method_is_told_listed_and_removed() {
    let site = setup().build();
    site.add_user(ANN).await;
    let (mut ann, mut eve) = (site.browser(), site.browser());
    for browser in [&mut ann, &mut eve] {
        browser.sign_in(ANN, PASSWORD).await;
    }
    let (state, app) = begin_method(&mut eve).await;
    assert_eq!(prove_method(&mut eve, &state, &code(&site, &app)).await, OK);
    let mail = site.mails().await.pop().unwrap();
    assert_eq!((mail.template.as_str(), mail.to.as_str()), ("sign_in_method_changed", ANN));
    assert!(mail.text.unwrap().contains("can be used to sign in now"));

    let listed = ann.get_json("/us-setup").await.json();
    let active: Vec<Value> = vec!["email".into(), "authenticator".into()];
    assert_eq!(listed["response"]["active_methods"], Value::from(active));
    let page = ann.get("/us-setup").await.text();
    assert!(page.contains("us_remove_form") && page.contains("delete_method"), "{page}");
    for wrong in ["email", "sms", "password", "carrier pigeon"] {
        let answer = ann.post_json("/us-setup", json!({ "delete_method": wrong })).await;
        assert_eq!(answer.status, NO, "{wrong}");
    }
    let answer = ann.post_form("/us-setup", &[("delete_method", "authenticator")]).await;
    assert_eq!(answer.location(), Some("/us-setup"));
    assert!(site.user(ANN).await.unwrap().sign_in_secrets.is_empty());
    let mail = site.mails().await.pop().unwrap();
    assert!(mail.text.unwrap().contains("can no longer be used to sign in"));
    // Sessions created by the method are ended; the session that removed it continues.
    assert_eq!((ann.who().await.as_deref(), eve.who().await), (Some(ANN), None));
    site.clock.advance(STEP);
    let typed = json!({ "identity": ANN, "passcode": code(&site, &app) });
    assert_eq!(site.browser().post_json("/us-signin", typed).await.status, NO);
}

#[tokio::test]
async fn a_replaced_sign_in_method_signs_out_whoever_came_in_by_the_old_one() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.sign_in(ANN, PASSWORD).await;
    let (state, app) = begin_method(&mut eve).await;
    assert_eq!(prove_method(&mut eve, &state, &code(&site, &app)).await, OK);
    site.clock.advance(STEP);
    let mut ann = site.browser();
    ann.sign_in(ANN, PASSWORD).await;
    let (state, own) = begin_method(&mut ann).await;
    assert_eq!(prove_method(&mut ann, &state, &code(&site, &own)).await, OK);
    let mail = site.mails().await.pop().unwrap();
    assert!(mail.text.unwrap().contains("come from another place now"));
    assert_eq!((ann.who().await.as_deref(), eve.who().await), (Some(ANN), None));
    site.clock.advance(STEP);
    let typed = json!({ "identity": ANN, "passcode": code(&site, &app) });
    assert_eq!(site.browser().post_json("/us-signin", typed).await.status, NO);
}

#[tokio::test]
async fn a_reset_of_the_password_removes_every_sign_in_method_and_a_change_keeps_them() {
    for reset in [true, false] {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut eve = site.browser();
        eve.sign_in(ANN, PASSWORD).await;
        let (state, app) = begin_method(&mut eve).await;
        assert_eq!(prove_method(&mut eve, &state, &code(&site, &app)).await, OK);
        site.mails().await;
        if reset {
            ask_for_reset(&site).await;
            let link = mailed_link(&site).await;
            let typed = json!({ "password": NEW, "password_confirm": NEW });
            assert_eq!(site.browser().post_json(&link, typed).await.status, OK);
        } else {
            let mut ann = site.browser();
            ann.sign_in(ANN, PASSWORD).await;
            let typed = json!({
                "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW,
            });
            assert_eq!(ann.post_json("/change", typed).await.status, OK);
        }
        site.clock.advance(STEP);
        let typed = json!({ "identity": ANN, "passcode": code(&site, &app) });
        let answer = site.browser().post_json("/us-signin", typed).await;
        assert_eq!(answer.status == OK, !reset, "{}", answer.text());
        assert_eq!(site.user(ANN).await.unwrap().sign_in_secrets.is_empty(), reset);
    }
}

#[tokio::test]
async fn two_codes_of_one_kind_are_one_factor() {
    for second in [CodeMethod::Authenticator, CodeMethod::Email] {
        let first = second.name();
        let site = setup().build();
        let user = site.add_user(ANN).await;
        let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
        let app = Some(site.core().second_factors().seal_totp(&key(2)).await.unwrap());
        site.core().admin().set_second_factor(&user, second, Some(sealed), None).await.unwrap();
        site.core()
            .admin()
            .set_sign_in_method(&user, CodeMethod::Authenticator, app, None)
            .await
            .unwrap();
        let passcode = match first {
            "email" => {
                let ask = json!({ "identity": ANN, "chosen_method": "email" });
                site.browser().post_json("/us-signin/send-code", ask).await;
                mailed_code(&site).await
            }
            _ => code(&site, &key(2)),
        };
        let mut browser = site.browser();
        let typed = json!({ "identity": ANN, "passcode": passcode });
        let answer = browser.post_json("/us-signin", typed).await;
        assert_eq!(answer.status, NO, "{first}: {}", answer.text());
        let told = answer.json()["response"]["errors"]["passcode"][0].to_string();
        assert!(told.contains("Sign in with your password instead"), "{told}");
        assert_eq!(give(&mut browser, &code(&site, &key(1))).await, NO);
        assert_eq!(browser.who().await, None, "{first}");

        // The password and that second factor are two factors.
        site.clock.advance(STEP);
        site.mails().await;
        let mut browser = pending(&site, ANN).await;
        let typed = match second {
            CodeMethod::Email => mailed_code(&site).await,
            _ => code(&site, &key(1)),
        };
        assert_eq!(give(&mut browser, &typed).await, OK);
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn an_app_and_a_mail_are_two_factors() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let ask = json!({ "identity": ANN, "chosen_method": "email" });
    site.browser().post_json("/us-signin/send-code", ask).await;
    let mut browser = site.browser();
    let typed = json!({ "identity": ANN, "passcode": mailed_code(&site).await });
    let answer = browser.post_json("/us-signin", typed).await;
    assert_eq!(answer.json()["response"]["tf_required"], true, "{}", answer.text());
    assert_eq!(give(&mut browser, &code(&site, &key(1))).await, OK);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn what_was_given_as_the_first_factor_cannot_be_chosen_as_the_second() {
    let mut setup = setup();
    setup.config.two_factor.as_mut().unwrap().required = true;
    let site = setup.build();
    site.add_user(ANN).await;
    let ask = json!({ "identity": ANN, "chosen_method": "email" });
    site.browser().post_json("/us-signin/send-code", ask).await;
    let mut browser = site.browser();
    let typed = json!({ "identity": ANN, "passcode": mailed_code(&site).await });
    let answer = browser.post_json("/us-signin", typed).await;
    assert_eq!(text(&answer, "tf_state"), "setup_from_login");
    assert_eq!(browser.post_json("/tf-setup", json!({ "setup": "email" })).await.status, NO);
    let app = choose_app(&mut browser).await;
    assert_eq!(give(&mut browser, &code(&site, &app)).await, OK);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

#[tokio::test]
async fn a_reset_signs_nobody_in_whose_second_factor_comes_by_mail_as_well() {
    let mut setup = setup();
    setup.config.recovery.as_mut().unwrap().sign_in_after = true;
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let mut browser = site.browser();
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    let answer = browser.post_json(&link, typed).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
    assert_eq!(answer.json().pointer("/response/tf_required"), None);
    assert_eq!(browser.who().await, None);
}

// A second factor that becomes required.

/// Creates a site that now requires a second factor, on which Ann signed in before.
async fn switched_on() -> (Site, Browser, String) {
    let mut setup = setup();
    setup.config.two_factor.as_mut().unwrap().required = true;
    let site = setup.build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(ann.post_json("/login", typed).await.status, OK);
    assert_eq!(give(&mut ann, &code(&site, &key(1))).await, OK);
    let mut user = site.user(ANN).await.unwrap();
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    // Simulates that nobody had a factor: the administrator enables the requirement after the
    // sign-in.
    let (expect, set) = (Vec::new(), vec![UserField::SecondFactor(Default::default())]);
    site.write(Change::UpdateUser { user: user.id, expect, set }).await;
    site.clock.advance(STEP);
    (site, ann, token.expose().to_owned())
}

#[tokio::test]
async fn a_session_without_the_factor_that_became_required_can_set_one_up_and_nothing_else() {
    for json in [true, false] {
        let (_, mut browser, _) = switched_on().await;
        if json {
            let answer = browser.get_json("/private").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(answer.json()["response"]["tf_state"], "setup_from_login");
        } else {
            let answer = browser.get("/private").await;
            assert_eq!(leads(&answer), "/tf-setup?next=/private");
        }
        assert_eq!(browser.who().await, None);
    }
    let (site, ann, token) = switched_on().await;
    assert!(!is_ann(&site, with_token(&token)).await, "tokens are refused");
    let mut browser = ann.clone();
    let name = site.web.config().session_cookie.name.clone();
    browser.cookies.remove(&name);
    assert_eq!(browser.who().await, None, "a remembered browser is refused");
}

#[tokio::test]
async fn setting_up_the_factor_that_became_required_lets_the_session_go_on() {
    let (site, mut ann, _) = switched_on().await;
    assert_eq!(leads(&ann.get("/private").await), "/tf-setup?next=/private");
    let app = choose_app(&mut ann).await;
    assert_eq!(give(&mut ann, &code(&site, &app)).await, OK);
    assert_eq!(ann.who().await.as_deref(), Some(ANN));
    assert_eq!(ann.get("/private").await.status, OK);
}

#[tokio::test]
async fn a_stale_session_signs_in_again_before_it_sets_up_what_became_required() {
    let (site, mut ann, _) = switched_on().await;
    site.clock.advance(2 * HOUR);
    assert_eq!(leads(&ann.get("/private").await), "/login?next=/private");
    let answer = ann.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
    assert_eq!(answer.status, NO, "{}", answer.text());
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let answer = ann.post_json("/login", typed).await;
    assert_eq!(text(&answer, "tf_state"), "setup_from_login");
}

#[tokio::test]
async fn the_last_way_in_is_not_removed() {
    let mut setup = setup();
    setup.config.recovery = None;
    let methods = vec![SignInMethod::Password, SignInMethod::Code(CodeMethod::Authenticator)];
    let mut rules = Unified::default();
    rules.methods = methods;
    setup.config.unified = Some(rules);
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let app = Some(site.core().second_factors().seal_totp(&key(2)).await.unwrap());
    site.core()
        .admin()
        .set_sign_in_method(&user, CodeMethod::Authenticator, app, None)
        .await
        .unwrap();
    let (expect, set) = (Vec::new(), vec![UserField::Password(None)]);
    site.write(Change::UpdateUser { user: user.id, expect, set }).await;
    let mut ann = site.browser();
    let typed = json!({ "identity": ANN, "passcode": code(&site, &key(2)) });
    assert_eq!(ann.post_json("/us-signin", typed).await.status, OK);
    let answer = ann.post_json("/us-setup", json!({ "delete_method": "authenticator" })).await;
    assert_eq!(answer.status, NO, "{}", answer.text());
}

#[tokio::test]
async fn a_remembered_browser_gets_no_auth_token_for_the_first_factor_alone() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut eve = copied_cookie_and_password(&site, 1).await;
    let target = "/us-verify?include_auth_token";
    let typed = json!({ "passcode": PASSWORD });
    let answer = eve.post_json(target, typed.clone()).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer.pointer("/response/user/authentication_token"), None, "{answer}");
    assert_eq!(answer["response"]["tf_proof_required"], true, "{answer}");
    // With the factor it is permitted.
    assert_eq!(give(&mut eve, &code(&site, &key(1))).await, OK);
    let answer = eve.post_json(target, typed).await.json();
    let token = answer.pointer("/response/user/authentication_token").and_then(Value::as_str);
    assert!(is_ann(&site, with_token(token.unwrap())).await);
}

#[tokio::test]
async fn a_change_of_password_gives_no_auth_token_without_the_second_factor() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut eve = copied_cookie_and_password(&site, 1).await;
    let target = "/change?include_auth_token";
    let change = |from: &str, to: &str| json!({ "password": from, "new_password": to, "new_password_confirm": to });
    let answer = eve.post_json(target, change(PASSWORD, NEW)).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer.pointer("/response/user/authentication_token"), None, "{answer}");
    assert_eq!(answer["response"]["tf_proof_required"], true, "{answer}");
    // A program cannot use its token to get another one either.
    let mut user = site.user(ANN).await.unwrap();
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    let body = change(NEW, PASSWORD);
    let mut request = eve.json(target, body).await;
    request.headers_mut().remove("cookie");
    request.headers_mut().insert("authentication-token", token.expose().parse().unwrap());
    let answer = site.browser().send(request).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
    assert_eq!(answer.json().pointer("/response/user/authentication_token"), None);
}

#[tokio::test]
async fn each_beginning_of_a_set_up_has_a_key_of_its_own() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut ann = site.browser();
    ann.sign_in(ANN, PASSWORD).await;
    let (seen, own) = (choose_app(&mut ann).await, choose_app(&mut ann).await);
    assert_ne!(give(&mut ann, &code(&site, &seen)).await, OK);
    assert_eq!(give(&mut ann, &code(&site, &own)).await, OK);
    assert_ne!(code(&site, &seen), code(&site, &own));
}

#[tokio::test]
async fn a_code_of_the_second_factors_kind_does_not_prove_the_first_factor_again() {
    for method in [CodeMethod::Authenticator, CodeMethod::Email] {
        let site = setup().build();
        let user = site.add_user(ANN).await;
        let sealed = site.core().second_factors().seal_totp(&key(1)).await.unwrap();
        let app = Some(site.core().second_factors().seal_totp(&key(2)).await.unwrap());
        site.core().admin().set_second_factor(&user, method, Some(sealed), None).await.unwrap();
        site.core()
            .admin()
            .set_sign_in_method(&user, CodeMethod::Authenticator, app, None)
            .await
            .unwrap();
        let mut ann = pending(&site, ANN).await;
        let second = match method {
            CodeMethod::Email => mailed_code(&site).await,
            _ => code(&site, &key(1)),
        };
        assert_eq!(give(&mut ann, &second).await, OK);
        site.clock.advance(2 * HOUR);
        let passcode = match method {
            CodeMethod::Email => {
                let ask = json!({ "chosen_method": "email" });
                ann.post_json("/us-verify/send-code", ask).await;
                mailed_code(&site).await
            }
            _ => code(&site, &key(2)),
        };
        let answer = ann.post_json("/us-verify", json!({ "passcode": passcode })).await;
        assert_eq!(answer.status, NO, "{method:?}: {}", answer.text());
        let told = answer.json()["response"]["errors"]["passcode"][0].to_string();
        assert!(told.contains("with your password instead"), "{told}");
        // No action that requires a fresh session is permitted.
        let off = ann.post_json("/tf-setup", json!({ "setup": "disable" })).await;
        assert_eq!(off.status, PROVE, "{}", off.text());
        let verified = ann.post_json("/us-verify", json!({ "passcode": PASSWORD })).await;
        assert_eq!(verified.status, OK, "{}", verified.text());
    }
}

#[tokio::test]
async fn a_set_up_goes_on_after_the_present_factor_was_given_again() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = signed_in(&site, ANN, &key(1)).await;
    site.clock.advance(HOUR - Duration::from_secs(60));
    let verified = ann.post_json("/verify", json!({ "password": PASSWORD })).await;
    assert_eq!(verified.status, OK);
    let other = choose_app(&mut ann).await;
    site.clock.advance(2 * STEP);
    // The proof of the current factor has expired meanwhile.
    assert_eq!(give(&mut ann, &code(&site, &other)).await, PROVE);
    let before = site.user(ANN).await.unwrap().second_factor;
    assert_eq!(give(&mut ann, &code(&site, &key(1))).await, OK);
    assert!(site.user(ANN).await.unwrap().second_factor == before, "proven, not changed");
    assert_eq!(give(&mut ann, &code(&site, &other)).await, OK);
    assert!(site.user(ANN).await.unwrap().second_factor != before);
}

#[tokio::test]
async fn a_pending_sign_in_that_was_given_up_is_completed_by_no_copy() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = pending(&site, ANN).await;
    let mut copy = site.browser();
    copy.cookies = ann.cookies.clone();
    ann.post_json("/logout", json!({})).await;
    assert_eq!(give(&mut copy, &code(&site, &key(1))).await, NO);
    assert_eq!(copy.who().await, None);
}

#[tokio::test]
async fn a_reset_ends_the_wait_that_wrong_passwords_in_a_session_caused() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.sign_in(ANN, PASSWORD).await;
    let wrong = json!({ "password": "not the password of Ann" });
    while eve.post_json("/verify", wrong.clone()).await.status != StatusCode::TOO_MANY_REQUESTS {}
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    assert_eq!(site.browser().post_json(&link, typed).await.status, OK);
    let mut ann = site.browser();
    ann.sign_in(ANN, NEW).await;
    assert_eq!(ann.post_json("/verify", json!({ "password": NEW })).await.status, OK);
}
