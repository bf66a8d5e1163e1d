//! Tests that secrets do not leak into logs, events, `Debug` output, pages or URLs.

use std::collections::BTreeMap;

use bytes::Bytes;
use fs_http::BodyRead;
use fs_testkit::calls::Fault;
use fs_testkit::log::Log;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, Request, StatusCode};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::people::{
    ANN, NEW, PROFILES, ask_for_reset, mailed_link, register_ann, with_basic, with_token,
};

/// Secrets by name.
#[derive(Default)]
struct Secrets(BTreeMap<String, String>);

impl Secrets {
    fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 12, "{name}: too short to be looked for");
        let number = self.0.len();
        self.0.insert(format!("{name} {number}"), secret.to_owned());
    }

    /// Collects all current secrets of the site and the browser.
    async fn collect(&mut self, site: &Site, browser: &Browser) {
        for (name, value) in &browser.cookies {
            self.add(name, value);
        }
        let (core, lifetime) = (site.core(), site.core().config().sessions.lifetime);
        let session = browser.session_cookie();
        let session = session.and_then(|cookie| core.sealer().open(cookie, core.now(), lifetime));
        if let Some(sign_in) = session.as_ref().and_then(|session| session.sign_in()) {
            self.add("session id", sign_in.id.as_str());
        }
        let dump = site.dump().await;
        for user in dump.users {
            self.add("uniquifier", user.uniquifier.as_str());
            self.add("hash", user.password.unwrap().expose());
        }
    }

    fn assert_not_in(&self, place: &str, text: &str) {
        for (name, secret) in &self.0 {
            assert!(!text.contains(secret.as_str()), "{name} in {place}:\n{text}");
        }
    }
}

/// Returns the last request of each of Ann's journeys.
async fn requests(site: &Site, secrets: &mut Secrets) -> Vec<(Browser, Request<Bytes>)> {
    let mut all = Vec::new();
    let mut stranger = site.browser();
    register_ann(site).await;
    let link = mailed_link(site).await;
    secrets.add("confirmation", link.rsplit('/').next().unwrap());
    stranger.follow(&link).await;
    let mut ann = crate::people::sign_ann_in(site).await;
    ask_for_reset(site).await;
    let reset = mailed_link(site).await;
    secrets.add("reset", reset.rsplit('/').next().unwrap());
    let mut user = site.user(ANN).await.unwrap();
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    secrets.add("auth token", token.expose());
    secrets.add("csrf", &ann.csrf_token().await);
    secrets.collect(site, &ann).await;

    let stranger = site.browser();
    all.push((stranger.clone(), Browser::request(Method::GET, &link)));
    all.push((stranger.clone(), Browser::request(Method::GET, &reset)));
    all.push((stranger.clone(), with_token(token.expose())));
    all.push((stranger.clone(), with_basic(ANN, PASSWORD)));
    all.push((stranger.clone(), with_basic(ANN, "a password that is wrong")));
    all.push((ann.clone(), Browser::request(Method::GET, "/fresh")));
    let mut remembered = ann.clone();
    remembered.cookies.retain(|name, _| name.contains("remember"));
    all.push((remembered, Browser::request(Method::GET, "/private")));
    let known = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    let wrong = json!({ "email": ANN, "password": "a password that is wrong" });
    let twice = json!({ "password": NEW, "password_confirm": NEW });
    let apart = json!({ "password": NEW, "password_confirm": "a password that is wrong" });
    let change = json!({ "password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW });
    let forms = [
        (&stranger, "/login", known.clone()),
        (&stranger, "/login?include_auth_token", known.clone()),
        (&stranger, "/login", wrong.clone()),
        (&stranger, "/register", known),
        (&stranger, "/reset", json!({ "email": ANN })),
        (&stranger, reset.as_str(), apart),
        (&stranger, reset.as_str(), twice),
        (&ann, "/verify", wrong),
        (&ann, "/change", change),
        (&ann, "/logout", json!({})),
    ];
    for (browser, target, body) in forms {
        let mut browser = browser.clone();
        let request = browser.json(target, body.clone()).await;
        all.push((browser.clone(), request));
        let fields = body.as_object().unwrap().iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or("y")));
        let request = browser.form(target, &fields.collect::<Vec<_>>()).await;
        all.push((browser, request));
    }
    all
}

fn passwords() -> Secrets {
    let mut secrets = Secrets::default();
    for password in [PASSWORD, NEW, "a password that is wrong"] {
        secrets.add("password", password);
        secrets.add("password in a form", &password.replace(' ', "+"));
    }
    secrets
}

#[tokio::test]
async fn no_secret_is_logged_told_or_sent_back() {
    for setup in PROFILES {
        let count = requests(&setup().build(), &mut passwords()).await.len();
        for number in 0..count {
            for fault in [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5), Some(6)] {
                let log = Log::default();
                let site = setup().build();
                let mut secrets = passwords();
                let guard = log.begin(LevelFilter::TRACE);
                let (mut browser, request) =
                    requests(&site, &mut secrets).await.swap_remove(number);
                let target = request.uri().to_string();
                if let Some(fault) = fault {
                    site.calls.fail_at(fault, Fault::Refused);
                }
                let answer = browser.send(request).await;
                let failed = site.calls.disarm().is_some();
                drop(guard);
                if failed && answer.status.is_server_error() {
                    assert!(log.text().contains("ERROR"), "{target}: nothing logged");
                }
                let sent_back = passwords();
                sent_back.assert_not_in("the answer", &answer.text());
                secrets.assert_not_in("an address", answer.location().unwrap_or_default());
                secrets.collect(&site, &browser).await;
                secrets.assert_not_in("the log", &log.text());
                secrets.assert_not_in("the events", &format!("{:?}", site.events.events()));
                secrets.assert_not_in("the audit log", &format!("{:?}", site.dump().await.audit));
            }
        }
    }
}

#[tokio::test]
async fn no_debug_of_a_request_or_its_exchange_shows_a_secret() {
    for setup in PROFILES {
        let site = setup().build();
        let mut secrets = passwords();
        for (browser, mut request) in requests(&site, &mut secrets).await {
            let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            let cookies = cookies.collect::<Vec<_>>().join("; ");
            request.headers_mut().insert("cookie", cookies.parse().unwrap());
            let token = request.headers().get("x-csrf-token").cloned();
            let query = format!("?auth_token={}", PASSWORD.replace(' ', "+"));
            let target = format!("{}{query}", request.uri().path());
            *request.uri_mut() = target.parse().unwrap();
            let (parts, body) = request.into_parts();
            let read = BodyRead::Whole(body);
            let mut shown = format!("{read:?} {:?}", site.web.body_use(&parts));
            let exchange = site.web.open(&parts, read, None).await;
            shown += &format!("{exchange:?} {:?}", exchange.request());
            shown += &format!("{:?} {:?}", exchange.request().fields, exchange.context());
            for name in ["password", "new_password", "email"] {
                shown += &format!("{:?}", exchange.request().fields.get(name));
            }
            shown += &exchange.with_session(|session| format!("{session:?}"));
            shown += &format!("{:?}", exchange.current().await);
            shown += &format!("{:?} {:?}", site.web, site.web.config());
            secrets.assert_not_in("Debug", &shown);
            if let Some(token) = token {
                assert!(!shown.contains(token.to_str().unwrap()), "CSRF token in Debug");
            }
        }
    }
}

#[tokio::test]
async fn pages_with_a_token_in_their_address_tell_no_other_site() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    ask_for_reset(&site).await;
    let answer = site.browser().get(&mailed_link(&site).await).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let page = answer.text();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}
