//! Tests of buttons pressed twice, forms left open for long, and answers that arrive late.

use std::time::Duration;

use bytes::Bytes;
use fs_core::config::SignInLinks;
use fs_core::model::UserField;
use fs_core::password::{HashingRules, NewHash, PasswordHasher, Scratch};
use fs_core::port::Change;
use fs_core::secret::Secret;
use fs_http::BodyRead;
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use crate::factors::{add_with, code, every_way, key, pending};
use crate::people::{
    ANN, NEW, PROFILES, ask_for_reset, is_ann, mailed_link, register_ann, sign_ann_in, with_basic,
};

const DONE: &str = "This was done already";

/// Returns the message above the form of the next page.
async fn told(browser: &mut Browser) -> String {
    browser.clone().get("/reset").await.text()
}

fn led_to(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    answer.location().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_press_at_a_reset_is_told_that_it_is_done() {
    for setup in PROFILES {
        let mut setup = setup();
        setup.config.recovery.as_mut().unwrap().sign_in_after = false;
        let site = setup.build();
        site.add_user(ANN).await;
        ask_for_reset(&site).await;
        let link = mailed_link(&site).await;
        let typed = [("password", NEW), ("password_confirm", NEW)];
        let mut browser = site.browser();
        let form = browser.form(&link, &typed).await;
        let first = led_to(&browser.send(form.clone()).await);
        let before = site.dump().await;
        let second = led_to(&browser.send(form).await);
        assert_eq!(first, second);
        assert!(told(&mut browser).await.contains(DONE));
        assert!(site.dump().await == before, "nothing happens a second time");
        // No other password was set, and an unrelated caller learns nothing.
        let other = [("password", PASSWORD), ("password_confirm", PASSWORD)];
        browser.post_form(&link, &other).await;
        assert!(!is_ann(&site, with_basic(ANN, PASSWORD)).await);
        let mut stranger = site.browser();
        stranger.post_form(&link, &typed).await;
        assert!(!told(&mut stranger).await.contains(DONE));
    }
}

#[tokio::test]
async fn a_double_click_at_a_change_of_password_is_told_that_it_is_done() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = sign_ann_in(&site).await;
        let typed = [("password", PASSWORD), ("new_password", NEW), ("new_password_confirm", NEW)];
        let form = ann.form("/change", &typed).await;
        let first = led_to(&ann.send(form.clone()).await);
        assert_eq!(led_to(&ann.send(form).await), first);
        assert_eq!(ann.who().await.as_deref(), Some(ANN));
        assert!(is_ann(&site, with_basic(ANN, NEW)).await);
        // Both requests are sent at once with the same cookie. The later answer must not sign her
        // out.
        let mut copy = ann.clone();
        let back =
            [("password", NEW), ("new_password", PASSWORD), ("new_password_confirm", PASSWORD)];
        let form = copy.form("/change", &back).await;
        let mut late = copy.clone();
        led_to(&copy.send(form.clone()).await);
        for (name, value) in late.send(form).await.cookies() {
            copy.cookies.insert(name, value);
        }
        assert_eq!(copy.who().await.as_deref(), Some(ANN));
        let mut ann = copy;
        // The answer does not reveal the current password.
        let guess =
            [("password", "a wrong otter"), ("new_password", NEW), ("new_password_confirm", NEW)];
        assert_ne!(ann.post_form("/change", &guess).await.status, StatusCode::FOUND);
    }
}

#[tokio::test]
async fn a_copied_cookie_does_not_tell_what_was_typed() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let typed = [("password", PASSWORD), ("new_password", NEW), ("new_password_confirm", NEW)];
    led_to(&ann.post_form("/change", &typed).await);
    let mut copy = ann.clone();
    let answer = copy.post_form("/change", &typed).await;
    assert_eq!(answer.status, StatusCode::OK, "the password is wrong by now: {}", answer.text());
    let without_token = Browser::request(Method::POST, "/change");
    let form = "application/x-www-form-urlencoded";
    let body = format!("password={PASSWORD}&new_password={NEW}&new_password_confirm={NEW}");
    let answer = copy.send(Browser::with_body(without_token, form, body)).await;
    assert_ne!(answer.status, StatusCode::FOUND, "{}", answer.text());
}

#[tokio::test]
async fn the_same_code_twice_leads_where_it_led_before() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        let copy = browser.clone();
        let code = code(&site, &key);
        let typed = [("code", code.as_str())];
        let form = browser.form("/tf-validate?next=/private", &typed).await;
        let first = led_to(&browser.send(form.clone()).await);
        assert_eq!(first, "/private");
        assert_eq!(led_to(&browser.send(form).await), first);
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
        // A copy of the earlier cookie does not sign in with the code.
        let mut copy = copy;
        copy.post_form("/tf-validate?next=/private", &typed).await;
        assert_eq!(copy.who().await, None);
        // The cookie is not valid for the next sign-in in the same browser either.
        browser.post_json("/logout", json!({})).await;
        browser.post_json("/login", json!({ "email": ANN, "password": PASSWORD })).await;
        browser.post_form("/tf-validate?next=/private", &typed).await;
        assert_eq!(browser.who().await, None);
    }
}

#[tokio::test]
async fn a_long_redirect_target_leaves_room_for_the_session() {
    for setup in every_way() {
        let (site, key) = (setup.build(), key(1));
        add_with(&site, ANN, &key).await;
        let mut browser = pending(&site, ANN).await;
        let target = format!("/private?{}", "x".repeat(3_000));
        let next: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let code = code(&site, &key);
        let form = browser.form(&format!("/tf-validate?next={next}"), &[("code", &code)]).await;
        assert_eq!(led_to(&browser.send(form).await), target);
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn a_second_press_of_a_links_button_is_told_that_it_is_done() {
    let mut setup = Setup::standard();
    setup.config.sign_in_links = Some(SignInLinks::new(Duration::from_secs(600)));
    let site = setup.build();
    register_ann(&site).await;
    let link = mailed_link(&site).await;
    let mut browser = site.browser();
    // A browser that did not register must give the password.
    let typed = [("password", PASSWORD)];
    let form = browser.form(&link, &typed).await;
    let first = led_to(&browser.send(form.clone()).await);
    assert_eq!(led_to(&browser.send(form).await), first);
    assert!(told(&mut browser).await.contains(DONE));

    browser.post_json("/login", json!({ "email": ANN })).await;
    let link = mailed_link(&site).await;
    let form = browser.form(&link, &[]).await;
    let first = led_to(&browser.send(form.clone()).await);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    assert_eq!(led_to(&browser.send(form).await), first);
    let mut stranger = site.browser();
    stranger.post_form(&link, &[]).await;
    assert_eq!(stranger.who().await, None);
}

#[tokio::test]
async fn a_link_for_strangers_tells_who_is_signed_in_what_to_do() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let mut ann = sign_ann_in(&site).await;
    let page = ann.get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("sign out and open it again"), "{}", page.text());
    ann.post_form("/logout", &[]).await;
    assert!(ann.get(&link).await.text().contains("new-password"));
}

#[tokio::test]
async fn after_a_reset_nothing_is_said_that_is_not_true() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        ask_for_reset(&site).await;
        let link = mailed_link(&site).await;
        let mut browser = site.browser();
        browser.post_form(&link, &[("password", NEW), ("password_confirm", NEW)]).await;
        let is_in = browser.who().await.is_some();
        let page = browser.get(if is_in { "/change" } else { "/login" }).await.text();
        assert!(page.contains("Your new password is set."), "{page}");
        assert!(is_in || !page.contains("you are signed in"), "{page}");
    }
}

async fn import(site: &Site, text: &str) {
    let create = NewHash::Bcrypt { cost: 10 };
    let mut rules = HashingRules::cheapest_for_tests();
    rules.create = create;
    let hasher = PasswordHasher::new(rules).unwrap();
    let hash = hasher.hash(&Secret::from(text), [7; 16], &mut Scratch::new()).unwrap();
    let user = site.user(ANN).await.unwrap().id;
    let set = vec![UserField::Password(Some(hash))];
    site.write(Change::UpdateUser { user, expect: Vec::new(), set }).await;
}

#[tokio::test]
async fn a_reset_link_outlives_a_hash_that_is_made_anew_but_no_change_of_password() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    import(&site, PASSWORD).await;
    let imported = site.user(ANN).await.unwrap().password;
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let mut ann = sign_ann_in(&site).await;
    assert_ne!(site.user(ANN).await.unwrap().password, imported, "the hash is made anew");
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    let answer = site.browser().post_json(&link, typed.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = site.browser().post_json(&link, typed.clone()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "it works once");

    ann.sign_in(ANN, NEW).await;
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let change =
        json!({ "password": NEW, "new_password": PASSWORD, "new_password_confirm": PASSWORD });
    assert_eq!(ann.post_json("/change", change).await.status, StatusCode::OK);
    let answer = site.browser().post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "the password was changed");
}

#[tokio::test]
async fn a_handler_that_answers_late_does_not_bring_an_earlier_sign_in_back() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = site.browser();
        ann.sign_in(ANN, PASSWORD).await;
        let (mut parts, _) = Browser::request(Method::GET, "/").into_parts();
        let pairs = ann.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let pairs = pairs.collect::<Vec<_>>().join("; ");
        parts.headers.insert(COOKIE, HeaderValue::from_str(&pairs).unwrap());
        let late = site.web.open(&parts, BodyRead::NotRead, None).await;
        assert!(late.current().await.unwrap().is_some());

        let verified = ann.post_json("/verify", json!({ "password": PASSWORD })).await;
        assert_eq!(verified.status, StatusCode::OK);

        late.with_session(|session| session.insert("cart", 3.into()));
        let answer = late.finish(Response::new(Bytes::new()));
        let written = answer.headers().get_all(SET_COOKIE).iter();
        for line in written.filter_map(|line| line.to_str().ok()) {
            let pair = line.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            ann.cookies.insert(name.to_owned(), value.to_owned());
        }
        assert_eq!(ann.who().await.as_deref(), Some(ANN), "still signed in");
        assert_eq!(ann.get_json("/fresh").await.status, StatusCode::OK, "and fresh");
        assert_eq!(cart(&site, &ann).await, Some(3.into()), "and the data is there");

        let mut bob = ann.clone();
        bob.post_json("/logout", json!({})).await;
        assert_eq!(cart(&site, &bob).await, None);
        // A copy of the data is of no use to the next user of the browser.
        let copy = ann.cookies.into_iter().filter(|(name, _)| name.ends_with("-data"));
        bob.cookies.extend(copy);
        assert_eq!(cart(&site, &bob).await, None);
    }
}

async fn cart(site: &Site, browser: &Browser) -> Option<serde_json::Value> {
    let (mut parts, _) = Browser::request(Method::GET, "/").into_parts();
    let pairs = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let pairs = pairs.collect::<Vec<_>>().join("; ");
    parts.headers.insert(COOKIE, HeaderValue::from_str(&pairs).unwrap());
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    exchange.with_session(|session| session.get("cart").cloned())
}

#[tokio::test]
async fn a_form_whose_token_is_out_of_date_comes_back_filled_in() {
    let form = "application/x-www-form-urlencoded";
    for setup in every_way() {
        let site = setup.build();
        site.add_user(ANN).await;
        let mut ann = sign_ann_in(&site).await;
        let old = site.browser().csrf_token().await;
        let before = site.dump().await;
        for (target, fields, kept) in [
            ("/us-setup", "chosen_method=email", "value=\"email\" checked"),
            ("/tf-setup", "setup=email", "value=\"email\" checked"),
            ("/change", "password=a&new_password=b&new_password_confirm=c", "new_password_confirm"),
            ("/verify", "password=a", "name=\"password\""),
        ] {
            let request = Browser::request(Method::POST, target);
            let body = format!("{fields}&csrf_token={old}");
            let answer = ann.send(Browser::with_body(request, form, body)).await;
            let page = answer.text();
            if !site.web.config().csrf.enabled {
                continue;
            }
            assert!(page.contains("earlier session"), "{target}: {page}");
            assert!(page.contains(kept), "{target}: {page}");
            assert!(page.contains("name=\"csrf_token\""), "{target}: {page}");
            assert!(!page.contains("value=\"a\"") && !page.contains("value=\"b\""), "{target}");
            assert!(site.dump().await == before, "{target}");
        }
    }
}
