//! Tests of answers by hooks of the application.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fs_core::model::User;
use fs_core::secret::Secret;
use fs_http::BodyRead;
use fs_testkit::site::{BASE_URL, Browser, PASSWORD, Setup, Site};
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::people::{ANN, sign_ann_in, with_basic, with_header};

/// Returns an answer that the library never gives.
fn teapot(text: impl Into<String>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text.into()));
    *response.status_mut() = StatusCode::IM_A_TEAPOT;
    response
}

async fn site_with_ann(setup: Setup) -> Site {
    let site = setup.build();
    site.add_user(ANN).await;
    site
}

#[tokio::test]
async fn the_choice_of_json_can_be_replaced() {
    let mut setup = Setup::standard();
    setup.hooks.want_json = Some(Arc::new(|request| request.header("x-api").is_some()));
    let site = setup.build();
    let asked = with_header(Browser::request(Method::GET, "/private"), "x-api", "1");
    let answer = site.browser().send(asked).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["meta"]["code"], 401);
    let answer = site.browser().get_json("/private").await;
    assert_eq!(answer.status, StatusCode::FOUND, "Accept does not decide any more");
}

#[tokio::test]
async fn every_json_answer_can_be_made_by_the_application() {
    let mut setup = Setup::standard();
    setup.hooks.render_json = Some(Arc::new(|payload, status, user: Option<&User>| {
        let body = json!({ "mine": payload, "user": user.map(|user| &user.email) });
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        response
    }));
    let site = site_with_ann(setup).await;
    let mut browser = site.browser();
    let shown = browser.get_json("/login").await.json();
    let token = shown["mine"]["response"]["csrf_token"].as_str().unwrap().to_owned();
    let send = |target: &str, body: Value| {
        let request = Browser::json_request(Method::POST, target);
        let request = Browser::with_body(request, "application/json", body.to_string());
        with_header(request, "x-csrf-token", &token)
    };
    let refused = browser.send(send("/login", json!({ "email": ANN }))).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.json()["mine"]["response"]["errors"]["password"].is_array());
    let denied = browser.get_json("/private").await;
    assert_eq!(denied.json()["mine"]["meta"]["code"], 401);
    let signed_in =
        browser.send(send("/login", json!({ "email": ANN, "password": PASSWORD }))).await;
    assert_eq!(signed_in.json()["user"], ANN);
}

#[tokio::test]
async fn refusals_can_be_answered_by_the_application() {
    let mut setup = Setup::standard();
    setup.hooks.unauthenticated = Some(Arc::new(|exchange, mechanisms| {
        teapot(format!("{} {mechanisms:?}", exchange.request().path()))
    }));
    setup.hooks.unauthorized = Some(Arc::new(|_, rule| teapot(format!("{rule:?}"))));
    setup.hooks.reauthenticate = Some(Arc::new(|_, rule| teapot(format!("{rule:?}"))));
    let site = site_with_ann(setup).await;
    let stranger = site.browser().get("/every-way").await;
    assert_eq!(stranger.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(stranger.text(), "/every-way [Token, Session, Basic]");

    let mut ann = sign_ann_in(&site).await;
    let lacks = ann.get("/editors").await;
    assert_eq!(lacks.status, StatusCode::IM_A_TEAPOT);
    assert!(lacks.text().contains("editor"), "{}", lacks.text());

    assert_eq!(ann.get("/fresh").await.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(3 * 3_600));
    let stale = ann.get("/fresh").await;
    assert_eq!(stale.status, StatusCode::IM_A_TEAPOT);
    assert!(stale.text().contains("within"), "{}", stale.text());
}

#[tokio::test]
async fn json_tells_of_a_user_what_the_application_says() {
    for told in [false, true] {
        let mut setup = Setup::standard();
        if told {
            setup.hooks.user_payload = Some(Arc::new(|user| {
                Map::from_iter([("email".to_owned(), user.email.clone().into())])
            }));
        }
        let site = site_with_ann(setup).await;
        let typed = json!({ "email": ANN, "password": PASSWORD });
        let answer = site.browser().post_json("/login", typed).await.json();
        let expected = if told { json!({ "email": ANN }) } else { json!({}) };
        assert_eq!(answer["response"]["user"], expected);
    }
}

#[tokio::test]
async fn templates_know_what_the_application_adds() {
    let mut setup = Setup::standard();
    let lang = |lang: &'static str| {
        move |_: Option<&fs_http::Exchange>| Map::from_iter([("lang".to_owned(), lang.into())])
    };
    setup.hooks.page_context.insert("security/login_user.html".to_owned(), Arc::new(lang("fi")));
    let site = setup.build();
    assert!(site.browser().get("/login").await.text().contains("<html lang=\"fi\">"));
    assert!(site.browser().get("/register").await.text().contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn the_code_for_apps_can_be_drawn_otherwise() {
    let mut setup = Setup::standard();
    setup.hooks.qr_code = Some(Arc::new(|app| {
        assert!(app.uri().expose().starts_with("otpauth://totp/"));
        Some(Secret::from(format!("data:image/png;base64,{}", app.username.len())))
    }));
    let template = "security/two_factor_setup.html".to_owned();
    setup.http.pages.templates.insert(template, "{{ authr_qrcode }}".to_owned());
    let site = site_with_ann(setup).await;
    let mut ann = sign_ann_in(&site).await;
    let page = ann.post_form("/tf-setup", &[("setup", "authenticator")]).await.text();
    assert_eq!(page, format!("data:image/png;base64,{}", ANN.len()));
}

#[tokio::test]
async fn an_application_can_answer_at_our_paths_itself() {
    let mut setup = Setup::standard();
    setup.http.serve_endpoints = false;
    let site = site_with_ann(setup).await;
    for target in ["/login", "/register", "/reset", "/logout"] {
        assert_eq!(site.browser().get(target).await.status, StatusCode::NOT_FOUND, "{target}");
    }
    let asked = site.core().accounts().request_reset(&site.context(), ANN).await.unwrap();
    assert!(matches!(asked, fs_core::flow::ResetRequestOutcome::Sent { .. }));
    let mail = site.mails().await.pop().unwrap();
    assert!(
        mail.text.unwrap().contains(&format!("{BASE_URL}/reset/")),
        "links lead there all the same"
    );
}

#[tokio::test]
async fn handlers_find_their_way_around() {
    let mut setup = Setup::standard();
    setup.http.url_prefix = "/auth".to_owned();
    setup.http.redirects.host = Some("ui.test".to_owned());
    setup.http.views.named.insert("home".to_owned(), "/start".to_owned());
    let site = site_with_ann(setup).await;
    let (parts, _) = with_basic(ANN, PASSWORD).into_parts();
    let exchange = site.web.open(&parts, BodyRead::NotRead, None).await;
    let sign_in = exchange.endpoint_url(fs_http::route::Endpoint::SignIn, &[("next", "/a b")]);
    assert_eq!(sign_in, "/auth/login?next=%2Fa+b");
    assert_eq!(&*exchange.context().base_url, BASE_URL);
    assert_eq!(exchange.view(Some("home"), &[("a", "1")]), "/start?a=1");
    assert_eq!(exchange.view(Some("/done"), &[]), "//ui.test/done");
    let user = site.user(ANN).await.unwrap();
    assert_eq!(exchange.spa_query(&user), [("email", ANN), ("identity", ANN)]);

    assert_eq!(exchange.authenticated_via(), None);
    let every = [fs_core::authn::Mechanism::Basic];
    let asks = fs_core::authz::Requirement::signed_in().by(every);
    assert!(exchange.authorize(&asks).await.unwrap().is_some());
    assert_eq!(exchange.authenticated_via(), Some(fs_core::authn::Mechanism::Basic));
}
