//! Tests of layers around the protected application, and inside it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::Router;
use axum::body::Body;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use fs_axum::{CurrentUser, WithSecurity};
use fs_testkit::site::{Setup, Site};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, LOCATION, VARY};
use http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt;

async fn with_cors(mut response: Response) -> Response {
    let origin = HeaderValue::from_static("https://app.test");
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
}

async fn ask(app: &Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_layer_around_security_sees_the_account_endpoints() {
    let site = Setup::standard().build();
    let app = Router::new()
        .route("/private", get(async |user: CurrentUser| user.email.clone()))
        .with_security(&site.web)
        .layer(map_response(with_cors));
    for path in ["/login", "/private", "/missing"] {
        let answer = ask(&app, path).await;
        assert!(answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
    }
}

fn protected(site: &Site) -> Router {
    let private = get(async |user: CurrentUser| user.email.clone());
    Router::new().route("/private", private).with_security(&site.web)
}

#[tokio::test]
async fn a_layer_within_a_layer_steps_aside() {
    let site = Setup::standard().build();
    let twice = protected(&site).with_security(&site.web);
    let nested = Router::new().nest("/app", protected(&site)).with_security(&site.web);
    for (app, path, next) in [
        (twice, "/private", "/login?next=/private"),
        (nested, "/app/private", "/login?next=/app/private"),
    ] {
        let answer = ask(&app, path).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        let location = answer.headers().get(LOCATION).unwrap().to_str().unwrap();
        assert_eq!(location.replace("%2F", "/"), next);
        assert_eq!(answer.headers().get_all(VARY).iter().count(), 1, "completed once");
        assert_eq!(ask(&app, "/login").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_router_below_a_path_is_refused_and_not_redirected_to_nowhere() {
    let site = Setup::standard().build();
    let app = Router::new().route("/", get(async || "home")).nest("/app", protected(&site));
    for path in ["/app/private", "/app/login", "/app/missing"] {
        let answer = ask(&app, path).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
    assert_eq!(ask(&app, "/").await.status(), StatusCode::OK);
}
