//! Helpers for Ann, the user of most tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site, link_in};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::json;

pub(crate) const ANN: &str = "ann@site.test";
pub(crate) const NEW: &str = "another marble otter candle";
pub(crate) const PROFILES: [fn() -> Setup; 2] = [Setup::standard, Setup::flask_security_4];

/// Signs Ann in, with a remember cookie.
pub(crate) async fn sign_ann_in(site: &Site) -> Browser {
    let mut browser = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(browser.post_json("/login", typed).await.status, StatusCode::OK);
    browser
}

pub(crate) async fn register_ann(site: &Site) {
    let typed = json!({ "email": ANN, "password": PASSWORD });
    assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
}

pub(crate) async fn ask_for_reset(site: &Site) {
    let asked = site.browser().post_json("/reset", json!({ "email": ANN })).await;
    assert_eq!(asked.status, StatusCode::OK);
}

/// Returns the path of the link in the newest mail.
pub(crate) async fn mailed_link(site: &Site) -> String {
    link_in(&site.mails().await.pop().unwrap()).unwrap()
}

/// Returns a request with an additional header.
pub(crate) fn with_header(
    mut request: Request<Bytes>,
    name: &'static str,
    value: &str,
) -> Request<Bytes> {
    request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    request
}

/// Returns a request with a token, to a route that accepts every mechanism.
pub(crate) fn with_token(token: &str) -> Request<Bytes> {
    let request = Browser::request(Method::GET, "/every-way");
    with_header(request, "authentication-token", token)
}

pub(crate) fn with_basic(email: &str, password: &str) -> Request<Bytes> {
    let credentials = STANDARD.encode(format!("{email}:{password}"));
    let request = Browser::request(Method::GET, "/every-way");
    with_header(request, "authorization", &format!("Basic {credentials}"))
}

/// Checks whether a request is answered as Ann's.
pub(crate) async fn is_ann(site: &Site, request: Request<Bytes>) -> bool {
    let answer = site.browser().send(request).await;
    answer.status == StatusCode::OK && answer.text() == ANN
}
