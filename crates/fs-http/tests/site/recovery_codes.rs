//! Tests of recovery codes over HTTP: pages and JSON, requirements and cost.

use bytes::Bytes;
use fs_core::config::TwoFactor;
use fs_core::model::{SealedSecret, UserField};
use fs_core::port::Change;
use fs_core::totp::TotpSecret;
use fs_testkit::calls::Call;
use fs_testkit::site::{Browser, PASSWORD, Setup, Site};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::faults::every_fault;
use crate::people::{ANN, PROFILES, sign_ann_in};
use crate::scene::{FORM, JSON};

const MAKE: &str = "/mf-recovery-codes";
const USE: &str = "/mf-recovery";

/// Returns a profile with recovery codes. Creating them does not require the second factor here;
/// other tests cover that.
fn with_codes(profile: fn() -> Setup) -> Setup {
    let mut setup = profile();
    let mut rules = TwoFactor::default();
    rules.strict = false;
    setup.config.two_factor = Some(rules);
    setup
}

/// Signs Ann in, and then gives her a second factor.
async fn ann_with_a_factor(site: &Site) -> Browser {
    let user = site.add_user(ANN).await;
    let browser = sign_ann_in(site).await;
    let secret = TotpSecret::from_random([7; 20]);
    let sealed = site.core().second_factors().seal_totp(&secret).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, fs_core::config::CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    browser
}

fn codes_in(answer: &Value) -> Vec<String> {
    let codes = answer["response"]["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn make(browser: &mut Browser) -> Vec<String> {
    let made = browser.post_json(MAKE, json!({})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    codes_in(&made.json())
}

/// Returns a browser in which Ann has typed her password.
async fn waiting(site: &Site) -> Browser {
    let mut browser = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD });
    let answer = browser.post_json("/login", typed).await.json();
    assert_eq!(answer["response"]["tf_state"], "ready");
    browser
}

#[tokio::test]
async fn json_makes_counts_and_uses_them() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let mut ann = ann_with_a_factor(&site).await;
        assert_eq!(ann.get_json(MAKE).await.json()["response"]["remaining"], 0);
        let codes = make(&mut ann).await;
        assert_eq!(codes.len(), 8);
        let seen = ann.get_json(MAKE).await;
        assert_eq!(seen.json()["response"]["remaining"], 8);
        assert!(codes.iter().all(|code| !seen.text().contains(code)), "shown again");

        let mut browser = waiting(&site).await;
        assert_eq!(browser.get_json(USE).await.status, StatusCode::OK);
        let wrong = browser.post_json(USE, json!({ "code": "0000-0000-0000-0000" })).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.json()["response"]["errors"]["code"][0].is_string(), "{}", wrong.text());
        assert_eq!(browser.who().await, None);
        let used = browser.post_json(USE, json!({ "code": codes[0] })).await;
        assert_eq!(used.status, StatusCode::OK, "{}", used.text());
        assert_eq!(used.json()["response"]["remaining"], 7);
        assert_eq!(browser.who().await.as_deref(), Some(ANN));

        let again = waiting(&site).await.post_json(USE, json!({ "code": codes[0] })).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn pages_lead_from_the_second_step_to_a_code() {
    let site = with_codes(Setup::standard).build();
    let mut ann = ann_with_a_factor(&site).await;
    let page = ann.get(MAKE).await;
    assert!(page.text().contains("none at the moment"), "{}", page.text());
    let made = ann.post_form(MAKE, &[]).await.text();
    let code = regex_code(&made);
    assert!(!ann.get(MAKE).await.text().contains(&code));

    let mut browser = waiting(&site).await;
    let asked = browser.get("/tf-validate").await.text();
    assert!(asked.contains("Open your authenticator app"), "{asked}");
    assert!(asked.contains("href=\"/mf-recovery\""), "{asked}");
    assert!(browser.get(USE).await.text().contains("name=\"code\""));
    let wrong = browser.post_form(USE, &[("code", "no")]).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.text().contains("This recovery code is not right"));
    let used = browser.post_form(USE, &[("code", &code)]).await;
    assert_eq!(used.status, StatusCode::FOUND);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    let told = browser.get("/change").await.text();
    assert!(told.contains("Recovery codes that are left: 7."), "{told}");
}

/// Returns the first code on a page.
fn regex_code(html: &str) -> String {
    let (_, after) = html.split_once("<li><code>").unwrap();
    after.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_new_second_factor_leads_to_the_recovery_codes() {
    let site = with_codes(Setup::standard).build();
    site.add_user(ANN).await;
    let mut ann = sign_ann_in(&site).await;
    let none = ann.get(MAKE).await;
    assert_eq!(none.location(), Some("/tf-setup"));
    let begun = ann.post_form("/tf-setup", &[("setup", "authenticator")]).await.text();
    let (choose, prove) = (begun.find("two_factor_setup_form"), begun.find("verify_code_form"));
    assert!(prove < choose, "the code is asked for first");
    assert!(begun.contains("data:image/svg+xml"), "with the QR code");
    let begun = ann.post_json("/tf-setup", json!({ "setup": "authenticator" })).await.json();
    let key = begun["response"]["tf_authr_key"].as_str().unwrap().replace('-', "");
    let key = TotpSecret::from_base32(&key).unwrap();
    let code = fs_core::totp::TotpRules::default().code_at(&key, site.core().now());
    let wrong = ann.post_form("/tf-validate", &[("code", "000000")]).await.text();
    let (choose, prove) = (wrong.find("two_factor_setup_form"), wrong.find("verify_code_form"));
    assert!(prove < choose, "and again after a wrong one");
    let proven = ann.post_form("/tf-validate", &[("code", code.expose())]).await;
    assert_eq!(proven.location(), Some(MAKE));
}

#[tokio::test]
async fn making_them_asks_for_a_fresh_sign_in_a_token_and_a_second_factor() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let mut ann = ann_with_a_factor(&site).await;
        let stranger = site.browser().post_json(MAKE, json!({})).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
        let request = Browser::json_request(Method::POST, MAKE);
        let forged = ann.send(Browser::with_body(request, JSON, "{}")).await;
        assert_eq!(forged.status, StatusCode::BAD_REQUEST, "{}", forged.text());
        let form = Browser::with_body(Browser::request(Method::POST, MAKE), FORM, "");
        ann.send(form).await;
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes, [], "without proof of origin");

        let within = site.core().config().freshness.within.unwrap();
        site.clock.advance(within + std::time::Duration::from_secs(2 * 3_600));
        for old in [ann.post_json(MAKE, json!({})).await, ann.get_json(MAKE).await] {
            assert_eq!(old.status, StatusCode::UNAUTHORIZED, "{}", old.text());
            assert_eq!(old.json()["response"]["reauth_required"], true);
        }

        site.add_user("bob@site.test").await;
        let mut bob = site.browser();
        bob.sign_in("bob@site.test", PASSWORD).await;
        assert_eq!(bob.post_json(MAKE, json!({})).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(site.user("bob@site.test").await.unwrap().recovery_codes, []);
    }
}

#[tokio::test]
async fn a_code_needs_a_waiting_sign_in_and_a_token() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let mut ann = ann_with_a_factor(&site).await;
        let code = make(&mut ann).await.remove(0);
        let body = json!({ "code": code });
        for browser in [&mut site.browser(), &mut ann] {
            let refused = browser.post_json(USE, body.clone()).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text());
        }
        let mut forged = waiting(&site).await;
        let request = Browser::json_request(Method::POST, USE);
        let request = Browser::with_body(request, JSON, body.to_string());
        assert_eq!(forged.send(request).await.status, StatusCode::BAD_REQUEST);
        for wrong in [json!(1), json!({}), json!([[]]), json!(true), json!(""), json!(null)] {
            let answer = waiting(&site).await.post_json(USE, json!({ "code": wrong })).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
        }
        assert_eq!(site.user(ANN).await.unwrap().recovery_codes.len(), 8);
    }
}

#[tokio::test]
async fn flask_security_4_has_no_such_endpoint_until_its_key_is_set() {
    let mut setup = Setup::flask_security_4();
    let keys = |more: Value| {
        let mut keys = json!({
            "SECRET_KEY": "a key of the test",
            "SECURITY_PASSWORD_SALT": "a salt of the test",
            "SECURITY_TWO_FACTOR": true,
            "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
            "SECURITY_TOTP_SECRETS": { "1": "a secret of the test" },
            "SECURITY_TOTP_ISSUER": "Otter",
        });
        keys.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let map = keys.as_object().cloned().unwrap();
        let mut keys = fs_core::config::FlaskKeys::from_map(map);
        let config = fs_core::Config::from_flask(&mut keys);
        let http = fs_http::HttpConfig::from_flask(&mut keys, false);
        assert_eq!(keys.finish(), []);
        (config, http)
    };
    let (config, _) = keys(json!({}));
    setup.config.two_factor = config.two_factor;
    let site = setup.build();
    assert_eq!(site.browser().get(MAKE).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.browser().get(USE).await.status, StatusCode::NOT_FOUND);

    let (config, http) = keys(json!({
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": true,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 3,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/codes",
        "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/lost",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": null,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL": null,
    }));
    let mut setup = Setup::flask_security_4();
    (setup.config.two_factor, setup.http.urls) = (config.two_factor, http.urls);
    let site = setup.build();
    let mut ann = ann_with_a_factor(&site).await;
    let made = ann.post_json("/codes", json!({})).await.json();
    assert_eq!(codes_in(&made).len(), 3);
    assert_eq!(waiting(&site).await.get_json("/lost").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_request_costs_what_it_must() {
    let dear = |site: &Site| -> Vec<Call> {
        let calls = site.calls.take().into_iter();
        calls.filter(|call| !matches!(call, Call::Entropy(_) | Call::Compose)).collect()
    };
    let site = with_codes(Setup::standard).build();
    let mut ann = ann_with_a_factor(&site).await;
    for request in [Browser::request, Browser::json_request] {
        site.calls.take();
        ann.send(request(Method::GET, MAKE)).await;
        assert_eq!(dear(&site), [Call::Session]);
    }
    let request = ann.json(MAKE, json!({})).await;
    site.calls.take();
    let made = ann.send(request).await;
    assert_eq!(dear(&site), [Call::Session, Call::CredentialsOf, Call::Commit]);
    let code = codes_in(&made.json()).remove(0);

    let mut browser = waiting(&site).await;
    site.calls.take();
    browser.get_json(USE).await;
    assert_eq!(dear(&site), [Call::User]);
    let request = browser.json(USE, json!({ "code": code })).await;
    site.calls.take();
    browser.send(request).await;
    // The attempt is counted before the code is checked.
    assert_eq!(dear(&site), [Call::User, Call::Commit, Call::Commit]);
}

#[tokio::test]
async fn faults_leave_nothing_half_done() {
    for profile in PROFILES {
        let setup = || with_codes(profile);
        let request = async |browser: &mut Browser, json: bool, target: &str, code: &str| {
            let made: Request<Bytes> = match json {
                true => browser.json(target, json!({ "code": code })).await,
                false => browser.form(target, &[("code", code)]).await,
            };
            made
        };
        for json in [true, false] {
            every_fault("making codes", setup, async |site, browser| {
                *browser = ann_with_a_factor(site).await;
                request(browser, json, MAKE, "").await
            })
            .await;
            every_fault("using a code", setup, async |site, browser| {
                let code = make(&mut ann_with_a_factor(site).await).await.remove(0);
                *browser = waiting(site).await;
                request(browser, json, USE, &code).await
            })
            .await;
        }
        for target in [MAKE, USE] {
            every_fault(target, setup, async |site, browser| {
                *browser = ann_with_a_factor(site).await;
                if target == USE {
                    make(browser).await;
                    *browser = waiting(site).await;
                }
                Browser::request(Method::GET, target)
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_leaves_the_recovery_codes() {
    for profile in PROFILES {
        let site = with_codes(profile).build();
        let mut ann = ann_with_a_factor(&site).await;
        let codes = make(&mut ann).await;
        let user = site.user(ANN).await.unwrap();
        let mut factor = user.second_factor.clone();
        factor.totp_secret = Some(SealedSecret::new("sealed by another key"));
        let (user, set) = (user.id, vec![UserField::SecondFactor(factor)]);
        site.write(Change::UpdateUser { user, expect: Vec::new(), set }).await;
        let mut browser = waiting(&site).await;
        let used = browser.post_json(USE, json!({ "code": codes[0] })).await;
        assert_eq!(used.status, StatusCode::OK, "{}", used.text());
        assert_eq!(browser.who().await.as_deref(), Some(ANN));
    }
}
