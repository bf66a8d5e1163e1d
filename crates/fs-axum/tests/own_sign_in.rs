//! Tests of an application that signs users in and out by its own means, such as single sign-on.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fs_axum::{Answer, Auth, CurrentUser, MaybeUser, WithSecurity};
use fs_core::config::{CodeMethod, TwoFactor};
use fs_core::event::Event;
use fs_core::flow::SignInOutcome;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_testkit::site::{BASE_URL, Setup, Site};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

const ANN: &str = "ann@site.test";
const SECRET: &str = "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY";

async fn come_in(auth: Auth, Path(email): Path<String>) -> Response {
    let user = auth.core().accounts().find_by_email(&email).await.unwrap().unwrap();
    match auth.sign_in(&user, None, vec!["single sign-on"]).await.unwrap() {
        SignInOutcome::Done { user, .. } => user.email.clone().into_response(),
        SignInOutcome::SecondFactor { challenge, .. } => {
            Answer(auth.challenged(&challenge)).into_response()
        }
        SignInOutcome::Refused(_) => StatusCode::FORBIDDEN.into_response(),
    }
}

async fn leave(auth: Auth) -> Redirect {
    auth.sign_out().await.unwrap();
    Redirect::to("/")
}

async fn private(user: CurrentUser) -> String {
    user.email.clone()
}

async fn public(user: MaybeUser) -> String {
    let editor = user.0.as_ref().is_some_and(|caller| caller.user.has_role("editor"));
    format!("known: {}, editor: {editor}", user.0.is_some())
}

/// Application under test, with the cookie of one browser.
struct Visitor {
    app: Router,
    cookie: String,
    /// Whether the requests are sent by a page of another site.
    from_elsewhere: bool,
}

impl Visitor {
    fn of(site: &Site) -> Self {
        let app = Router::new()
            .route("/come-in/{email}", post(come_in))
            .route("/leave", post(leave))
            .route("/private", get(private))
            .route("/public", get(public))
            .with_security(&site.web);
        Self { app, cookie: String::new(), from_elsewhere: false }
    }

    async fn send(&mut self, method: &str, path: &str, json: &str) -> Response {
        let mut request = Request::builder().method(method).uri(format!("{BASE_URL}{path}"));
        if !self.cookie.is_empty() {
            request = request.header(COOKIE, self.cookie.as_str());
        }
        if self.from_elsewhere {
            request = request.header("sec-fetch-site", "cross-site");
        }
        if !json.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Body::from(json.to_owned())).unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.cookie = pair.to_owned();
        }
        answer
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let answer = self.send("GET", path, "").await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn an_application_signs_in_and_out() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut visitor = Visitor::of(&site);
    let before = visitor.get("/private").await.0;
    assert_eq!(before, StatusCode::FOUND);
    site.events.take();
    let answer = visitor.send("POST", "/come-in/ann@site.test", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let signed_in = site.events.take();
    let [Event::UserAuthenticated { methods, .. }] = signed_in.as_slice() else {
        unreachable!("{signed_in:?}")
    };
    assert_eq!(methods, &["single sign-on"]);
    assert_eq!(visitor.get("/private").await, (StatusCode::OK, ANN.to_owned()));
    let kept = visitor.cookie.clone();
    visitor.send("POST", "/leave", "").await;
    assert_eq!(visitor.get("/private").await.0, StatusCode::FOUND);
    // The session itself is revoked, not only the browser's cookie.
    visitor.cookie = kept;
    assert_eq!(visitor.get("/private").await.0, StatusCode::FOUND);
}

/// Checks a cross-site form: single sign-on providers post their answer, without our cookie.
#[tokio::test]
async fn a_form_post_from_another_site_can_sign_in() {
    let site = Setup::standard().build();
    site.add_user(ANN).await;
    let mut visitor = Visitor { from_elsewhere: true, ..Visitor::of(&site) };
    let answer = visitor.send("POST", "/come-in/ann@site.test", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    visitor.from_elsewhere = false;
    assert_eq!(visitor.get("/private").await, (StatusCode::OK, ANN.to_owned()));
}

#[tokio::test]
async fn the_second_factor_is_asked_for_all_the_same() {
    let mut setup = Setup::standard();
    let mut rules = TwoFactor::default();
    rules.methods = vec![CodeMethod::Authenticator];
    setup.config.two_factor = Some(rules);
    setup.http.csrf.enabled = false;
    let site = setup.build();
    let user = site.add_user(ANN).await;
    let secret = TotpSecret::from_base32(SECRET).unwrap();
    let sealed = site.core().second_factors().seal_totp(&secret).await.unwrap();
    site.core()
        .admin()
        .set_second_factor(&user, CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    let mut visitor = Visitor::of(&site);
    let answer = visitor.send("POST", "/come-in/ann@site.test", "").await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()[LOCATION], "/tf-validate");
    assert_eq!(visitor.get("/private").await.0, StatusCode::FOUND);
    let code = TotpRules::default().code_at(&secret, site.core().now());
    let typed = format!(r#"{{"code":"{}"}}"#, code.expose());
    let answer = visitor.send("POST", "/tf-validate", &typed).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(visitor.get("/private").await, (StatusCode::OK, ANN.to_owned()));
}

#[tokio::test]
async fn a_deactivated_account_stays_out() {
    let site = Setup::standard().build();
    let user = site.add_user(ANN).await;
    site.core().admin().deactivate_user(&user.id).await.unwrap();
    let mut visitor = Visitor::of(&site);
    let answer = visitor.send("POST", "/come-in/ann@site.test", "").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(visitor.get("/private").await.0, StatusCode::FOUND);
}

#[tokio::test]
async fn nobody_in_particular_has_no_role() {
    let site = Setup::standard().build();
    let (status, text) = Visitor::of(&site).get("/public").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "known: false, editor: false"));
}
