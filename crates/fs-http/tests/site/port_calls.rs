//! Tests of the cost of a request: the ports that it calls, and how often.

use fs_testkit::calls::Call;
use fs_testkit::calls::HashKind::{Compare, Create, Verify};
use fs_testkit::site::{Browser, PASSWORD, Setup, Site, link_in};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

const ANN: &str = "ann@site.test";
const PAGES: [&str; 7] =
    ["/login", "/register", "/confirm", "/reset", "/change", "/verify", "/reset/no-token"];
const ROUTES: [&str; 5] = ["/", "/private", "/every-way", "/fresh", "/editors"];

fn profiles() -> [Setup; 2] {
    [Setup::standard(), Setup::flask_security_4()]
}

/// Returns the calls of the store and of the hash pool since the last call.
fn costs(site: &Site) -> Vec<Call> {
    let calls = site.calls.take();
    let dear = |call: &Call| !matches!(call, Call::Entropy(_) | Call::Compose);
    calls.into_iter().filter(dear).collect()
}

#[tokio::test]
async fn an_anonymous_request_makes_no_call_of_the_store() {
    for setup in profiles() {
        let site = setup.build();
        site.add_user(ANN).await;
        let mut fresh = site.browser();
        let mut visited = site.browser();
        visited.csrf_token().await;
        for target in PAGES.into_iter().chain(ROUTES).chain(["/confirm/no-token", "/nowhere"]) {
            for browser in [&mut fresh, &mut visited] {
                for request in [Browser::request, Browser::json_request] {
                    site.calls.take();
                    let status = browser.send(request(Method::GET, target)).await.status;
                    assert_eq!(costs(&site), [], "{target} {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn worthless_credentials_make_no_call_of_the_store() {
    for setup in profiles() {
        let site = setup.build();
        let cookies =
            [&site.web.config().session_cookie.name, &site.web.config().remember_cookie.name];
        let cookies = cookies.map(|name| format!("{name}=AAAA"));
        let headers = [
            ("cookie", cookies[0].as_str()),
            ("cookie", cookies[1].as_str()),
            ("authentication-token", "AAAA.AAAA.AAAA"),
            ("authorization", "Basic AAAA"),
            ("authorization", "Bearer AAAA"),
        ];
        for (name, value) in headers {
            for target in ROUTES.into_iter().chain(["/login", "/change"]) {
                let mut request = Browser::request(Method::GET, target);
                request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
                site.browser().send(request).await;
                assert_eq!(costs(&site), [], "{name}: {value} {target}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_of_a_session_makes_one_read_and_no_write() {
    for setup in profiles() {
        let site = setup.build();
        site.add_user(ANN).await;
        let mut browser = site.browser();
        browser.sign_in(ANN, PASSWORD).await;
        for target in PAGES.into_iter().chain(ROUTES) {
            for request in [Browser::request, Browser::json_request] {
                site.calls.take();
                browser.send(request(Method::GET, target)).await;
                let calls = costs(&site);
                let of_a_page = target == "/confirm" && calls.is_empty();
                assert!(calls == [Call::Session] || of_a_page, "{target}: {calls:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_with_a_token_makes_one_read_and_no_write() {
    for setup in profiles() {
        let site = setup.build();
        let mut user = site.add_user(ANN).await;
        let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
        for target in ROUTES.into_iter().chain(["/change"]) {
            let mut request = Browser::json_request(Method::GET, target);
            let value = HeaderValue::from_str(token.expose()).unwrap();
            request.headers_mut().insert("authentication-token", value);
            site.calls.take();
            site.browser().send(request).await;
            let read = match site.core().auth_tokens().are_listed() {
                true => Call::Credential,
                false => Call::User,
            };
            assert_eq!(costs(&site), [read], "{target}");
        }
    }
}

#[tokio::test]
async fn a_request_with_basic_authentication_makes_one_read_and_one_comparison() {
    use base64::Engine;
    // If passwords are limited, the attempt is counted before the account is looked up, and
    // uncounted after the comparison.
    let alone = vec![Call::User, Call::Hash(Verify)];
    let counted = vec![Call::Commit, Call::User, Call::Hash(Verify), Call::Commit];
    for (setup, cost) in profiles().into_iter().zip([counted, alone]) {
        let site = setup.build();
        site.add_user(ANN).await;
        let credentials = format!("{ANN}:{PASSWORD}");
        let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
        let mut request = Browser::request(Method::GET, "/every-way");
        let value = HeaderValue::from_str(&format!("Basic {credentials}")).unwrap();
        request.headers_mut().insert("authorization", value);
        site.calls.take();
        let answer = site.browser().send(request).await;
        assert_eq!(answer.text(), ANN);
        assert_eq!(costs(&site), cost);
    }
}

#[tokio::test]
async fn a_remembered_browser_is_restored_with_one_read_and_one_write() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut browser = site.browser();
    let typed = json!({ "email": ANN, "password": PASSWORD, "remember": true });
    browser.post_json("/login", typed).await;
    browser.cookies.retain(|name, _| name.contains("remember"));
    site.calls.take();
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    assert_eq!(costs(&site), [Call::Credential, Call::Commit]);
    assert_eq!(browser.who().await.as_deref(), Some(ANN));
    assert_eq!(costs(&site), [Call::Session]);
}

/// Sends JSON and returns its cost, without that of the CSRF token.
async fn cost_of(
    site: &Site,
    browser: &mut Browser,
    target: &str,
    body: serde_json::Value,
) -> Vec<Call> {
    let request = browser.json(target, body).await;
    site.calls.take();
    let answer = browser.send(request).await;
    assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text());
    costs(site)
}

#[tokio::test]
async fn every_form_costs_what_it_must() {
    let (read, write) = (Call::User, Call::Commit);
    let (hash, compare) = (Call::Hash(Create), Call::Hash(Verify));
    // A new password is checked on the hashing threads.
    let judge = Call::Hash(Compare);
    let site = Setup::standard().build();
    let mut browser = site.browser();

    // A registration is counted before its address is looked up. One that lost a race for the address
    // looks its owner up and does a second commit, so all do.
    let count = write;
    let new = json!({ "email": ANN, "password": PASSWORD });
    let costs_now = cost_of(&site, &mut browser, "/register", new).await;
    assert_eq!(costs_now, [count, read, judge, hash, write, read, write]);
    let address = json!({ "email": ANN });
    // A mail is written once. The limits of its address refuse two more commits, as many as if they
    // were reached.
    let mailed = [count, read, write, write, write];
    assert_eq!(cost_of(&site, &mut browser, "/confirm", address.clone()).await, mailed);
    let link = link_in(site.mails().await.last().unwrap()).unwrap();
    site.calls.take();
    browser.get(&link).await;
    assert_eq!(costs(&site), [read]);
    browser.post_form(&link, &[]).await;
    assert_eq!(costs(&site), [read, write]);

    assert_eq!(cost_of(&site, &mut browser, "/reset", address).await, mailed);
    let link = link_in(site.mails().await.last().unwrap()).unwrap();
    site.calls.take();
    browser.get(&link).await;
    assert_eq!(costs(&site), [read]);
    let password = "another marble otter candle";
    let new = json!({ "password": password, "password_confirm": password });
    // A new password is counted before it is checked.
    assert_eq!(cost_of(&site, &mut browser, &link, new).await, [read, count, judge, hash, write]);

    let credentials = json!({ "email": ANN, "password": password });
    // A password attempt is counted before the account is looked up.
    let costs = cost_of(&site, &mut browser, "/login", credentials).await;
    assert_eq!(costs, [count, read, compare, write]);
    let of_session = Call::Session;
    let known = json!({ "password": password });
    let costs = cost_of(&site, &mut browser, "/verify", known).await;
    // The session is read again, because it may have been revoked during the comparison.
    assert_eq!(costs, [of_session, count, compare, of_session, write]);
    let new = json!({
        "password": password,
        "new_password": PASSWORD,
        "new_password_confirm": PASSWORD,
    });
    let costs = cost_of(&site, &mut browser, "/change", new).await;
    assert_eq!(costs, [of_session, count, compare, count, judge, hash, of_session, write]);
    let costs = cost_of(&site, &mut browser, "/logout", json!({})).await;
    assert_eq!(costs, [of_session, write]);
}
