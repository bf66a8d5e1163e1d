//! Tests of requests with credentials of several people: one of them is the principal, and no
//! session changes its owner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_core::authn::Mechanism;
use fs_core::authz::Requirement;
use fs_http::config::CsrfScope;
use fs_http::{BodyRead, Refusal};
use fs_testkit::calls::Call;
use fs_testkit::site::{Answer, Browser, Dump, PASSWORD, Setup, Site};
use http::header::{CACHE_CONTROL, COOKIE, VARY};
use http::{HeaderValue, Method, Request, StatusCode};

use crate::factors::every_way;
use crate::people::{ANN, NEW, PROFILES, is_ann, sign_ann_in, with_basic, with_header};

const EVE: &str = "eve@site.test";

/// Every endpoint that accepts a form, with links of no account.
const ENDPOINTS: [&str; 24] = [
    "/login",
    "/logout",
    "/verify",
    "/register",
    "/confirm",
    "/confirm/no-token",
    "/reset",
    "/reset/no-token",
    "/change",
    "/login/no-token",
    "/tf-setup",
    "/tf-validate",
    "/tf-rescue",
    "/mf-recovery-codes",
    "/mf-recovery",
    "/us-signin",
    "/us-signin/send-code",
    "/us-setup",
    "/us-setup/no-token",
    "/us-verify",
    "/us-verify/send-code",
    "/us-verify-link",
    "/",
    "/every-way",
];

/// Credential that Eve can add to a forged form, which Ann's browser sends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Query,
    Header,
    Basic,
}

/// Returns the default profile with tokens in the query, and that of Flask-Security without a check
/// of every request (`WTF_CSRF_CHECK_DEFAULT`).
fn lax() -> [Setup; 2] {
    every_way().map(|mut setup| {
        setup.http.token.query = true;
        setup.http.csrf.enabled = true;
        setup.http.csrf.scope = CsrfScope::Mechanisms(vec![Mechanism::Session, Mechanism::Basic]);
        setup.http.api_mechanisms = vec![Mechanism::Session, Mechanism::Token, Mechanism::Basic];
        setup
    })
}

async fn token_of(site: &Site, email: &str) -> String {
    let mut user = site.user(email).await.unwrap();
    let token = site.core().auth_tokens().issue(&site.context(), &mut user).await.unwrap();
    token.expose().to_owned()
}

/// Creates a form of Eve's site, with her own credentials.
async fn forged(site: &Site, by: By, method: &Method, target: &str) -> Request<bytes::Bytes> {
    let token = token_of(site, EVE).await;
    let target = match by {
        By::Query => format!("{target}?auth_token={token}"),
        _ => target.to_owned(),
    };
    let fields = [
        ("email", EVE),
        ("identity", EVE),
        ("password", PASSWORD),
        ("passcode", PASSWORD),
        ("new_password", NEW),
        ("new_password_confirm", NEW),
        ("password_confirm", PASSWORD),
        ("setup", "disable"),
        ("chosen_method", "authenticator"),
        ("code", "000000"),
        ("help_setup", "lost_device"),
    ];
    let mut body = form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(fields).finish();
    let request = Browser::request(method.clone(), &target);
    let request = Browser::with_body(request, "application/x-www-form-urlencoded", body);
    match by {
        By::Query => request,
        By::Header => with_header(request, "authentication-token", &token),
        By::Basic => {
            let basic = STANDARD.encode(format!("{EVE}:{PASSWORD}"));
            with_header(request, "authorization", &format!("Basic {basic}"))
        }
    }
}

/// Returns Ann's data, to check that it is unchanged.
async fn annes(site: &Site) -> (Dump, Option<fs_core::model::User>) {
    let mut dump = site.dump().await;
    let ann = site.user(ANN).await;
    let name = ann.as_ref().map(|ann| ann.uniquifier.clone());
    dump.sessions.retain(|session| Some(&session.uniquifier) == name.as_ref());
    dump.users.retain(|user| user.email == ANN);
    let id = ann.as_ref().map(|ann| ann.id.clone());
    dump.credentials.retain(|credential| Some(&credential.owner) == id.as_ref());
    dump.audit.clear();
    dump.commits = 0;
    (dump, ann)
}

#[tokio::test]
async fn no_request_of_another_person_touches_the_session_of_a_browser() {
    for number in 0..2 {
        for target in ENDPOINTS {
            for by in [By::Query, By::Header, By::Basic] {
                for method in [Method::POST, Method::GET] {
                    let [default, flask] = lax();
                    let setup = if number == 0 { default } else { flask };
                    let site = setup.build();
                    site.add_user(ANN).await;
                    site.add_user(EVE).await;
                    let mut ann = sign_ann_in(&site).await;
                    let before = annes(&site).await;
                    let case = format!("profile {number}: {method} {target} by {by:?}");

                    // The browser sends the cookies as well.
                    let request = forged(&site, by, &method, target).await;
                    // Without a CSRF token, a link to sign out works in Flask-Security's profile.
                    let alone = by == By::Basic && target == "/logout";
                    let answer = ann.send(request.clone()).await;
                    assert!(!answer.status.is_server_error(), "{case}: {}", answer.text());
                    if !(alone && number == 1) {
                        assert_eq!(ann.who().await.as_deref(), Some(ANN), "{case}");
                        assert!(annes(&site).await == before, "{case}");
                    }

                    // The browser does not send the cookies, but would accept new ones.
                    if method == Method::POST && by != By::Header {
                        let answer = site.browser().send(request).await;
                        let session = &site.web.config().session_cookie.name;
                        let cookies = answer.cookies();
                        let sets =
                            |(name, _): &(String, String)| name.starts_with(session.as_str());
                        assert!(!cookies.iter().any(sets), "{case}: {cookies:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_changes_the_password_of_its_owner_and_begins_no_session() {
    for setup in lax() {
        let site = setup.build();
        site.add_user(ANN).await;
        site.add_user(EVE).await;
        let mut ann = sign_ann_in(&site).await;
        let request = forged(&site, By::Header, &Method::POST, "/change").await;
        let mixed = ann.send(request.clone()).await;
        assert_eq!(mixed.status, StatusCode::BAD_REQUEST, "two people at once");
        assert!(mixed.text().contains("two people"), "{}", mixed.text());
        let alone = site.browser().send(request).await;
        assert_eq!(alone.status, StatusCode::FOUND);
        assert!(site.browser().send(with_basic(EVE, NEW)).await.status == StatusCode::OK);
        let sessions = site.dump().await.sessions;
        let eve = site.user(EVE).await.unwrap().uniquifier;
        assert!(sessions.iter().all(|session| session.uniquifier != eve));
        assert_eq!(ann.who().await.as_deref(), Some(ANN));
    }
}

#[tokio::test]
async fn a_handler_that_signs_out_ends_no_session_of_somebody_else() {
    for setup in lax() {
        let site = setup.build();
        site.add_user(ANN).await;
        site.add_user(EVE).await;
        let ann = sign_ann_in(&site).await;
        let (mut parts, _) = forged(&site, By::Query, &Method::POST, "/leave").await.into_parts();
        parts.headers.insert(COOKIE, cookies(&ann));
        let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
        exchange.sign_out().await.unwrap();
        assert!(exchange.current().await.unwrap().is_none());
        assert_eq!(ann.clone().who().await.as_deref(), Some(ANN));
    }
}

fn cookies(browser: &Browser) -> HeaderValue {
    let pairs = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    HeaderValue::from_str(&pairs.collect::<Vec<_>>().join("; ")).unwrap()
}

/// Creates a site of four people, and the head of a request with a session, a remember cookie, a
/// token and a password, each of another person.
async fn four_people(setup: Setup) -> (Site, http::request::Parts) {
    let site = setup.build();
    for email in [ANN, EVE, "dan@site.test", "fay@site.test"] {
        site.add_user(email).await;
    }
    let mut ann = site.browser();
    ann.sign_in(ANN, PASSWORD).await;
    let mut fay = site.browser();
    let typed = serde_json::json!(
        { "email": "fay@site.test", "password": PASSWORD, "remember": true }
    );
    fay.post_json("/login", typed).await;
    let remembered = fay.cookies.into_iter().filter(|(name, _)| name.contains("remember"));
    ann.cookies.extend(remembered);
    let token = token_of(&site, EVE).await;
    let request =
        with_header(with_basic("dan@site.test", PASSWORD), "authentication-token", &token);
    let (mut parts, _) = request.into_parts();
    parts.headers.insert(COOKIE, cookies(&ann));
    (site, parts)
}

#[tokio::test]
async fn guards_and_extractors_name_one_person_whatever_their_order() {
    use Mechanism::{Basic, Session, Token};
    let every = || Requirement::signed_in().by([Token, Session, Basic]);
    let guards = [
        Requirement::anyone(),
        Requirement::signed_in(),
        Requirement::signed_in().always_redirect(),
        every(),
        Requirement::signed_in().by([Token]),
    ];
    for setup in PROFILES {
        let (site, parts) = four_people(setup()).await;
        for first in &guards {
            for second in &guards {
                let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
                site.calls.take();
                for guard in [first, second, first, second] {
                    let caller = exchange.check(guard).await.unwrap().unwrap();
                    assert_eq!(caller.user.email, EVE, "{first}, {second}");
                }
                let current = exchange.current().await.unwrap().unwrap();
                assert_eq!((current.user.email.as_str(), current.mechanism), (EVE, Token));
                let look = match site.core().auth_tokens().are_listed() {
                    true => Call::Credential,
                    false => Call::User,
                };
                assert_eq!(site.calls.take(), [look], "the token is looked at, and once");
            }
        }
    }
}

#[tokio::test]
async fn two_guards_that_would_let_in_two_people_let_in_nobody() {
    use Mechanism::{Basic, Session, Token};
    for setup in PROFILES {
        let (site, parts) = four_people(setup()).await;
        for (first, second) in
            [(Session, Token), (Token, Session), (Basic, Token), (Session, Basic)]
        {
            let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
            let by = |mechanism| Requirement::signed_in().by([mechanism]);
            let known = exchange.check(&by(first)).await.unwrap().unwrap();
            let refused = exchange.check(&by(second)).await;
            assert!(matches!(refused, Err(Refusal::MixedCredentials)), "{first:?}, {second:?}");
            for guard in [Requirement::anyone(), Requirement::signed_in()] {
                let caller = exchange.check(&guard).await.unwrap().unwrap();
                assert_eq!(caller.user.id, known.user.id, "{first:?}, {second:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_mechanism_is_tried_once_also_if_it_names_nobody() {
    let every = [Mechanism::Token, Mechanism::Session, Mechanism::Basic];
    for setup in PROFILES {
        for (password, hashes) in [(PASSWORD, 1), ("a wrong marble otter", 1)] {
            let site = setup().build();
            site.add_user(ANN).await;
            let (parts, _) = with_basic(ANN, password).into_parts();
            let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
            site.calls.take();
            let requirement = Requirement::signed_in().by(every);
            let first = exchange.check(&requirement).await.is_ok();
            let calls = site.calls.take();
            let hashed = calls.iter().filter(|call| matches!(call, Call::Hash(_))).count();
            assert_eq!((first, hashed), (password == PASSWORD, hashes));
            for _ in 0..3 {
                assert_eq!(exchange.check(&requirement).await.is_ok(), first);
            }
            assert!(site.calls.take().is_empty(), "nothing is hashed or counted again");
        }
    }
}

#[tokio::test]
async fn a_failure_is_told_to_every_guard_and_tried_once() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    for _ in 0..50 {
        site.browser().send(with_basic(ANN, "a wrong marble otter")).await;
    }
    let (parts, _) = with_basic(ANN, PASSWORD).into_parts();
    let peer = site.context().client_ip;
    let exchange = site.web.open(&parts, BodyRead::NotRead, peer).await;
    let requirement = Requirement::signed_in().by([Mechanism::Basic]);
    site.calls.take();
    for number in 0..3 {
        let refused = exchange.check(&requirement).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{number}");
        assert_eq!(site.calls.take().is_empty(), number > 0, "{number}");
    }
}

/// Returns the names in `Vary`, in lower case.
fn varies_by(answer: &Answer) -> Vec<String> {
    let lines = answer.headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(','));
    names.map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[tokio::test]
async fn caches_are_told_by_which_headers_an_answer_was_decided() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let token = token_of(&site, ANN).await;
        let by_token = |target: &str| {
            let request = Browser::request(Method::GET, target);
            with_header(request, "authentication-token", &token)
        };
        assert!(is_ann(&site, by_token("/private")).await);
        for (request, headers) in [
            (by_token("/private"), &["authentication-token"][..]),
            (
                Browser::request(Method::GET, "/private"),
                &["cookie", "authentication-token", "accept"],
            ),
            (with_basic(ANN, PASSWORD), &["cookie", "authentication-token", "authorization"]),
            (Browser::request(Method::GET, "/login"), &["cookie", "accept"]),
        ] {
            let target = request.uri().path().to_owned();
            let answer = site.browser().send(request).await;
            let names = varies_by(&answer);
            for header in headers {
                assert!(names.iter().any(|name| name == header), "{target}: {header} in {names:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_for_somebody_is_kept_by_no_shared_cache() {
    for setup in PROFILES {
        let site = setup().build();
        site.add_user(ANN).await;
        let mut ann = sign_ann_in(&site).await;
        let token = token_of(&site, ANN).await;
        let by_token = Browser::request(Method::GET, "/private");
        let by_token = with_header(by_token, "authentication-token", &token);
        for answer in [
            ann.get("/private").await,
            ann.get("/").await,
            ann.get_json("/change").await,
            site.browser().send(by_token).await,
            site.browser().send(with_basic(ANN, PASSWORD)).await,
            site.browser().get("/login").await,
        ] {
            let line = answer.headers.get(CACHE_CONTROL).and_then(|line| line.to_str().ok());
            assert!(matches!(line, Some("private" | "no-store")), "{line:?}");
        }
        let stranger = site.browser().get("/").await;
        assert!(!stranger.headers.contains_key(CACHE_CONTROL));
    }
}
