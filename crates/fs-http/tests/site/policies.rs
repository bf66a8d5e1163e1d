//! Tests that the table of the endpoints' requirements matches their behaviour.

use std::time::Duration;

use fs_core::authn::Mechanism;
use fs_core::authz::{Fresh, Requirement};
use fs_core::config::SignInLinks;
use fs_http::policies::RoutePolicies;
use fs_testkit::site::{Answer, Browser, Setup, Site};
use http::Method;

use crate::factors::{add_with, every_way, key, signed_in};
use crate::people::ANN;

/// Returns the rows of the table: method, path and requirement.
fn lines(table: &str) -> Vec<(Method, String, String)> {
    let lines = table.lines().map(|line| {
        let (method, rest) = line.split_once(' ').unwrap();
        let (path, asks) = rest.trim_start().split_once(' ').unwrap();
        (method.parse().unwrap(), path.replace("{token}", "x"), asks.trim_start().to_owned())
    });
    lines.collect()
}

async fn send(browser: &mut Browser, method: &Method, path: &str) -> Answer {
    let request = Browser::json_request(method.clone(), path);
    browser.send(Browser::with_body(request, "application/json", "{}")).await
}

/// Returns the reason for which a request is refused.
async fn ask(browser: &mut Browser, method: &Method, path: &str) -> String {
    let answer = send(browser, method, path).await;
    let why = answer.json().pointer("/response/trace/why").cloned().unwrap_or_default();
    why.as_str().unwrap_or_default().to_owned()
}

/// Creates sites of both profiles with all features.
fn sites(links: bool) -> [Site; 2] {
    every_way().map(|mut setup| {
        let within = Duration::from_secs(600);
        setup.config.sign_in_links = links.then_some(SignInLinks::new(within));
        setup.http.explain_refusals = true;
        setup.build()
    })
}

fn table(site: &Site) -> Vec<(Method, String, String)> {
    let table = RoutePolicies::default().table(site.core().config(), site.web.config());
    let lines = lines(&table);
    let routes = site.web.routes().iter();
    assert_eq!(lines.len(), routes.map(|route| route.methods.len()).sum::<usize>());
    lines
}

#[tokio::test]
async fn strangers_are_asked_to_sign_in_where_the_table_says_so() {
    for site in sites(false).into_iter().chain(sites(true)) {
        for (method, path, asks) in table(&site) {
            let why = ask(&mut site.browser(), &method, &path).await;
            // A caller with a pending second factor may set one up, so unauthenticated callers get
            // another answer there.
            let named = asks.starts_with("signed in") && !asks.contains("or owing");
            assert_eq!(why == "nobody_signed_in", named, "{method} {path}: {asks}");
        }
    }
}

#[tokio::test]
async fn csrf_tokens_are_asked_for_where_the_table_says_so() {
    for site in sites(false).into_iter().chain(sites(true)) {
        let every = table(&site).into_iter();
        for (method, path, asks) in every.filter(|(method, ..)| method == Method::POST) {
            // All other requests are refused earlier.
            if asks.starts_with("anyone") || asks.starts_with("anonymous") {
                let answer = send(&mut site.browser(), &method, &path).await.json();
                let asked = answer.pointer("/response/errors/csrf_token").is_some();
                assert_eq!(asked, asks.ends_with("CSRF token"), "{path}: {asks}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn signed_in_users_are_asked_for_what_the_table_says() {
    for site in sites(false) {
        add_with(&site, ANN, &key(1)).await;
        let within = site.core().config().freshness.within.unwrap();
        for (method, path, asks) in table(&site) {
            if path == "/logout" {
                continue;
            }
            let mut ann = signed_in(&site, ANN, &key(1)).await;
            let why = ask(&mut ann, &method, &path).await;
            assert_eq!(why == "somebody_signed_in", asks.starts_with("anonymous"), "{path}");
            site.clock.advance(within + Duration::from_secs(7_200));
            let why = ask(&mut ann, &method, &path).await;
            assert_eq!(why == "not_fresh", asks.contains("fresh within"), "{path}: {asks}");
        }
    }
}

#[test]
fn what_an_application_declares_is_in_the_table() {
    let site = Setup::standard().build();
    let by = |mechanisms: &[Mechanism]| Requirement::signed_in().by(mechanisms.iter().copied());
    let minutes =
        |minutes: u64| Fresh { within: Some(Duration::from_secs(60 * minutes)), grace: None };
    let own = RoutePolicies::default()
        .route(Method::GET, "/rooms/{room}", Requirement::anyone())
        .route(Method::POST, "/rooms/{room}", by(&[Mechanism::Token]).all_roles(["admin"]))
        .route(Method::GET, "/vault", Requirement::signed_in().fresh(minutes(5)))
        .route(Method::POST, "/basic", by(&[Mechanism::Basic, Mechanism::Session]))
        .route(Method::POST, "/contact", Requirement::anyone().csrf_for_strangers());
    let table = own.table(site.core().config(), site.web.config());
    let find = |method: Method, path: &str| {
        let mut lines = lines(&table).into_iter();
        lines.find(|line| line.0 == method && line.1 == path).unwrap().2
    };
    assert_eq!(find(Method::GET, "/rooms/{room}"), "anyone");
    assert_eq!(find(Method::POST, "/rooms/{room}"), "signed in by token, all roles of admin");
    let vault = find(Method::GET, "/vault");
    assert!(vault.starts_with("signed in by token or session, fresh within 5 minutes"), "{vault}");
    let basic = "signed in by basic or session; CSRF token with basic or session";
    assert_eq!(find(Method::POST, "/basic"), basic);
    assert_eq!(find(Method::POST, "/contact"), "anyone; CSRF token");
    assert_eq!(find(Method::POST, "/change"), "signed in by token or session; CSRF token");
    let paths: Vec<_> = lines(&table).into_iter().map(|(_, path, _)| path).collect();
    assert!(paths.is_sorted());
}
