//! Fault injection at every port call of every endpoint: the answer is never a success, and the
//! data stays consistent.

use std::time::Duration;

use bytes::Bytes;
use fs_core::event::Event;
use fs_core::port::OutgoingMail;
use fs_http::config::CsrfCookie;
use fs_testkit::calls::Fault;
use fs_testkit::site::{Browser, Dump, PASSWORD, Setup, Site, link_in};
use http::{Method, Request, StatusCode};
use serde_json::json;

const ANN: &str = "ann@site.test";
const NEW: &str = "another marble otter candle";
const YEAR: Duration = Duration::from_secs(366 * 86_400);
const PROFILES: [fn() -> Setup; 2] = [Setup::standard, Setup::flask_security_4];

/// Data after a request.
#[derive(PartialEq)]
struct Left {
    dump: Dump,
    mails: Vec<OutgoingMail>,
    events: Vec<Event>,
    who: Option<String>,
}

async fn left(site: &Site, browser: &mut Browser) -> Left {
    let dump = site.dump().await;
    let (mails, events) = (site.mails().await, site.events.take());
    Left { dump, mails, events, who: browser.who().await }
}

/// Checks whether the only write was the attempt, which a flow with a code counts before it checks
/// the code.
fn only_counted(left: &Left, before: &Left, done: &Left) -> bool {
    let counted = Dump { commits: before.dump.commits + 1, ..before.dump.clone() };
    done.dump.commits == counted.commits + 1 && left.dump == counted
}

/// Prepares a browser and a request, then sends it with a fault at its first call, at its second,
/// and so on until every call was tried.
pub(crate) async fn every_fault(
    what: &str,
    setup: impl Fn() -> Setup,
    prepare: impl AsyncFn(&Site, &mut Browser) -> Request<Bytes>,
) {
    let start = async || {
        let site = setup().with_plain_mails().build();
        let mut browser = site.browser();
        let request = prepare(&site, &mut browser).await;
        site.mails().await;
        site.events.take();
        (site, browser, request)
    };
    let (site, mut browser, _) = start().await;
    let before = left(&site, &mut browser).await;
    let (site, mut browser, request) = start().await;
    let answer = browser.send(request).await;
    let fine = answer.status == StatusCode::OK || answer.status == StatusCode::FOUND;
    assert!(fine, "{what}: {} {}", answer.status, answer.text());
    let done = left(&site, &mut browser).await;

    for fault in [Fault::Refused, Fault::AnswerLost] {
        for number in 0.. {
            let (site, mut browser, request) = start().await;
            site.calls.fail_at(number, fault);
            let answer = browser.send(request).await;
            let Some(call) = site.calls.disarm() else {
                assert!(number > 0, "{what}: no call could fail");
                assert!(left(&site, &mut browser).await == done, "{what}: runs must be alike");
                break;
            };
            let case = format!("{what}, {fault:?} at call {number}, {call:?}");
            let refused = answer.status.is_client_error() || answer.status.is_server_error();
            assert!(refused, "{case}: said {} {}", answer.status, answer.text());
            let left = left(&site, &mut browser).await;
            if left.dump == before.dump || only_counted(&left, &before, &done) {
                assert!(left.mails.is_empty(), "{case}: mailed what did not happen");
                assert_eq!(left.events, [], "{case}: told what did not happen");
            } else {
                assert!(left.dump == done.dump, "{case}: did half");
                assert!(left.mails == done.mails, "{case}: other mails");
                let told = left.events.iter().all(|event| done.events.contains(event));
                assert!(told, "{case}: told something else");
            }
            let who = &left.who;
            assert!(who.is_none() || *who == before.who, "{case}: signed {who:?} in");
        }
    }
}

/// Injects faults into both kinds of a form: as a browser sends it, and as JSON.
async fn every_fault_of_a_form(
    what: &str,
    setup: impl Fn() -> Setup,
    prepare: impl AsyncFn(&Site, &mut Browser) -> String,
    fields: &[(&str, &str)],
) {
    every_fault(&format!("{what} by form"), &setup, async |site, browser| {
        let target = prepare(site, browser).await;
        browser.form(&target, fields).await
    })
    .await;
    every_fault(&format!("{what} by JSON"), &setup, async |site, browser| {
        let target = prepare(site, browser).await;
        let body = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        browser.json(&target, serde_json::Map::from_iter(body).into()).await
    })
    .await;
}

async fn add_ann(site: &Site, _: &mut Browser) {
    site.add_user(ANN).await;
}

async fn sign_ann_in(site: &Site, browser: &mut Browser) {
    site.add_user(ANN).await;
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    assert_eq!(browser.post_json("/login", typed).await.status, StatusCode::OK);
}

async fn register_ann(site: &Site, _: &mut Browser) {
    let typed = json!({ "email": ANN, "password": PASSWORD });
    assert_eq!(site.browser().post_json("/register", typed).await.status, StatusCode::OK);
}

async fn mailed_link(site: &Site) -> String {
    link_in(&site.mails().await.pop().unwrap()).unwrap()
}

/// Returns the request for following a link: opening it, or pressing its button.
async fn following(site: &Site, browser: &mut Browser, link: &str) -> Request<Bytes> {
    match site.web.config().links_ask_first {
        true => browser.form(link, &[]).await,
        false => Browser::request(Method::GET, link),
    }
}

async fn reset_link(site: &Site, browser: &mut Browser) -> String {
    add_ann(site, browser).await;
    site.browser().post_json("/reset", json!({ "email": ANN })).await;
    mailed_link(site).await
}

#[tokio::test]
async fn registering() {
    let fields = [("email", ANN), ("password", PASSWORD)];
    for setup in PROFILES {
        let prepare = async |_: &Site, _: &mut Browser| "/register".to_owned();
        every_fault_of_a_form("registering", setup, prepare, &fields).await;
    }
    let known = async |site: &Site, browser: &mut Browser| {
        add_ann(site, browser).await;
        "/register".to_owned()
    };
    every_fault_of_a_form("registering again", Setup::standard, known, &fields).await;
}

#[tokio::test]
async fn confirming() {
    for setup in PROFILES {
        let again = async |site: &Site, browser: &mut Browser| {
            register_ann(site, browser).await;
            "/confirm".to_owned()
        };
        every_fault_of_a_form("asking for a link", setup, again, &[("email", ANN)]).await;
        every_fault("confirming", setup, async |site, browser| {
            register_ann(site, browser).await;
            let link = mailed_link(site).await;
            following(site, browser, &link).await
        })
        .await;
        every_fault("confirming too late", setup, async |site, browser| {
            register_ann(site, browser).await;
            let link = mailed_link(site).await;
            site.clock.advance(YEAR);
            following(site, browser, &link).await
        })
        .await;
    }
}

#[tokio::test]
async fn signing_in() {
    let fields = [("email", ANN), ("password", PASSWORD), ("remember", "true")];
    for (setup, target) in [
        (PROFILES[0], "/login"),
        (PROFILES[1], "/login"),
        (PROFILES[1], "/login?include_auth_token"),
    ] {
        let prepare = async |site: &Site, browser: &mut Browser| {
            add_ann(site, browser).await;
            target.to_owned()
        };
        every_fault_of_a_form("signing in", setup, prepare, &fields).await;
    }
}

/// Checks that no sign-in is reported if its token, which is written afterwards, cannot be stored.
#[tokio::test]
async fn a_sign_in_whose_token_cannot_be_issued_has_failed() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        for number in 0.. {
            let site = Setup::standard().build();
            let mut browser = site.browser();
            add_ann(&site, &mut browser).await;
            let typed = serde_json::json!({ "email": ANN, "password": PASSWORD });
            let request = browser.json("/login?include_auth_token", typed).await;
            site.calls.fail_at(number, fault);
            let answer = browser.send(request).await;
            if site.calls.disarm().is_none() {
                assert!(number > 0 && answer.status == StatusCode::OK);
                break;
            }
            assert!(answer.status.is_server_error(), "{fault:?} at {number}: {}", answer.status);
            assert_eq!(browser.who().await, None, "{fault:?} at {number}");
        }
    }
}

#[tokio::test]
async fn signing_in_where_scripts_read_the_csrf_cookie() {
    let setup = || {
        let mut setup = Setup::standard();
        setup.http.csrf.cookie = Some(CsrfCookie::new("csrf_cookie", "x-csrf_cookie"));
        setup
    };
    let prepare = async |site: &Site, browser: &mut Browser| {
        add_ann(site, browser).await;
        "/login".to_owned()
    };
    let fields = [("email", ANN), ("password", PASSWORD)];
    every_fault_of_a_form("signing in", setup, prepare, &fields).await;
}

#[tokio::test]
async fn restoring_a_remembered_browser() {
    for setup in PROFILES {
        for target in ["/private", "/change"] {
            every_fault("restoring", setup, async |site, browser| {
                sign_ann_in(site, browser).await;
                browser.cookies.retain(|name, _| name.contains("remember"));
                Browser::request(Method::GET, target)
            })
            .await;
        }
    }
}

#[tokio::test]
async fn signing_out() {
    for setup in PROFILES {
        let prepare = async |site: &Site, browser: &mut Browser| {
            sign_ann_in(site, browser).await;
            "/logout".to_owned()
        };
        every_fault_of_a_form("signing out", setup, prepare, &[]).await;
    }
}

#[tokio::test]
async fn resetting() {
    for setup in PROFILES {
        let ask = async |site: &Site, browser: &mut Browser| {
            add_ann(site, browser).await;
            "/reset".to_owned()
        };
        every_fault_of_a_form("asking for a link", setup, ask, &[("email", ANN)]).await;
        let fields = [("password", NEW), ("password_confirm", NEW)];
        every_fault_of_a_form("resetting", setup, reset_link, &fields).await;
        every_fault("opening a link", setup, async |site, browser| {
            Browser::request(Method::GET, &reset_link(site, browser).await)
        })
        .await;
        every_fault("opening a link too late", setup, async |site, browser| {
            let link = reset_link(site, browser).await;
            site.clock.advance(YEAR);
            Browser::request(Method::GET, &link)
        })
        .await;
    }
}

#[tokio::test]
async fn changing_a_password() {
    let fields = [("password", PASSWORD), ("new_password", NEW), ("new_password_confirm", NEW)];
    for setup in PROFILES {
        let prepare = async |site: &Site, browser: &mut Browser| {
            sign_ann_in(site, browser).await;
            "/change".to_owned()
        };
        every_fault_of_a_form("changing", setup, prepare, &fields).await;
    }
}

#[tokio::test]
async fn proving_again_who_one_is() {
    for setup in PROFILES {
        let prepare = async |site: &Site, browser: &mut Browser| {
            sign_ann_in(site, browser).await;
            "/verify".to_owned()
        };
        every_fault_of_a_form("verifying", setup, prepare, &[("password", PASSWORD)]).await;
    }
}

#[tokio::test]
async fn opening_forms() {
    for setup in PROFILES {
        for target in ["/login", "/register", "/confirm", "/reset"] {
            for request in [Browser::request, Browser::json_request] {
                every_fault(target, setup, async |_, _| request(Method::GET, target)).await;
            }
        }
        for target in ["/change", "/verify"] {
            for request in [Browser::request, Browser::json_request] {
                every_fault(target, setup, async |site, browser| {
                    sign_ann_in(site, browser).await;
                    request(Method::GET, target)
                })
                .await;
            }
        }
    }
}
