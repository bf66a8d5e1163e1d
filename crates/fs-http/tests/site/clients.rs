//! Tests of client addresses, and of answers for programs that show no pages.

use fs_core::authn::Mechanism;
use fs_core::authz::{Fresh, Requirement};
use fs_http::HttpConfig;
use fs_testkit::log::Log;
use fs_testkit::site::{Browser, Setup, Site};
use http::{Method, StatusCode};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use crate::people::{ANN, with_header};

const WRONG: &str = "a wrong marble otter";

async fn guess(site: &Site, name: &str) -> StatusCode {
    let typed = json!({ "email": name, "password": WRONG });
    site.browser().post_json("/login", typed).await.status
}

/// Checks that clients without an address share one network, which is limited like any other.
#[tokio::test]
async fn clients_without_an_address_share_one_network_and_the_log_says_so_once() {
    let log = Log::default();
    let _guard = log.begin(LevelFilter::WARN);
    let site = Setup::standard().build();
    let nowhere = site.visited_from_nowhere();
    let mut limited = false;
    for number in 0..1_000 {
        if guess(&nowhere, &format!("nobody{number}@site.test")).await
            == StatusCode::TOO_MANY_REQUESTS
        {
            limited = true;
            break;
        }
    }
    assert!(limited, "guesses at a thousand accounts from one network");
    assert_eq!(guess(&site, "nobody@site.test").await, StatusCode::BAD_REQUEST, "elsewhere");
    let text = log.text();
    assert_eq!(text.matches("without the address of their client").count(), 1, "{text}");
    for fix in ["into_make_service_with_connect_info", "Rocket", "actix-web", "begin"] {
        assert!(text.contains(fix), "{fix} is named: {text}");
    }
}

#[tokio::test]
async fn a_proxy_that_writes_no_address_is_named_in_the_log_once() {
    let log = Log::default();
    let _guard = log.begin(LevelFilter::WARN);
    let mut setup = Setup::standard();
    setup.http.trusted_proxies = vec![std::net::IpAddr::from([10, 0, 0, 1]).into()];
    let site = setup.build().visited_from([10, 0, 0, 1]);
    for entry in ["secret-of-the-client", "unknown", "x"] {
        let request = Browser::request(Method::GET, "/login");
        site.browser().send(with_header(request, "x-forwarded-for", entry)).await;
    }
    let text = log.text();
    assert_eq!(text.matches("X-Forwarded-For is no address").count(), 1, "{text}");
    assert!(text.contains("10.0.0.1") && !text.contains("secret"), "{text}");
}

/// Checks that `Forwarded` (RFC 7239) is not read, because one header that proxies must overwrite
/// is sufficient.
#[tokio::test]
async fn one_guesser_behind_a_proxy_shuts_out_nobody_else() {
    let http: HttpConfig =
        toml::from_str("trusted_proxies = ['127.0.0.1', '10.0.0.0/8', 'fd00::1']").unwrap();
    let mut setup = Setup::standard();
    setup.http.trusted_proxies = http.trusted_proxies;
    let site = setup.build().visited_from([127, 0, 0, 1]);
    let from = async |entry: String| {
        let request = Browser::request(Method::GET, "/every-way");
        let basic = "Basic bm9ib2R5QHNpdGUudGVzdDp3cm9uZw==";
        let request = with_header(request, "authorization", basic);
        let request = with_header(request, "forwarded", "for=192.0.2.99");
        let request = with_header(request, "x-forwarded-for", &entry);
        site.browser().send(request).await.status
    };
    let mut answers = Vec::new();
    for port in 4_000..4_030 {
        answers.push(from(format!("5.5.5.5:{port}")).await);
    }
    assert_eq!(answers.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    for other in ["5.5.5.6:4000", "[2001:db8::7]:443", "[2001:db8:1::7]"] {
        assert_eq!(from(other.to_owned()).await, StatusCode::UNAUTHORIZED, "{other}");
    }
}

#[test]
fn what_is_no_network_is_named() {
    let error = toml::from_str::<HttpConfig>("trusted_proxies = ['proxy.local']").unwrap_err();
    let error = error.to_string();
    assert!(error.contains("proxy.local") && error.contains("10.0.0.0/8"), "{error}");
}

#[tokio::test]
async fn a_stranger_who_asks_for_a_websocket_is_refused_and_not_redirected() {
    let mut setup = Setup::standard();
    setup.routes.push(("/always", Requirement::signed_in().always_redirect()));
    let site = setup.build();
    site.add_user(ANN).await;
    for path in ["/private", "/every-way", "/always"] {
        let upgrade = || {
            let request = Browser::request(Method::GET, path);
            let request = with_header(request, "connection", "keep-alive, Upgrade");
            with_header(request, "upgrade", "WebSocket")
        };
        let answer = site.browser().send(upgrade()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.location().is_none());
        let mut ann = crate::people::sign_ann_in(&site).await;
        assert_eq!(ann.send(upgrade()).await.status, StatusCode::OK, "{path}");
    }
    // A page over HTTP/2 without TLS requests an upgrade as well.
    let request = with_header(Browser::request(Method::GET, "/private"), "upgrade", "h2c");
    assert_eq!(site.browser().send(request).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_websocket_that_needs_a_fresh_sign_in_is_refused_and_not_redirected() {
    let mut setup = Setup::standard();
    let fresh = Fresh::within(std::time::Duration::from_secs(60));
    setup.routes.push(("/soon", Requirement::signed_in().fresh(fresh)));
    let site = setup.build();
    site.add_user(ANN).await;
    let mut ann = crate::people::sign_ann_in(&site).await;
    site.clock.advance(std::time::Duration::from_secs(2 * 3_600));
    let request = with_header(Browser::request(Method::GET, "/soon"), "upgrade", "websocket");
    assert_eq!(ann.send(request).await.status, StatusCode::UNAUTHORIZED);
}

/// Checks for 401, because signing in on a page would not open the route.
#[tokio::test]
async fn a_route_that_accepts_no_session_says_401() {
    let mut setup = Setup::standard();
    setup.routes.push(("/token", Requirement::signed_in().by([Mechanism::Token])));
    let site = setup.build();
    for accept in [None, Some("*/*"), Some("text/html"), Some("application/json")] {
        let mut request = Browser::request(Method::GET, "/token");
        if let Some(accept) = accept {
            request = with_header(request, "accept", accept);
        }
        let answer = site.browser().send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{accept:?}");
        assert!(answer.location().is_none());
    }
}
