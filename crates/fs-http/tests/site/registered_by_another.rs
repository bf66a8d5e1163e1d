//! Tests that the owner of an address owns its account, whoever registered it.

use std::time::Duration;

use fs_core::ExtraField;
use fs_core::config::{Disclosure, SignInLinks, Unified};
use fs_core::model::User;
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site, link_in};
use http::{Method, StatusCode};
use serde_json::json;

use crate::factors::{begin_method, choose_app, code, give, prove_method};
use crate::people::{ANN, NEW, ask_for_reset, mailed_link, register_ann};
use crate::undo_links::noticed;

const LONG: Duration = Duration::from_secs(400 * 86_400);

async fn sign_in(site: &Site, password: &str) -> StatusCode {
    let typed = json!({ "email": ANN, "password": password });
    site.browser().post_json("/login", typed).await.status
}

async fn is_confirmed(site: &Site) -> bool {
    site.user(ANN).await.unwrap().confirmed_at.is_some()
}

/// Registers Ann's address with [`PASSWORD`] as Eve. Returns Eve's browser, and the link that Ann
/// gets.
async fn eve_registers(site: &Site) -> (Browser, String) {
    let mut eve = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD });
    assert_eq!(eve.post_json("/register", typed).await.status, StatusCode::OK);
    (eve, mailed_link(site).await)
}

#[tokio::test]
async fn confirming_in_another_browser_does_not_confirm_the_password_of_whoever_registered() {
    let site = Setup::standard().build();
    let (_, first) = eve_registers(&site).await;
    let mut ann = site.browser();
    let typed = json!({ "email": ANN, "password": NEW });
    assert_eq!(ann.post_json("/register", typed).await.status, StatusCode::OK);
    // Ann cannot tell which of the two mails is hers.
    let second = mailed_link(&site).await;
    for link in [&first, &second] {
        let page = ann.get(link).await.text();
        assert!(page.contains("confirm_email_form") && page.contains("new_password"), "{page}");
        let asked = ann.get_json(link).await.json();
        assert_eq!(asked.pointer("/response/password_required"), Some(&json!(true)), "{asked}");
        assert_eq!(ann.post_form(link, &[]).await.status, StatusCode::OK);
        for typed in [json!({}), json!({ "password": NEW }), json!({ "new_password": "short" })] {
            let answer = ann.post_json(link, typed).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
            assert!(answer.json().pointer("/response/errors").is_some(), "{}", answer.text());
        }
        assert!(!is_confirmed(&site).await, "{link}");
    }
    let fields = [("new_password", NEW), ("new_password_confirm", NEW)];
    let answer = ann.post_form(&second, &fields).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    assert!(is_confirmed(&site).await);
    assert_eq!(sign_in(&site, PASSWORD).await, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in(&site, NEW).await, StatusCode::OK);
    // The links of Eve's registration are invalid now.
    let answer = site.browser().post_json(&first, json!({ "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_browser_that_registered_confirms_by_a_press_of_the_button() {
    for json in [true, false] {
        let site = Setup::standard().build();
        let mut ann = site.browser();
        let fields = [("email", ANN), ("password", PASSWORD)];
        match json {
            true => drop(
                ann.post_json("/register", json!({ "email": ANN, "password": PASSWORD })).await,
            ),
            false => drop(ann.post_form("/register", &fields).await),
        }
        let link = mailed_link(&site).await;
        assert!(ann.get(&link).await.text().contains("follow_link_form"));
        match json {
            true => assert_eq!(ann.post_json(&link, json!({})).await.status, StatusCode::OK),
            false => assert_eq!(ann.post_form(&link, &[]).await.status, StatusCode::FOUND),
        }
        assert!(is_confirmed(&site).await, "json: {json}");
        assert_eq!(sign_in(&site, PASSWORD).await, StatusCode::OK);
        // A second tab shows that the address is confirmed.
        let again = ann.post_json(&link, json!({})).await;
        assert!(again.text().contains("already confirmed"), "{}", again.text());
    }
}

#[tokio::test]
async fn the_password_of_the_registration_confirms_in_another_browser() {
    for json in [true, false] {
        let site = Setup::standard().build();
        register_ann(&site).await;
        let link = mailed_link(&site).await;
        let mut phone = site.browser();
        let answer = match json {
            true => phone.post_json(&link, json!({ "password": PASSWORD })).await,
            false => phone.post_form(&link, &[("password", PASSWORD)]).await,
        };
        let done = if json { StatusCode::OK } else { StatusCode::FOUND };
        assert_eq!(answer.status, done, "{}", answer.text());
        assert!(is_confirmed(&site).await);
        assert_eq!(sign_in(&site, PASSWORD).await, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_browser_vouches_for_its_latest_registration_alone() {
    let site = Setup::standard().build();
    let (mut shared, link) = eve_registers(&site).await;
    // Ann uses the same browser. The answer does not reveal that the account exists.
    let typed = json!({ "email": ANN, "password": NEW });
    assert_eq!(shared.post_json("/register", typed).await.status, StatusCode::OK);
    assert_eq!(shared.post_json(&link, json!({})).await.status, StatusCode::BAD_REQUEST);
    assert!(!is_confirmed(&site).await);
}

#[tokio::test]
async fn a_registration_leaves_the_same_session_whether_or_not_the_address_was_free() {
    let mut sessions = Vec::new();
    for known in [false, true] {
        let site = Setup::standard().build();
        if known {
            site.add_user(ANN).await;
        }
        let mut browser = site.browser();
        let typed = json!({ "email": ANN, "password": NEW });
        assert_eq!(browser.post_json("/register", typed).await.status, StatusCode::OK);
        sessions.push(browser.session_cookie().map(str::len));
    }
    assert!(sessions[0].is_some());
    assert_eq!(sessions[0], sessions[1]);
}

#[tokio::test]
async fn wrong_passwords_at_a_confirmation_link_count_as_attempts_to_sign_in() {
    let site = Setup::standard().build();
    let (_, link) = eve_registers(&site).await;
    let mut browser = site.browser();
    for _ in 0..20 {
        let answer = browser.post_json(&link, json!({ "password": NEW })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let answer = browser.post_json(&link, json!({ "password": PASSWORD })).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&site, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    // A new password does not count as a guess.
    let answer = browser.post_json(&link, json!({ "new_password": NEW })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn the_second_registration_of_an_unconfirmed_address_mails_a_link_that_confirms_it() {
    let site = Setup::standard().build();
    eve_registers(&site).await;
    let typed = json!({ "email": ANN, "password": NEW });
    site.browser().post_json("/register", typed.clone()).await;
    let mail = site.mails().await.pop().unwrap();
    assert_eq!(mail.template, "account_exists");
    let link = link_in(&mail).unwrap();
    assert!(link.starts_with("/confirm/"), "{link}");
    let answer = site.browser().post_json(&link, json!({ "new_password": NEW })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    site.browser().post_json("/register", typed).await;
    let mail = site.mails().await.pop().unwrap();
    assert!(!link_in(&mail).unwrap().starts_with("/confirm/"), "it is confirmed");
}

/// Returns a site whose accounts have a username and a nickname, and can be used before they are
/// confirmed.
fn lenient() -> Setup {
    let mut setup = named();
    setup.config.disclosure = Disclosure::Explicit;
    setup.config.unified = Some(Unified::default());
    setup.config.recovery.as_mut().unwrap().confirms = false;
    setup.config.confirmation.as_mut().unwrap().sign_in_without = true;
    setup
}

fn named() -> Setup {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let mut field = ExtraField::new("nickname", "Nickname");
    field.max_length = 40;
    setup.config.registration.as_mut().unwrap().fields.push(field);
    setup
}

fn planted(user: &User) -> bool {
    user.username.as_deref() == Some("evelyn")
        || user.attributes.get("nickname").is_some_and(|name| name == "eve")
        || user.second_factor.totp_secret.is_some()
        || !user.recovery_codes.is_empty()
        || !user.sign_in_secrets.is_empty()
        || user.phone.is_some()
}

#[tokio::test]
async fn nothing_that_was_set_up_before_survives_a_new_password_at_the_confirmation_link() {
    let site = lenient().build();
    let mut eve = site.browser();
    let typed = json!({
        "email": ANN, "password": PASSWORD, "username": "evelyn", "nickname": "eve",
    });
    assert_eq!(eve.post_json("/register", typed).await.status, StatusCode::OK);
    let link = mailed_link(&site).await;
    assert_eq!(eve.who().await.as_deref(), Some(ANN));
    let (state, key) = begin_method(&mut eve).await;
    assert_eq!(prove_method(&mut eve, &state, &code(&site, &key)).await, StatusCode::OK);
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    let mut remembered = site.browser();
    assert_eq!(remembered.post_json("/login", typed).await.status, StatusCode::OK);
    let factor = choose_app(&mut eve).await;
    assert_eq!(give(&mut eve, &code(&site, &factor)).await, StatusCode::OK);
    assert_eq!(eve.who().await.as_deref(), Some(ANN));
    let undo = noticed(&site).await;
    // Links from before the second factor were revoked with it.
    site.browser().post_json("/confirm", json!({ "email": ANN })).await;
    let link_now = mailed_link(&site).await;
    let typed = json!({ "new_password": NEW });
    assert_eq!(
        site.browser().post_json(&link, typed.clone()).await.status,
        StatusCode::BAD_REQUEST
    );
    let mut ann = site.browser();
    let page = ann.get(&link_now).await.text();
    assert!(page.contains("username") && page.contains("nickname"), "{page}");
    assert!(!page.contains("evelyn"), "what another typed is not suggested: {page}");
    let answer = ann.post_json(&link_now, typed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let user = site.user(ANN).await.unwrap();
    assert!(user.confirmed_at.is_some() && !planted(&user), "{user:?}");
    assert_eq!(user.sign_ins.current_ip, None, "her browser is not at home there");
    assert_eq!((eve.who().await, remembered.who().await), (None, None));
    assert_eq!(sign_in(&site, NEW).await, StatusCode::OK);
    // The notice of a change from before leads back to nothing.
    let undone = site.browser().post_json(&undo, json!({})).await;
    assert_eq!(undone.status, StatusCode::BAD_REQUEST);
    assert_eq!(sign_in(&site, NEW).await, StatusCode::OK);
    // The username that Eve had set is free again.
    let typed = json!({
        "email": "zoe@site.test", "password": NEW, "username": "evelyn", "nickname": "zoe",
    });
    assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_of_an_unconfirmed_account_asks_for_its_details_anew() {
    let site = named().build();
    let typed = json!({
        "email": ANN, "password": PASSWORD, "username": "evelyn", "nickname": "eve",
    });
    assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
    site.mails().await;
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let mut ann = site.browser();
    let page = ann.get(&link).await.text();
    assert!(page.contains("name=\"username\"") && page.contains("nickname"), "{page}");
    let fields = [("password", NEW), ("password_confirm", "another one altogether")];
    let page = ann.post_form(&link, &fields).await.text();
    assert!(page.contains("name=\"username\""), "the form comes back whole: {page}");
    let typed = json!({ "password": NEW, "password_confirm": NEW, "username": "annabel" });
    let answer = ann.post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let user = site.user(ANN).await.unwrap();
    assert!(user.confirmed_at.is_some() && !planted(&user), "{user:?}");
    assert_eq!(user.username.as_deref(), Some("annabel"));
    // A confirmed account keeps its details.
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    assert!(!ann.get(&link).await.text().contains("name=\"username\""));
    let typed = json!({ "password": PASSWORD, "password_confirm": PASSWORD });
    assert_eq!(ann.post_json(&link, typed).await.status, StatusCode::OK);
    assert_eq!(site.user(ANN).await.unwrap().username.as_deref(), Some("annabel"));
}

#[tokio::test]
async fn a_name_that_somebody_has_is_refused_at_a_fresh_start() {
    let site = named().build();
    let zoe = json!({
        "email": "zoe@site.test", "password": NEW, "username": "zoezoe", "nickname": "z",
    });
    assert_eq!(site.browser().post_json("/register", zoe).await.status, StatusCode::OK);
    let (_, link) = eve_registers(&site).await;
    let typed = json!({ "new_password": NEW, "username": "ZoeZoe" });
    let answer = site.browser().post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json().pointer("/response/errors/username").is_some(), "{}", answer.text());
    assert!(!is_confirmed(&site).await);
}

#[tokio::test]
async fn an_account_without_a_password_loses_the_details_that_another_browser_typed() {
    let mut setup = named();
    setup.config.unified = Some(Unified::default());
    let site = setup.build();
    let typed = json!({ "email": ANN, "username": "evelyn", "nickname": "eve" });
    assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
    let link = mailed_link(&site).await;
    let mut ann = site.browser();
    let page = ann.get(&link).await.text();
    assert!(page.contains("confirm_afresh_form") && !page.contains("new_password"), "{page}");
    let answer = ann.post_form(&link, &[("username", "annabel")]).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    let user = site.user(ANN).await.unwrap();
    assert!(user.confirmed_at.is_some() && !planted(&user), "{user:?}");
    assert_eq!((user.username.as_deref(), user.password), (Some("annabel"), None));
}

#[tokio::test]
async fn flask_securitys_profile_confirms_whoever_registered() {
    let site = Setup::flask_security_4().build();
    let (_, link) = eve_registers(&site).await;
    assert_eq!(site.browser().get(&link).await.status, StatusCode::FOUND);
    assert!(is_confirmed(&site).await);
    assert_eq!(sign_in(&site, PASSWORD).await, StatusCode::OK);
}

/// Returns an expired link of a kind.
async fn expired(setup: fn() -> Setup, kind: &str) -> (Site, String) {
    let mut setup = setup();
    let rules = SignInLinks::new(Duration::from_secs(3_600));
    setup.config.sign_in_links = (kind == "sign in").then_some(rules);
    let site = setup.build();
    match kind {
        "confirm" => register_ann(&site).await,
        "reset" => {
            site.add_user(ANN).await;
            ask_for_reset(&site).await;
        }
        _ => {
            site.add_user(ANN).await;
            site.browser().post_json("/login", json!({ "email": ANN })).await;
        }
    }
    let link = mailed_link(&site).await;
    site.clock.advance(LONG);
    (site, link)
}

#[tokio::test]
async fn opening_a_link_that_is_too_old_mails_nothing_and_its_button_mails_a_new_one() {
    for kind in ["confirm", "reset", "sign in"] {
        let (site, link) = expired(Setup::standard, kind).await;
        let before = site.dump().await;
        let mut browser = site.browser();
        for method in [Method::GET, Method::HEAD] {
            for request in [Browser::request, Browser::json_request] {
                let answer: Answer = browser.send(request(method.clone(), &link)).await;
                assert!(answer.status.is_success() || answer.status.is_client_error(), "{kind}");
            }
        }
        // A form sent by another site's page has no effect either.
        let form = Browser::request(Method::POST, &link);
        let kind_of = "application/x-www-form-urlencoded";
        browser.send(Browser::with_body(form, kind_of, "")).await;
        assert!(site.mails().await.is_empty(), "{kind}");
        assert!(site.dump().await == before, "{kind}: something was written");
        assert!(browser.get(&link).await.text().contains("Send me a new link"), "{kind}");
        assert_eq!(browser.post_form(&link, &[]).await.status, StatusCode::FOUND, "{kind}");
        assert_eq!(site.mails().await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn flask_securitys_profile_mails_a_new_link_when_an_old_one_is_opened_but_not_by_head() {
    for kind in ["confirm", "reset", "sign in"] {
        let (site, link) = expired(Setup::flask_security_4, kind).await;
        let mut browser = site.browser();
        browser.send(Browser::request(Method::HEAD, &link)).await;
        assert!(site.mails().await.is_empty(), "{kind}");
        assert_eq!(browser.get(&link).await.status, StatusCode::FOUND, "{kind}");
        assert_eq!(site.mails().await.len(), 1, "{kind}");
    }
}

/// A registration with an address that has an account reserves the username, as a new account does.
/// Nobody takes it by confirming an address of their own with it.
#[tokio::test]
async fn a_reserved_username_is_not_free_for_a_confirmation() {
    for exists in [true, false] {
        let mut setup = Setup::standard();
        setup.config.usernames = true;
        let site = setup.build();
        if exists {
            site.add_user(ANN).await;
        }
        let typed = json!({ "email": ANN, "password": PASSWORD, "username": "otter" });
        assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
        site.mails().await;
        let typed = json!({ "email": "eve@site.test", "password": PASSWORD, "username": "" });
        assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
        let link = mailed_link(&site).await;
        let confirm = async |username: &str, password: &str, again: &str| {
            let typed = json!({
                "new_password": password, "new_password_confirm": again, "username": username,
            });
            site.browser().post_json(&link, typed).await
        };
        // A mistake in the password is told alike for a reserved name and for one of an account.
        for (password, again) in [(NEW, PASSWORD), ("password1", "password1")] {
            let wrong = confirm("otter", password, again).await;
            assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{exists} {}", wrong.text());
            let errors = wrong.json().pointer("/response/errors").cloned().unwrap_or_default();
            assert!(errors.get("username").is_none(), "{exists} {errors}");
        }
        let taken = confirm("otter", NEW, NEW).await;
        assert_eq!(taken.status, StatusCode::BAD_REQUEST, "{exists} {}", taken.text());
        assert!(taken.json().pointer("/response/errors/username").is_some(), "{}", taken.text());
        let free = confirm("marten", NEW, NEW).await;
        assert_eq!(free.status, StatusCode::OK, "{exists} {}", free.text());
    }
}

/// The owner of an address that somebody else had registered confirms it with the username of their
/// own registration, which was reserved for it.
#[tokio::test]
async fn an_owner_confirms_with_the_username_of_their_own_registration() {
    let mut setup = Setup::standard();
    setup.config.usernames = true;
    let site = setup.build();
    for (password, username) in [(PASSWORD, "weasel"), (NEW, "otter")] {
        let typed = json!({ "email": ANN, "password": password, "username": username });
        assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
    }
    let link = mailed_link(&site).await;
    let typed = json!({ "new_password": NEW, "new_password_confirm": NEW, "username": "otter" });
    let answer = site.browser().post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(site.user(ANN).await.unwrap().username.as_deref(), Some("otter"));
}
