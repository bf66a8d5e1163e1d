//! Tests that the requirement of every route matches the reviewed table and the running demo.

use std::process::Command;

use fs_core::authz::Who;
use fs_http::policies::RoutePolicy;
use serde_json::{Value, json};

use crate::client::Client;
use crate::declared;
use crate::demo::Demo;

const PASSWORD: &str = "seven otters hold hands";

#[test]
fn the_table_is_the_one_that_was_reviewed() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo")).arg("policies").output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let reviewed = include_str!("../../policies.lock");
    assert!(table == reviewed, "see what differs: cargo xtask policies");
}

on_each_framework!(every_route_asks_what_the_table_says);

fn every_route_asks_what_the_table_says(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_on(framework, folder.path(), &["--database", "memory"]);
    let mut ann = member(&demo);
    let token = ann.csrf_token(&demo, "/change");
    let mut back = ann.remembered();
    for route in declared::of_routes().iter() {
        let name = format!("{} {}", route.method, route.path);
        let why = ask(&mut Client::default(), &demo, route, None);
        let named = route.requirement.who() == Who::SignedIn;
        assert_eq!(why["why"] == "nobody_signed_in", named, "{name}: {why}");

        // The rule by which a user without roles is refused, literally.
        let why = ask(&mut ann, &demo, route, Some(&token));
        let rule = route.requirement.rules().first().map(ToString::to_string);
        assert_eq!(why["rule"].as_str(), rule.as_deref(), "{name}: {why}");

        // A remembered browser is signed in, but never fresh. Its remember cookie is replaced at
        // each use.
        back = back.remembered();
        let why = ask(&mut back, &demo, route, None);
        let fresh = route.requirement.freshness();
        let within = fresh.and_then(|fresh| fresh.within).map(|within| within.as_secs());
        assert_eq!(why["within"].as_u64(), within, "{name}: {why}");
        let unsafe_one = named && route.method != ::http::Method::GET;
        assert_eq!(why["why"] == "csrf", unsafe_one, "{name}: {why}");
    }
}

/// Returns the reason for which the demo refuses, or null if it does not.
fn ask(client: &mut Client, demo: &Demo, route: &RoutePolicy, token: Option<&str>) -> Value {
    let path = route.path.replace("{user}", "1").replace("{role}", "editor");
    let path = path.replace("{number}", "1");
    let answer = match route.method == ::http::Method::GET {
        true => client.get(demo, &path),
        false => client.press(demo, &path, token),
    };
    let refused = matches!(answer.status, 400 | 401 | 403);
    let trace = answer.body["response"]["trace"].clone();
    if refused { trace } else { Value::Null }
}

/// Creates a remembered user without roles.
fn member(demo: &Demo) -> Client {
    let mut ann = Client::default();
    let form = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(ann.submit(demo, "/register", form).status, 200);
    let mail = loop {
        let mail = ann.get(demo, "/outbox/1");
        if mail.status == 200 {
            break mail.body["response"]["text"].as_str().unwrap().to_owned();
        }
    };
    let (_, link) = mail.split_once(demo.url.as_str()).unwrap();
    let link = link.split_whitespace().next().unwrap();
    assert_eq!(ann.submit(demo, link, json!({})).status, 200);
    let form = json!({ "email": "ann@example.com", "password": PASSWORD, "remember": true });
    let answer = ann.submit(demo, "/login", form);
    assert_eq!(answer.status, 200, "{answer:?}");
    ann
}

/// Checks that every route is declared. Fails if somebody adds one and forgets that.
#[test]
fn every_route_of_every_framework_is_declared() {
    let declared = declared::of_routes();
    let mut declared: Vec<_> =
        declared.iter().map(|route| named(&route.method, &route.path)).collect();
    declared.sort();
    for source in [
        include_str!("../../src/on_axum.rs"),
        include_str!("../../src/on_rocket.rs"),
        include_str!("../../src/on_actix.rs"),
    ] {
        let mut found: Vec<_> = source.lines().filter_map(route_of).collect();
        found.sort();
        assert_eq!(found, declared);
    }
}

/// Returns the route that a line of source code declares, or `None`.
fn route_of(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("app");
    let (method, path) = match line.strip_prefix("#[") {
        Some(attribute) => attribute.split_once('(')?,
        None => {
            let (path, rest) = line.strip_prefix(".route(")?.split_once(", ")?;
            (rest.split_once('(')?.0, path)
        }
    };
    let path = path.trim_start_matches('"').split('"').next()?;
    let method = method.to_uppercase().parse().ok()?;
    let known = [::http::Method::GET, ::http::Method::POST, ::http::Method::PUT];
    let known = known.contains(&method) || method == ::http::Method::DELETE;
    known.then(|| named(&method, &path.replace('<', "{").replace('>', "}")))
}

/// Returns method and full path of a route, from its path within its group.
fn named(method: &::http::Method, path: &str) -> String {
    let path = path.strip_prefix("/admin").unwrap_or(path);
    format!("{method} {}", if path.is_empty() { "/" } else { path })
}
