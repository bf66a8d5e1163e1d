//! Tests that links in mails ask for confirmation first, and sign in nobody who may not sign in
//! otherwise.

use std::time::Duration;

use fs_core::config::{SignInLinks, Unified};
use fs_core::limit::Limits;
use fs_core::model::UserField;
use fs_core::port::{Change, UserLookup};
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site, link_in};
use http::{Method, StatusCode};
use serde_json::json;

use crate::people::{ANN, NEW, PROFILES, ask_for_reset, mailed_link, register_ann};

/// Link that signs in or confirms.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    Confirm,
    SignIn,
    Code,
}

const LINKS: [Link; 3] = [Link::Confirm, Link::SignIn, Link::Code];

/// Returns a site whose pages are those of a single-page application.
fn spa() -> Setup {
    let mut setup = Setup::standard();
    setup.http.redirects.spa = true;
    let page = |name: &str| Some(format!("https://app.test/{name}"));
    let views = &mut setup.http.views;
    (views.after_confirm, views.confirm_error) = (page("in"), page("out"));
    (views.after_sign_in, views.sign_in_error) = (page("in"), page("out"));
    setup
}

/// Creates a site, and a link of that kind, mailed to Ann.
async fn mailed(setup: fn() -> Setup, kind: Link) -> (Site, String) {
    let mut setup = setup();
    setup.config.limits = Limits::flask_security_4();
    setup.config.unified = (kind == Link::Code).then(Unified::default);
    let rules = SignInLinks::new(Duration::from_secs(3_600));
    setup.config.sign_in_links = (kind == Link::SignIn).then_some(rules);
    let site = setup.build();
    let mut browser = site.browser();
    match kind {
        Link::Confirm => register_ann(&site).await,
        Link::SignIn => {
            site.add_user(ANN).await;
            drop(browser.post_json("/login", json!({ "email": ANN })).await);
        }
        Link::Code => {
            site.add_user(ANN).await;
            let ask = json!({ "identity": ANN, "chosen_method": "email" });
            drop(browser.post_json("/us-signin/send-code", ask).await);
        }
    }
    let link = mailed_link(&site).await;
    (site, link)
}

#[tokio::test]
async fn whatever_opens_a_link_does_nothing_by_that() {
    for kind in LINKS {
        let (site, link) = mailed(Setup::standard, kind).await;
        let before = site.dump().await;
        let mut scanner = site.browser();
        for method in [Method::GET, Method::HEAD] {
            for request in [Browser::request, Browser::json_request] {
                let answer = scanner.send(request(method.clone(), &link)).await;
                assert_eq!(answer.status, StatusCode::OK, "{kind:?} {method}");
            }
        }
        // A form sent by another site's page has no effect either.
        let form = Browser::request(Method::POST, &link);
        let form = Browser::with_body(form, "application/x-www-form-urlencoded", "");
        assert_eq!(scanner.send(form).await.location(), None, "{kind:?}");
        assert!(site.dump().await == before, "{kind:?}: something was written");
        assert!(site.mails().await.is_empty(), "{kind:?}");

        // Ann presses the button.
        let mut ann = site.browser();
        let page = ann.get(&link).await;
        assert_eq!(page.headers["cache-control"], "no-store");
        let page = page.text();
        let form = if kind == Link::Confirm { "confirm_email_form" } else { "follow_link_form" };
        assert!(page.contains(form) && !page.contains("http://"), "{page}");
        assert_eq!(ann.follow(&link).await.status, StatusCode::FOUND, "{kind:?}");
        match kind {
            Link::Confirm => assert!(site.user(ANN).await.unwrap().confirmed_at.is_some()),
            _ => assert_eq!(ann.who().await.as_deref(), Some(ANN), "{kind:?}"),
        }
    }
}

#[tokio::test]
async fn a_program_that_follows_a_link_is_told_what_came_of_it() {
    for (kind, setup) in
        LINKS.into_iter().flat_map(|kind| [(kind, Setup::standard as fn() -> Setup), (kind, spa)])
    {
        let (site, link) = mailed(setup, kind).await;
        let mut program = site.browser();
        let answer = program.post_json(&link, json!({ "password": PASSWORD })).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind:?} {}", answer.text());
        assert_eq!(program.who().await.is_some(), kind != Link::Confirm, "{kind:?}");

        // The link works only once.
        let answer = site.browser().post_json(&link, json!({})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind:?}");
        assert!(answer.json()["response"]["error"].is_string(), "{}", answer.text());
    }
}

/// Checks that the second factor is given next. Otherwise a single-page application would be told
/// of a second factor for which no sign-in waits.
#[tokio::test]
async fn a_program_that_follows_a_link_gives_the_second_factor_next() {
    for (kind, setup) in [Link::SignIn, Link::Code]
        .into_iter()
        .flat_map(|kind| [(kind, Setup::standard as fn() -> Setup), (kind, spa)])
    {
        let (site, link) = mailed(setup, kind).await;
        let user = site.user(ANN).await.unwrap();
        let key = TotpSecret::from_random([1; 20]);
        let sealed = site.core().second_factors().seal_totp(&key).await.unwrap();
        site.core()
            .admin()
            .set_second_factor(
                &user,
                fs_core::config::CodeMethod::Authenticator,
                Some(sealed),
                None,
            )
            .await
            .unwrap();
        let mut program = site.browser();
        let answer = program.post_json(&link, json!({})).await;
        assert_eq!(answer.json()["response"]["tf_required"], true, "{kind:?} {}", answer.text());
        assert_eq!(program.who().await, None, "{kind:?}");
        let code = TotpRules::default().code_at(&key, site.core().now());
        let answer = program.post_json("/tf-validate", json!({ "code": code.expose() })).await;
        assert_eq!(answer.status, StatusCode::OK, "{kind:?} {}", answer.text());
        assert_eq!(program.who().await.as_deref(), Some(ANN), "{kind:?}");
    }
}

/// Checks that a browser, which sends a form, is redirected to the application's own page.
#[tokio::test]
async fn a_person_who_follows_a_link_is_led_to_the_application() {
    for kind in LINKS {
        let (site, link) = mailed(spa, kind).await;
        for page in ["https://app.test/in?", "https://app.test/out?"] {
            let answer = site.browser().follow(&link).await;
            assert_eq!(answer.status, StatusCode::FOUND, "{kind:?}");
            let to = answer.location().unwrap();
            assert!(to.starts_with(page), "{kind:?} {to}");
        }
    }
}

#[tokio::test]
async fn a_link_signs_nobody_in_who_may_not() {
    for setup in PROFILES {
        for kind in [Link::SignIn, Link::Code] {
            for field in [UserField::ConfirmedAt(None), UserField::Active(false)] {
                let (site, link) = mailed(setup, kind).await;
                let user = site.user(ANN).await.unwrap().id;
                let (expect, set) = (Vec::new(), vec![field.clone()]);
                site.write(Change::UpdateUser { user, expect, set }).await;
                let mut browser = site.browser();
                assert_eq!(browser.follow(&link).await.status, StatusCode::FOUND);
                assert_eq!(browser.who().await, None, "{kind:?} {field:?}");
                if site.web.config().links_ask_first {
                    let answer = browser.post_json(&link, json!({})).await;
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind:?} {field:?}");
                    assert_eq!(browser.who().await, None, "{kind:?} {field:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_owner_of_an_address_takes_over_an_account_registered_by_another() {
    let site = Setup::standard().build();
    // An attacker who does not read Ann's mail uses a password of their own.
    register_ann(&site).await;
    drop(site.mails().await);
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    let answer = site.browser().post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let mut browser = site.browser();
    browser.sign_in(ANN, NEW).await;
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    let old = json!({ "email": ANN, "password": PASSWORD });
    let answer = site.browser().post_json("/login", old).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_link_that_was_mailed_to_another_address_resets_nothing() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    ask_for_reset(&site).await;
    let link = mailed_link(&site).await;
    let moved = "ann@elsewhere.test";
    site.write(Change::UpdateUser {
        user: site.user(ANN).await.unwrap().id,
        expect: Vec::new(),
        set: vec![UserField::Email(moved.to_owned())],
    })
    .await;
    let before = site.dump().await;
    let typed = json!({ "password": NEW, "password_confirm": NEW });
    let answer = site.browser().post_json(&link, typed).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(site.dump().await == before);
}

#[tokio::test]
async fn an_unconfirmed_account_gets_no_reset_link_where_a_reset_does_not_confirm() {
    let mut setup = Setup::standard();
    setup.config.recovery.as_mut().unwrap().confirms = false;
    let site = setup.build();
    register_ann(&site).await;
    drop(site.mails().await);
    ask_for_reset(&site).await;
    assert!(site.mails().await.iter().all(|mail| link_in(mail).is_none()));
    let by = UserLookup::Id(site.user(ANN).await.unwrap().id);
    assert!(site.core().store().user(&by).await.unwrap().unwrap().confirmed_at.is_none());
}
