//! Helpers for accounts with second factors and other sign-in methods, over HTTP.

use fs_core::config::{CodeMethod, SignInMethod, TwoFactor, Unified};
use fs_core::totp::{TotpRules, TotpSecret, WalletFormat};
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::{Value, json};

use crate::people::PROFILES;

/// Returns both profiles with optional second factors by app and mail, and with unified sign-in.
pub(crate) fn every_way() -> [Setup; 2] {
    PROFILES.map(|setup| {
        let mut setup = setup();
        setup.config.mail.html = false;
        setup.config.totp.format = WalletFormat::Native;
        let methods = vec![CodeMethod::Authenticator, CodeMethod::Email];
        let mut rules = TwoFactor::default();
        rules.methods = methods;
        setup.config.two_factor = Some(rules);
        let codes = [CodeMethod::Email, CodeMethod::Authenticator].map(SignInMethod::Code);
        let methods = [SignInMethod::Password].into_iter().chain(codes).collect();
        let mut rules = Unified::default();
        rules.methods = methods;
        setup.config.unified = Some(rules);
        setup
    })
}

pub(crate) fn key(number: u8) -> TotpSecret {
    TotpSecret::from_random([number; 20])
}

pub(crate) fn code(site: &Site, key: &TotpSecret) -> String {
    TotpRules::default().code_at(key, site.core().now()).expose().to_owned()
}

/// Creates an account with that key in its owner's app.
pub(crate) async fn add_with(site: &Site, email: &str, key: &TotpSecret) {
    let user = site.add_user(email).await;
    let sealed = site.core().second_factors().seal_totp(key).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
}

/// Returns a browser in which the password was given and the second factor is pending.
pub(crate) async fn pending(site: &Site, email: &str) -> Browser {
    let mut browser = site.browser();
    let typed = json!({ "email": email, "password": PASSWORD });
    let answer = browser.post_json("/login", typed).await;
    assert_eq!(answer.json().pointer("/response/tf_required"), Some(&json!(true)));
    browser
}

pub(crate) async fn give(browser: &mut Browser, code: &str) -> StatusCode {
    browser.post_json("/tf-validate", json!({ "code": code })).await.status
}

/// Returns a browser in which both factors were given.
pub(crate) async fn signed_in(site: &Site, email: &str, key: &TotpSecret) -> Browser {
    let mut browser = pending(site, email).await;
    assert_eq!(give(&mut browser, &code(site, key)).await, StatusCode::OK);
    browser
}

pub(crate) fn text(answer: &Answer, name: &str) -> String {
    let json = answer.json();
    let text = json.pointer(&format!("/response/{name}")).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no {name}: {json}")).to_owned()
}

/// Sets up an app as the second factor. Returns its key.
pub(crate) async fn choose_app(browser: &mut Browser) -> TotpSecret {
    let answer = browser.post_json("/tf-setup", json!({ "setup": "authenticator" })).await;
    TotpSecret::from_base32(&text(&answer, "tf_authr_key")).unwrap()
}

/// Begins to set up an app as a sign-in method. Returns the state and the key.
pub(crate) async fn begin_method(browser: &mut Browser) -> (String, TotpSecret) {
    let answer = browser.post_json("/us-setup", json!({ "chosen_method": "authenticator" })).await;
    (text(&answer, "state"), TotpSecret::from_base32(&text(&answer, "authr_key")).unwrap())
}

pub(crate) async fn prove_method(browser: &mut Browser, state: &str, code: &str) -> StatusCode {
    browser.post_json(&format!("/us-setup/{state}"), json!({ "passcode": code })).await.status
}

/// Returns the code in the newest mail.
pub(crate) async fn mailed_code(site: &Site) -> String {
    let text = site.mails().await.pop().unwrap().text.unwrap();
    let digits = |line: &&str| line.len() == 6 && line.bytes().all(|octet| octet.is_ascii_digit());
    text.lines().find(digits).unwrap().to_owned()
}
