//! Tests of "this was not me": the link in the notice of a change to a sign-in method.

use std::time::Duration;

use fs_core::config::{CodeMethod, TwoFactor, Unified};
use fs_core::model::CredentialKind;
use fs_core::port::{Change, OutgoingMail};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use serde_json::json;

use crate::factors::{
    add_with, begin_method, choose_app, code, give, key, pending, prove_method, signed_in,
};
use crate::people::{ANN, NEW, ask_for_reset, mailed_link, with_token};

const DAY: Duration = Duration::from_secs(86_400);
const STEP: Duration = Duration::from_secs(90);
const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::BAD_REQUEST;

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

fn undo_link(mail: &OutgoingMail) -> Option<String> {
    let text = mail.text.as_deref().unwrap_or_default();
    let line = text.lines().find(|line| line.contains("/undo-change/"))?;
    line.split_once("site.test").map(|(_, path)| path.to_owned())
}

/// Returns the link of the newest notice.
pub(crate) async fn noticed(site: &Site) -> String {
    site.mails().await.iter().rev().find_map(undo_link).unwrap()
}

/// Replaces Ann's second factor by an app with a key of the browser's own.
async fn set_up_app(site: &Site, browser: &mut Browser) -> fs_core::totp::TotpSecret {
    let app = choose_app(browser).await;
    assert_eq!(give(browser, &code(site, &app)).await, OK);
    site.clock.advance(STEP);
    app
}

/// Follows an undo link as JSON, and resets the password with the token of the answer.
async fn undo_and_reset(site: &Site, link: &str) {
    let mut owner = site.browser();
    let answer = owner.post_json(link, json!({})).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
    let token = answer.json()["response"]["reset_token"].as_str().unwrap().to_owned();
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    let answer = owner.post_json(&format!("/reset/{token}"), typed).await;
    assert_eq!(answer.status, OK, "{}", answer.text());
}

#[tokio::test]
async fn a_factor_that_an_intruder_set_up_is_undone_and_everybody_is_out() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(eve.post_json("/login", typed).await.status, OK);
    let app = set_up_app(&site, &mut eve).await;
    let link = noticed(&site).await;
    let mut user = site.user(ANN).await.unwrap();
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    // A reset alone keeps the intruder's factor.
    ask_for_reset(&site).await;
    let reset = mailed_link(&site).await;
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    assert_eq!(site.browser().post_json(&reset, typed).await.status, OK);
    assert!(site.user(ANN).await.unwrap().second_factor.totp_secret.is_some());

    // Opening the link has no effect, and neither has another site's form.
    let before = site.dump().await;
    let mut owner = site.browser();
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(owner.send(Browser::request(method, &link)).await.status, OK);
    }
    let form = Browser::request(Method::POST, &link);
    owner.send(Browser::with_body(form, "application/x-www-form-urlencoded", "")).await;
    assert!(site.dump().await == before, "something was written");
    assert!(owner.get(&link).await.text().contains("This was not me"));

    // The button leads directly to the form for a new password.
    let answer = owner.post_form(&link, &[]).await;
    let form = answer.location().unwrap().to_owned();
    assert!(form.starts_with("/reset/"), "{form}");
    let user = site.user(ANN).await.unwrap();
    assert_eq!((user.second_factor.totp_secret, user.password), (None, None));
    assert_eq!(eve.who().await, None, "sessions and remembered browsers end");
    let answer = site.browser().send(with_token(token.expose())).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "tokens end");
    let fields = [("password", PASSWORD), ("password_confirm", PASSWORD)];
    let again = owner.post_form(&form, &fields).await;
    assert_eq!(again.status, StatusCode::FOUND, "{}", again.text());
    let mut ann = site.browser();
    ann.sign_in(ANN, PASSWORD).await;
    assert_eq!(ann.who().await.as_deref(), Some(ANN));
    // The link works only once.
    let answer = site.browser().post_json(&link, json!({})).await;
    assert_eq!(answer.status, NO);
    assert_eq!(give(&mut eve, &code(&site, &app)).await, NO);
}

#[tokio::test]
async fn undoing_brings_back_the_factor_and_its_recovery_codes_but_no_used_one() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut ann = signed_in(&site, ANN, &key(1)).await;
    let made = ann.post_json("/mf-recovery-codes", json!({})).await.json();
    let codes: Vec<_> = made["response"]["recovery_codes"].as_array().unwrap().clone();
    site.clock.advance(STEP);
    // The codes were made so long ago that no link undoes it.
    let owner = site.user(ANN).await.unwrap().id;
    let kind = CredentialKind::FactorUndo;
    site.write(Change::RemoveCredentialsOf { owner, kind, except: None }).await;
    // Another change comes first, so that the oldest state has recorded the code that is used
    // below.
    let (state, app) = begin_method(&mut ann).await;
    assert_eq!(prove_method(&mut ann, &state, &code(&site, &app)).await, OK);
    let mut eve = pending(&site, ANN).await;
    let used = json!({ "code": codes[0] });
    assert_eq!(eve.post_json("/mf-recovery", used.clone()).await.status, OK);
    assert_eq!(eve.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, OK);
    assert!(site.user(ANN).await.unwrap().recovery_codes.is_empty());
    let link = noticed(&site).await;
    undo_and_reset(&site, &link).await;
    site.clock.advance(STEP);
    let user = site.user(ANN).await.unwrap();
    assert_eq!(user.recovery_codes.len(), 7);
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": NEW });
    let answer = ann.post_json("/login", typed.clone()).await;
    assert_eq!(answer.json()["response"]["tf_required"], true, "{}", answer.text());
    assert_eq!(ann.post_json("/mf-recovery", used).await.status, NO, "used before");
    assert_eq!(give(&mut ann, &code(&site, &key(1))).await, OK);
    let mut ann = site.browser();
    ann.post_json("/login", typed).await;
    let other = json!({ "code": codes[1] });
    assert_eq!(ann.post_json("/mf-recovery", other).await.status, OK);
}

#[tokio::test]
async fn whichever_notice_is_answered_things_go_back_to_before_the_first_change() {
    for which in 0..3 {
        let site = setup().build();
        add_with(&site, ANN, &key(1)).await;
        let mut eve = signed_in(&site, ANN, &key(1)).await;
        site.clock.advance(STEP);
        site.mails().await;
        set_up_app(&site, &mut eve).await;
        assert_eq!(eve.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, OK);
        set_up_app(&site, &mut eve).await;
        let links: Vec<_> = site.mails().await.iter().filter_map(undo_link).collect();
        assert_eq!(links.len(), 3);
        undo_and_reset(&site, &links[which]).await;
        // All earlier links are invalid now.
        for link in &links {
            assert_eq!(site.browser().post_json(link, json!({})).await.status, NO);
        }
        let mut ann = site.browser();
        let typed = json!({ "email": ANN, "password": NEW });
        let answer = ann.post_json("/login", typed).await;
        assert_eq!(answer.json()["response"]["tf_required"], true, "{}", answer.text());
        assert_eq!(give(&mut ann, &code(&site, &key(1))).await, OK, "{which}");
        // Later changes by the owner have links of their own.
        site.clock.advance(STEP);
        set_up_app(&site, &mut ann).await;
        let before = site.user(ANN).await.unwrap().second_factor;
        for link in &links {
            assert_eq!(site.browser().post_json(link, json!({})).await.status, NO);
        }
        assert_eq!(site.user(ANN).await.unwrap().second_factor, before);
    }
}

#[tokio::test]
async fn a_change_is_undone_for_72_hours() {
    for (days, good) in [(3, true), (4, false)] {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut eve = site.browser();
        eve.sign_in(ANN, PASSWORD).await;
        set_up_app(&site, &mut eve).await;
        let link = noticed(&site).await;
        site.clock.advance(days * DAY - Duration::from_secs(180));
        let answer = site.browser().post_json(&link, json!({})).await;
        assert_eq!(answer.status == OK, good, "{days} {}", answer.text());
    }
}

#[tokio::test]
async fn a_change_from_before_the_time_is_not_undone_by_the_link_of_a_later_one() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut ann = site.browser();
    ann.sign_in(ANN, PASSWORD).await;
    let own = set_up_app(&site, &mut ann).await;
    site.clock.advance(4 * DAY);
    let mut eve = signed_in(&site, ANN, &own).await;
    site.clock.advance(STEP);
    site.mails().await;
    assert_eq!(eve.post_json("/tf-setup", json!({ "setup": "disable" })).await.status, OK);
    let link = noticed(&site).await;
    undo_and_reset(&site, &link).await;
    let mut ann = site.browser();
    let answer = ann.post_json("/login", json!({ "email": ANN, "password": NEW })).await;
    assert_eq!(answer.json()["response"]["tf_required"], true, "{}", answer.text());
    assert_eq!(give(&mut ann, &code(&site, &own)).await, OK);
}

#[tokio::test]
async fn a_sign_in_method_is_undone_as_well() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.sign_in(ANN, PASSWORD).await;
    let (state, app) = begin_method(&mut eve).await;
    assert_eq!(prove_method(&mut eve, &state, &code(&site, &app)).await, OK);
    let link = noticed(&site).await;
    undo_and_reset(&site, &link).await;
    assert!(site.user(ANN).await.unwrap().sign_in_secrets.is_empty());
    assert_eq!(eve.who().await, None);
}

#[tokio::test]
async fn undoing_a_required_factor_asks_for_another_before_anybody_is_in() {
    let mut setup = setup();
    setup.config.two_factor.as_mut().unwrap().required = true;
    let site = setup.build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.post_json("/login", json!({ "email": ANN, "password": PASSWORD })).await;
    set_up_app(&site, &mut eve).await;
    let link = noticed(&site).await;
    undo_and_reset(&site, &link).await;
    let mut ann = site.browser();
    let answer = ann.post_json("/login", json!({ "email": ANN, "password": NEW })).await;
    assert_eq!(answer.json()["response"]["tf_state"], "setup_from_login", "{}", answer.text());
    assert_eq!(ann.who().await, None);
}

#[tokio::test]
async fn an_application_switches_undo_links_off() {
    let mut setup = setup();
    setup.config.recovery.as_mut().unwrap().undo_within = None;
    let site = setup.build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.sign_in(ANN, PASSWORD).await;
    set_up_app(&site, &mut eve).await;
    let mail = site.mails().await.pop().unwrap();
    assert_eq!(mail.template, "second_factor_changed");
    assert_eq!(undo_link(&mail), None);
    assert!(mail.text.unwrap().contains("/reset"));
    assert_eq!(site.browser().get("/undo-change/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_that_was_altered_undoes_nothing() {
    let site = setup().build();
    site.add_user(ANN).await;
    let mut eve = site.browser();
    eve.sign_in(ANN, PASSWORD).await;
    set_up_app(&site, &mut eve).await;
    let link = noticed(&site).await;
    let before = site.dump().await;
    for altered in [format!("{link}A"), link.replace("v1.", "v2."), "/undo-change/x".to_owned()] {
        let answer = site.browser().post_json(&altered, json!({})).await;
        assert_eq!(answer.status, NO, "{altered}");
        let page = site.browser().get(&altered).await;
        assert_eq!(page.location(), Some("/reset"));
    }
    assert!(site.dump().await == before);
}

#[tokio::test]
async fn undoing_ends_sign_in_methods_as_a_reset_does() {
    for reset in [true, false] {
        let site = setup().build();
        let user = site.add_user(ANN).await;
        let sealed = async |number| {
            Some(site.core().second_factors().seal_totp(&key(number)).await.unwrap())
        };
        let phone = Some("+14155550123".to_owned());
        site.core()
            .admin()
            .set_sign_in_method(&user, CodeMethod::Authenticator, sealed(1).await, None)
            .await
            .unwrap();
        let user = site.user(ANN).await.unwrap();
        site.core()
            .admin()
            .set_sign_in_method(&user, CodeMethod::Sms, sealed(2).await, phone)
            .await
            .unwrap();
        let mut eve = site.browser();
        eve.sign_in(ANN, PASSWORD).await;
        set_up_app(&site, &mut eve).await;
        let link = noticed(&site).await;
        if reset {
            ask_for_reset(&site).await;
            let form = mailed_link(&site).await;
            let typed = json!({ "password": NEW, "password_confirm": NEW });
            assert_eq!(site.browser().post_json(&form, typed).await.status, OK);
        }
        let undone = site.browser().post_json(&link, json!({})).await;
        assert_eq!(undone.status, OK, "{}", undone.text());
        let user = site.user(ANN).await.unwrap();
        assert_eq!(user.second_factor.totp_secret, None);
        let left = (user.sign_in_secrets.len(), user.phone.is_some());
        assert_eq!(left, (0, false), "{reset}");
    }
}

#[tokio::test]
async fn the_link_of_a_changed_password_says_what_it_undoes() {
    let site = setup().build();
    add_with(&site, ANN, &key(1)).await;
    let mut eve = signed_in(&site, ANN, &key(1)).await;
    let typed = json!({ "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW });
    assert_eq!(eve.post_json("/change", typed).await.status, OK);
    let mail = site.mails().await.pop().unwrap();
    assert_eq!(mail.template, "change_notice");
    let text = mail.text.as_deref().unwrap_or_default();
    let text: Vec<_> = text.split_whitespace().collect();
    assert!(text.join(" ").contains("Your second step stays as it is"), "{text:?}");
    let link = undo_link(&mail).unwrap();
    let mut owner = site.browser();
    assert!(owner.get(&link).await.text().contains("Your second step stays as it is"));
    let answer = owner.post_form(&link, &[]).await;
    assert!(answer.location().unwrap().starts_with("/reset/"), "{answer:?}");
    assert_eq!(eve.who().await, None);
    let user = site.user(ANN).await.unwrap();
    assert!(user.password.is_none() && user.second_factor.totp_secret.is_some());
}
