//! Tests of routers merged with a protected one: they stay unprotected, and the endpoints stay
//! reachable.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use fs_axum::{CurrentUser, WithSecurity};
use fs_testkit::site::Setup;
use http::{Method, Request, StatusCode};
use tower::ServiceExt;

fn protected() -> Router {
    let site = Setup::standard().build();
    Router::new()
        .route("/private", get(async |user: CurrentUser| user.email.clone()))
        .route("/verify", post(async || "the application's"))
        .with_security(&site.web)
}

fn others() -> Router {
    Router::new().route("/health", get(async || "well"))
}

async fn status(app: &Router, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn endpoints_and_guards_stay_whatever_is_merged() {
    for app in [protected().merge(others()), others().merge(protected())] {
        assert_eq!(status(&app, "/login").await, StatusCode::OK);
        assert_eq!(status(&app, "/private").await, StatusCode::FOUND);
        assert_eq!(status(&app, "/health").await, StatusCode::OK);
        assert_eq!(status(&app, "/missing").await, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn endpoints_are_before_routes_of_the_same_path() {
    let app = protected().method_not_allowed_fallback(async || "nobody");
    let request = Request::builder().method(Method::GET).uri("/verify");
    let answer = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND, "a stranger is sent to the sign-in page");
    assert_eq!(answer.headers().get(http::header::ALLOW), None);
}
