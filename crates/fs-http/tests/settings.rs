//! Tests of settings in files.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;

use fs_core::Config;
use fs_http::config::SameSite;
use fs_http::route::Endpoint;
use fs_http::{FormName, HttpConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FULL: &str = include_str!("../../../docs/settings.toml");

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    accounts: Config,
    http: HttpConfig,
}

/// Collects the paths of all settings in a tree.
fn paths(at: &str, value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (name, value) in table {
                paths(&format!("{at}.{name}"), value, into);
            }
        }
        _ => drop(into.insert(at.to_owned())),
    }
}

/// Returns every setting with its default.
fn everything() -> Value {
    let all: Settings = serde_json::from_value(json!({
        "accounts": {
            "unified": true,
            "sign_in_links": true,
            "password": { "breached": true },
            "base_url": "https://example.org",
        },
        "http": { "csrf": { "cookie": true } },
    }))
    .unwrap();
    serde_json::to_value(all).unwrap()
}

#[test]
fn the_full_file_names_every_setting_with_its_default() {
    let file: Value = toml::from_str(FULL).unwrap();
    let (mut named, mut known) = (BTreeSet::new(), BTreeSet::new());
    paths("", &file, &mut named);
    paths("", &everything(), &mut known);
    let missing: Vec<_> = known.difference(&named).collect();
    assert!(missing.is_empty(), "docs/settings.toml does not name {missing:?}");
    let settings: Settings = toml::from_str(FULL).unwrap();
    assert_eq!(serde_json::to_value(settings).unwrap(), everything());
}

#[test]
fn the_http_side_is_read_from_toml() {
    let http: HttpConfig = toml::from_str(
        r#"
        profile = "flask_security_4"
        url_prefix = "/auth"
        urls = { login = "/hello", us_signin_send_code = "/code" }
        sign_out_methods = ["POST"]
        api_mechanisms = ["token"]
        [views]
        after_sign_in = "/desk"
        named = { desk = "/desk" }
        [csrf]
        scope = { mechanisms = ["session", "basic"] }
        time_limit = false
        cookie = { header = "x-mine" }
        [session_cookie]
        secure = true
        same_site = "strict"
        [[form_fields.login_user_form]]
        name = "terms"
        label = "I accept"
        kind = "checkbox"
        required = true
        [pages]
        templates = { "security/verify.html" = "ahoy" }
        branding = { name = "Otter", home_url = "/" }
        "#,
    )
    .unwrap();
    assert_eq!(http.urls[&Endpoint::UnifiedSendCode], "/code");
    assert_eq!(http.sign_out_methods, [http::Method::POST]);
    assert_eq!(http.csrf.time_limit, None);
    assert_eq!(http.csrf.cookie.unwrap().attributes.name, "XSRF-TOKEN");
    assert_eq!(http.session_cookie.same_site, Some(SameSite::Strict));
    assert_eq!(http.session_cookie.name, "session", "the rest is as the profile has it");
    assert_eq!(http.form_fields[&FormName::SignIn].len(), 1);
    assert!(!http.security_headers && http.token.json_body);
    assert_eq!(http.pages.templates["security/verify.html"], "ahoy");
}

#[test]
fn mistakes_say_where_and_what_to_write() {
    for (file, words) in [
        ("urls = { signin = '/x' }", ["urls", "login"]),
        ("sign_out_methods = ['PUSH']", ["sign_out_methods", "POST"]),
        ("[csrf]\nscope = 'some'", ["csrf.scope", "everything"]),
        ("[session_cookie]\nsamesite = 'lax'", ["session_cookie.samesite", "same_site"]),
        ("[form_fields]\nsign_in = []", ["form_fields", "login_user_form"]),
        ("body_limit = '1 MB'", ["body_limit", "usize"]),
    ] {
        let error = toml::from_str::<HttpConfig>(file).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    }
}
