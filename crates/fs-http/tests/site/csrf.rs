//! Tests that forged cross-site requests change nothing in the default profile.

use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::Value;

use crate::people::{ANN, PROFILES, mailed_link, sign_ann_in, with_header};
use crate::scene::{FORM, JSON, MULTIPART, Scene, form, multipart};

/// Returns the bodies that another site's page can send, and JSON, which it cannot send without a
/// preflight.
fn bodies(fields: &Value) -> [(&'static str, String); 4] {
    let object = fields.as_object().unwrap();
    [
        (FORM, form(object)),
        (MULTIPART, multipart(object)),
        ("text/plain", fields.to_string()),
        (JSON, fields.to_string()),
    ]
}

fn from_elsewhere(mut request: Request<bytes::Bytes>) -> Request<bytes::Bytes> {
    for (name, value) in [("origin", "https://evil.test"), ("referer", "https://evil.test/")] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn a_form_without_a_token_of_this_browser_changes_nothing() {
    let scene = Scene::new(Setup::standard).await;
    let others = sign_ann_in(&scene.site).await.csrf_token().await;
    let before = scene.site.dump().await;
    let tokens =
        [None, Some(""), Some("AAAA"), Some(others.as_str()), Some(scene.csrf[0].as_str())];
    for (signed_in, target, body) in &scene.endpoints {
        for token in tokens {
            let own = !signed_in && token == Some(scene.csrf[0].as_str());
            if own {
                continue;
            }
            let mut body = body.clone();
            if let Some(token) = token {
                body["csrf_token"] = token.into();
            }
            for (kind, body) in bodies(&body) {
                let mut browser = match signed_in {
                    true => scene.ann.clone(),
                    false => scene.stranger.clone(),
                };
                let request = Browser::request(Method::POST, target);
                let request = from_elsewhere(Browser::with_body(request, kind, body));
                let answer = browser.send(request).await;
                let case = format!("{target} {kind} {token:?}: {}", answer.status);
                assert!(answer.location().is_none(), "{case}");
                assert!(scene.site.dump().await == before, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_link_signs_nobody_out() {
    let scene = Scene::new(Setup::standard).await;
    let answer = scene.ann.clone().get("/logout").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    scene.assert_untouched("a link").await;
}

#[tokio::test]
async fn a_token_from_before_signing_in_or_out_is_worth_nothing() {
    let scene = Scene::new(Setup::standard).await;
    let mut browser = scene.stranger.clone();
    let old = browser.csrf_token().await;
    browser.sign_in(ANN, PASSWORD).await;
    let mut verify = browser.form("/verify", &[("password", PASSWORD)]).await;
    let good = verify.clone();
    *verify.body_mut() = format!("password=marble+otter+candle+seven&csrf_token={old}").into();
    assert_eq!(browser.clone().send(verify).await.status, StatusCode::BAD_REQUEST);
    let signed_in = browser.csrf_token().await;
    assert_eq!(browser.send(good).await.status, StatusCode::FOUND);
    browser.post_form("/logout", &[]).await;
    let request = Browser::request(Method::POST, "/login");
    let body =
        format!("email=ann%40site.test&password=marble+otter+candle+seven&csrf_token={signed_in}");
    let answer = browser.send(Browser::with_body(request, FORM, body)).await;
    assert_eq!(answer.location(), None);
    assert_eq!(browser.who().await, None);
}

#[tokio::test]
async fn a_route_for_anybody_asks_those_for_a_token_who_are_signed_in() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    // The page `/` of the site admits everybody.
    let forged = from_elsewhere(Browser::request(Method::POST, "/"));
    assert_eq!(ann.send(forged.clone()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.browser().send(forged).await.status, StatusCode::OK);
    let form = ann.form("/", &[]).await;
    assert_eq!(ann.send(form).await.text(), ANN);
}

#[tokio::test]
async fn nobody_is_signed_out_from_elsewhere_where_everything_is_checked() {
    let mut setup = Setup::standard();
    setup.http.csrf.scope = fs_http::config::CsrfScope::Everything;
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let forged = from_elsewhere(Browser::request(Method::POST, "/logout"));
    assert_eq!(ann.send(forged).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ann.who().await.as_deref(), Some(ANN));
    let form = ann.form("/logout", &[]).await;
    ann.send(form).await;
    assert_eq!(ann.who().await, None);
}

/// A forged sign-out of a browser without a session takes nothing else from it.
#[tokio::test]
async fn a_forged_sign_out_takes_nothing_from_a_browser_without_a_session() {
    let forged = || {
        let request = from_elsewhere(Browser::request(Method::POST, "/logout"));
        Browser::with_body(request, FORM, "a=b")
    };
    let site = Setup::standard().build();
    let mut browser = site.browser();
    browser.post_form("/register", &[("email", ANN), ("password", PASSWORD)]).await;
    let link = mailed_link(&site).await;
    browser.send(forged()).await;
    // The browser still vouches for its registration.
    assert_eq!(browser.post_form(&link, &[]).await.status, StatusCode::FOUND);

    let mut setup = Setup::standard();
    setup.config.sessions.end_with_deactivation = false;
    let site = setup.build();
    let user = site.add_user(ANN).await.id;
    let mut browser = sign_ann_in(&site).await;
    browser.cookies.retain(|name, _| name.contains("remember"));
    site.core().admin().deactivate_user(&user).await.unwrap();
    browser.send(forged()).await;
    site.core().admin().activate_user(&user).await.unwrap();
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
}

/// Checks that a forged form ends no session. The browser does not send the cookie with it, but
/// would accept a new one.
#[tokio::test]
async fn a_form_of_another_site_ends_nobodys_session() {
    for setup in PROFILES {
        nobodys_session_ends(&setup().build()).await;
    }
}

async fn nobodys_session_ends(site: &Site) {
    let typed = [("email", ANN), ("password", PASSWORD)];
    for (header, from, written) in [
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "same-origin", true),
        ("sec-fetch-site", "none", true),
        // Of browsers that do not send it.
        ("origin", "https://evil.test", false),
        ("origin", "null", false),
        ("origin", "https://site.test", true),
    ] {
        let mut form = Browser::request(Method::POST, "/login");
        *form.body_mut() = "email=a&password=b".into();
        let form = with_header(form, "content-type", "application/x-www-form-urlencoded");
        let answer = site.browser().send(with_header(form, header, from)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(!answer.cookies().is_empty(), written, "{from}");
    }
    // Rocket takes a form with `_method` for a GET request. Browsers send no origin with links.
    let page =
        || with_header(Browser::request(Method::GET, "/login"), "sec-fetch-site", "cross-site");
    let answer = site.browser().send(with_header(page(), "origin", "https://evil.test")).await;
    assert!(answer.cookies().is_empty());
    // A person who follows a link from there can sign in as usual.
    site.add_user(ANN).await;
    let mut browser = site.browser();
    browser.send(page()).await;
    assert_eq!(browser.post_form("/login", &typed).await.status, StatusCode::FOUND);
}
