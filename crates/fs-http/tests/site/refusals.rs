//! Tests that the reason for a refusal is shown to developers, and to nobody else.

use std::time::Duration;

use fs_core::authn::AuthFailure;
use fs_core::authz::Requirement;
use fs_http::{BodyRead, CredentialSource, DenyReason, Trace};
use fs_testkit::log::Log;
use fs_testkit::site::{Answer, Browser, PASSWORD, Setup, Site};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;

use crate::factors::{add_with, every_way, key, pending};
use crate::people::{ANN, PROFILES, sign_ann_in, with_basic, with_header, with_token};

fn explained(mut setup: Setup) -> Site {
    setup.http.explain_refusals = true;
    setup.routes.push(("/strangers", Requirement::anonymous()));
    setup.build()
}

fn trace(answer: &Answer) -> Value {
    answer.json().pointer("/response/trace").cloned().unwrap_or_default()
}

/// Returns the finding about one credential source.
fn found(answer: &Answer, way: CredentialSource) -> Option<String> {
    let trace = trace(answer);
    let mut tried = trace["tried"].as_array().cloned().unwrap_or_default().into_iter();
    let of_way = tried.find(|tried| tried["by"] == way.name())?;
    of_way["found"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn json_tells_what_was_tried_and_which_rule_failed() {
    for setup in PROFILES {
        let site = explained(setup());
        site.add_user(ANN).await;
        let mut browser = site.browser();
        let absent = json!([
            { "by": "token", "found": "absent" },
            { "by": "session", "found": "absent" },
        ]);
        let nobody = json!({
            "tried": absent, "why": "nobody_signed_in", "accepted": ["token", "session"],
        });
        assert_eq!(trace(&browser.get_json("/private").await), nobody);

        browser.sign_in(ANN, PASSWORD).await;
        let tried = json!([
            { "by": "token", "found": "absent" },
            { "by": "session", "found": "accepted" },
        ]);
        let missing = json!({ "tried": tried, "why": "missing", "rule": "any role of editor" });
        assert_eq!(trace(&browser.get_json("/editors").await), missing);

        let within = site.core().config().freshness.within.unwrap().as_secs();
        site.clock.advance(Duration::from_secs(within + 5_000));
        let stale = trace(&browser.get_json("/fresh").await);
        assert_eq!((&stale["why"], &stale["within"]), (&json!("not_fresh"), &json!(within)));
        assert_eq!(stale["age"], json!(within + 5_000));
        let strangers = trace(&browser.get_json("/strangers").await);
        assert_eq!(strangers["why"], "somebody_signed_in");
    }
    let site = explained(Setup::standard());
    site.add_user(ANN).await;
    let mut browser = sign_ann_in(&site).await;
    let answer = browser.send(Browser::json_request(Method::POST, "/private")).await;
    assert_eq!(trace(&answer)["why"], "csrf");
    assert_eq!(trace(&answer)["problem"], "the CSRF token is missing");
}

#[tokio::test]
async fn what_a_session_a_token_and_a_password_lack_is_told_apart() {
    let site = explained(Setup::standard());
    let mut user = site.add_user(ANN).await;
    let core = site.core();
    let ask = async |request| site.browser().send(request).await;
    let json = |request| with_header(request, "accept", "application/json");

    let token = core.auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    let bad = format!("{}x", token.expose());
    assert_eq!(
        found(&ask(json(with_token(&bad))).await, CredentialSource::Token).as_deref(),
        Some("invalid")
    );
    let wrong = ask(json(with_basic(ANN, "wrong"))).await;
    assert_eq!(found(&wrong, CredentialSource::Basic).as_deref(), Some("wrong"));
    let nobody = ask(json(with_basic("nobody@site.test", "wrong"))).await;
    assert_eq!(trace(&nobody), trace(&wrong), "a trace does not tell who has an account");

    let mut ended = site.browser();
    ended.sign_in(ANN, PASSWORD).await;
    core.admin().set_uniquifier(&user.id).await.unwrap();
    let answer = ended.get_json("/private").await;
    assert_eq!(found(&answer, CredentialSource::Session).as_deref(), Some("ended"));
    let answer = ask(json(with_token(token.expose()))).await;
    assert_eq!(found(&answer, CredentialSource::Token).as_deref(), Some("ended"));

    let mut remembered = sign_ann_in(&site).await;
    core.admin().deactivate_user(&user.id).await.unwrap();
    let answer = remembered.get_json("/private").await;
    assert!(found(&answer, CredentialSource::Session).is_some_and(|found| found != "accepted"));
    assert!(found(&answer, CredentialSource::Remembered).is_some_and(|found| found != "accepted"));

    let mut altered = site.browser();
    let name = site.web.config().session_cookie.name.clone();
    altered.cookies.insert(name, "altered".to_owned());
    let answer = altered.get_json("/private").await;
    assert_eq!(found(&answer, CredentialSource::Session).as_deref(), Some("invalid"));
}

#[tokio::test]
async fn a_missing_second_factor_is_reported() {
    let [setup, _] = every_way();
    let site = explained(setup);
    add_with(&site, ANN, &key(1)).await;
    let answer = pending(&site, ANN).await.get_json("/private").await;
    assert_eq!(found(&answer, CredentialSource::Session).as_deref(), Some("half_way"));
}

#[tokio::test]
async fn pages_tell_it_at_once_and_after_a_redirect_once() {
    let site = explained(Setup::standard());
    site.add_user(ANN).await;
    let mut browser = site.browser();
    let answer = browser.get("/private").await;
    assert_eq!(answer.status, StatusCode::FOUND);
    let told = "Session: no credentials.";
    assert!(browser.get("/login").await.text().contains(told));
    assert!(!browser.get("/login").await.text().contains(told), "once");

    browser.sign_in(ANN, PASSWORD).await;
    let answer = browser.get("/editors").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for line in ["Why", "Session: accepted.", "Refused: this route requires any role of editor."] {
        assert!(answer.text().contains(line), "{line}");
    }
}

#[tokio::test]
async fn nobody_else_is_told() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let (mut stranger, mut ann) = (site.browser(), site.browser());
        ann.sign_in(ANN, PASSWORD).await;
        for browser in [&mut stranger, &mut ann] {
            for path in ["/private", "/every-way", "/fresh", "/editors", "/reset"] {
                let answer = browser.get_json(path).await;
                assert_eq!(answer.json().pointer("/response/trace"), None, "{path}");
                let page = browser.get(path).await.text() + &browser.get("/login").await.text();
                for word in ["Why", "Refused:", "accepted.", "any role"] {
                    assert!(!page.contains(word), "{word} on {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_application_reads_the_trace() {
    let site = Setup::standard().build();
    let (parts, ()) = http::Request::get("https://site.test/").body(()).unwrap().into_parts();
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    assert_eq!(exchange.trace(), Trace::default());
    let refusal = exchange.check_user(&Requirement::signed_in()).await.unwrap_err();
    let tried: Vec<_> = exchange.trace().tried().collect();
    let absent = Err(AuthFailure::Absent);
    assert_eq!(tried, [(CredentialSource::Token, absent), (CredentialSource::Session, absent)]);
    assert!(matches!(exchange.trace().why(), Some(DenyReason::NobodySignedIn { .. })));
    assert_eq!(exchange.trace().answered(), None);
    exchange.refuse(&refusal);
    assert_eq!(exchange.trace().answered(), Some(StatusCode::FOUND));
}

#[tokio::test]
async fn the_log_tells_of_every_refusal_and_of_nothing_else() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let (mut stranger, mut ann) = (site.browser(), sign_ann_in(&site).await);
    let log = Log::default();
    let guard = log.begin(LevelFilter::DEBUG);
    let page = stranger.get("/private").await;
    let json = stranger.get_json("/private").await;
    let lacks = ann.get("/editors").await;
    ann.get("/private").await;
    drop(guard);
    let lines = log.text();
    let lines: Vec<_> = lines.lines().filter(|line| line.contains("refused")).collect();
    assert_eq!([page.status, json.status, lacks.status].map(|s| s.as_u16()), [302, 401, 403]);
    let says = [
        ["status=302", "Session: no credentials."],
        ["status=401", "Session: no credentials."],
        ["status=403", "editor"],
    ];
    assert_eq!(lines.len(), says.len(), "{lines:?}");
    for (line, words) in lines.iter().zip(says) {
        assert!(line.contains("DEBUG") && words.iter().all(|word| line.contains(word)), "{line}");
        assert!(!line.contains("/private") && !line.contains(ANN), "{line}");
    }
}
