//! Tests of rules for the answers of every page and every JSON endpoint.

use fs_core::config::{TwoFactor, Unified};
use fs_testkit::site::{PASSWORD, Setup, Site};
use http::StatusCode;
use serde_json::Value;

use crate::factors::{add_with, key, signed_in};
use crate::people::{ANN, PROFILES, sign_ann_in};

/// Every page and JSON endpoint that can be opened.
const OPENED: [&str; 17] = [
    "/login",
    "/register",
    "/reset",
    "/confirm",
    "/verify",
    "/change",
    "/tf-setup",
    "/tf-validate",
    "/tf-rescue",
    "/mf-recovery-codes",
    "/mf-recovery",
    "/us-signin",
    "/us-signin/send-code",
    "/us-setup",
    "/us-verify",
    "/us-verify/send-code",
    "/private",
];

fn with_everything(profile: fn() -> Setup) -> Site {
    let mut setup = profile();
    setup.config.two_factor = Some(TwoFactor::default());
    setup.config.unified = Some(Unified::default());
    setup.build()
}

#[tokio::test]
async fn a_new_site_has_no_account() {
    for profile in PROFILES {
        let dump = profile().build().dump().await;
        assert!(dump.users.is_empty() && dump.roles.is_empty() && dump.sessions.is_empty());
    }
}

#[tokio::test]
async fn password_fields_are_masked_and_open_to_password_managers() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    for (target, fills) in [
        ("/login", vec!["current-password"]),
        ("/register", vec!["new-password"]),
        ("/verify", vec!["current-password"]),
        ("/change", vec!["current-password", "new-password", "new-password"]),
    ] {
        let mut browser = if fills[0] == "new-password" || target == "/login" {
            site.browser()
        } else {
            ann.clone()
        };
        let page = browser.get(target).await.text();
        let fields = page.split("<input").filter(|field| field.contains("name=\"password"));
        let fields = fields.chain(page.split("<input").filter(|f| f.contains("name=\"new_pass")));
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields.len(), fills.len(), "{target}: {page}");
        for (field, fill) in fields.iter().zip(fills) {
            let field = field.split('>').next().unwrap();
            assert!(field.contains("type=\"password\""), "{target}: {field}");
            assert!(field.contains(&format!("autocomplete=\"{fill}\"")), "{target}: {field}");
            assert!(!field.contains(" value="), "{target}: {field}");
        }
        assert!(!page.contains("onpaste"), "{target}");
    }
    assert_eq!(ann.get("/verify").await.status, StatusCode::OK);
}

/// Names of values that sign in or set something up.
const CREDENTIALS: [&str; 8] = [
    "authentication_token",
    "auth_token",
    "authr_key",
    "tf_authr_key",
    "authr_qrcode",
    "state",
    "recovery_codes",
    "tf_validity_token",
];

fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            found.push(name.clone());
            names(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn opening_a_page_hands_out_no_credential() {
    for profile in PROFILES {
        let site = with_everything(profile);
        add_with(&site, ANN, &key(5)).await;
        let mut ann = signed_in(&site, ANN, &key(5)).await;
        for target in OPENED {
            let target = format!("{target}?include_auth_token");
            for browser in [&mut ann, &mut site.browser()] {
                let answer = browser.get_json(&target).await;
                let mut found = Vec::new();
                let json = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                names(&json, &mut found);
                let handed = found.iter().find(|name| CREDENTIALS.contains(&name.as_str()));
                assert_eq!(handed, None, "{target}: {json}");
                let page = browser.get(&target).await.text();
                assert!(
                    !page.contains("class=\"key\"") && !page.contains("data:image"),
                    "{target}"
                );
                assert!(!page.contains(PASSWORD), "{target}");
            }
        }
    }
}

#[tokio::test]
async fn no_cache_keeps_an_answer_for_somebody_else() {
    for profile in PROFILES {
        let site = with_everything(profile);
        add_with(&site, ANN, &key(5)).await;
        let mut ann = signed_in(&site, ANN, &key(5)).await;
        for target in OPENED {
            for browser in [&mut ann, &mut site.browser()] {
                let answer = browser.get(target).await;
                let has = |name: &str, value: &str| {
                    let mut values = answer.headers.get_all(name).iter();
                    values.any(|found| found.to_str().unwrap().contains(value))
                };
                assert!(has("vary", "Cookie"), "{target}: {:?}", answer.headers);
                let hardened = site.web.config().security_headers;
                let ours = answer.status == StatusCode::OK && target != "/private" && hardened;
                assert!(
                    !ours || has("cache-control", "no-store"),
                    "{target}: {:?}",
                    answer.headers
                );
            }
        }
    }
}
