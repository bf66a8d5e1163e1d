//! Site that accepts a request to every endpoint.

use bytes::Bytes;
use fs_core::ExtraField;
use fs_core::identity::{IdentityAttribute, IdentityRule};
use fs_testkit::site::{Answer, Browser, Dump, PASSWORD, Setup, Site};
use http::{HeaderValue, Method, Request};
use serde_json::{Map, Value, json};

use crate::people::{ANN, NEW, ask_for_reset, mailed_link, register_ann, sign_ann_in};

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const MULTIPART: &str = "multipart/form-data; boundary=x";

/// Site with every feature enabled, and with an unused link of each kind.
pub(crate) struct Scene {
    pub(crate) site: Site,
    pub(crate) stranger: Browser,
    pub(crate) ann: Browser,
    pub(crate) csrf: [String; 2],
    pub(crate) before: Dump,
    pub(crate) endpoints: Vec<(bool, String, Value)>,
}

impl Scene {
    /// Creates the same scene every time, with deterministic randomness.
    pub(crate) async fn new(setup: fn() -> Setup) -> Self {
        let mut setup = setup();
        let by = |attribute| IdentityRule { attribute, ignore_case: true };
        setup.config.usernames = true;
        setup.config.identities.order = vec![
            by(IdentityAttribute::Email),
            by(IdentityAttribute::Username),
            by(IdentityAttribute::Phone),
        ];
        let mut field = ExtraField::new("nickname", "Nickname");
        field.max_length = 40;
        setup.config.registration.as_mut().unwrap().fields.push(field);
        let site = setup.build();
        register_ann(&site).await;
        let confirmed = mailed_link(&site).await;
        site.browser().follow(&confirmed).await;
        ask_for_reset(&site).await;
        let reset = mailed_link(&site).await;
        let bob = json!({ "email": "bob@site.test", "password": PASSWORD });
        site.browser().post_json("/register", bob).await;
        let confirm = mailed_link(&site).await;
        let mut ann = sign_ann_in(&site).await;
        let mut stranger = site.browser();
        let csrf = [stranger.csrf_token().await, ann.csrf_token().await];
        let endpoints = vec![
            (
                false,
                "/login".to_owned(),
                json!({ "email": ANN, "password": PASSWORD, "remember": "y" }),
            ),
            (
                false,
                "/register".to_owned(),
                json!({ "email": "eve@site.test", "password": PASSWORD, "username": "evelyn",
                        "nickname": "eve" }),
            ),
            (false, "/confirm".to_owned(), json!({ "email": "bob@site.test" })),
            (false, confirm, json!({ "password": PASSWORD })),
            (false, "/reset".to_owned(), json!({ "email": ANN })),
            (false, reset, json!({ "password": NEW, "password_confirm": NEW })),
            (true, "/verify".to_owned(), json!({ "password": PASSWORD })),
            (
                true,
                "/change".to_owned(),
                json!({ "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW }),
            ),
            (true, "/logout".to_owned(), json!({})),
        ];
        let before = site.dump().await;
        Self { site, stranger, ann, csrf, before, endpoints }
    }

    /// Sends a body to an endpoint as the user that it is meant for, with a valid CSRF token.
    pub(crate) async fn send(&self, endpoint: usize, kind: &str, body: impl Into<Bytes>) -> Answer {
        let (signed_in, target, _) = &self.endpoints[endpoint];
        let request = Browser::with_body(Browser::request(Method::POST, target), kind, body);
        self.send_as(*signed_in, request).await
    }

    pub(crate) async fn send_as(&self, signed_in: bool, mut request: Request<Bytes>) -> Answer {
        let mut browser = if signed_in { self.ann.clone() } else { self.stranger.clone() };
        let token = HeaderValue::from_str(&self.csrf[usize::from(signed_in)]).unwrap();
        request.headers_mut().insert("x-csrf-token", token);
        browser.send(request).await
    }

    pub(crate) async fn assert_untouched(&self, case: &str) {
        assert!(self.site.dump().await == self.before, "{case}: something was written");
        assert!(self.site.mails().await.is_empty(), "{case}: something was mailed");
    }
}

pub(crate) fn without_server_error(answer: &Answer, case: &str) {
    assert!(!answer.status.is_server_error(), "{case}: {}", answer.status);
}

pub(crate) fn form(fields: &Map<String, Value>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value.as_str().unwrap_or("y"));
    }
    form.finish()
}

pub(crate) fn multipart(fields: &Map<String, Value>) -> String {
    let part = |(name, value): (&String, &Value)| {
        let value = value.as_str().unwrap_or("y");
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    format!("{}--x--\r\n", fields.iter().map(part).collect::<String>())
}
