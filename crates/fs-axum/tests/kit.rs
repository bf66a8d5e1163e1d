//! Adapter test kit, run on axum.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::SET_COOKIE;
use axum::routing::{get, post};
use axum::{Form, Router};
use fs_axum::{Answer, Auth, CurrentUser, MaybeUser, Protected, WithSecurity, require};
use fs_http::WebSecurity;
use fs_testkit::adapter::{
    ByPassword, Editor, EveryWay, editors, enter, every_way, leave, names, panics, seen, visits,
};

fs_testkit::adapter_kit!(start, http2);

fn start(security: WebSecurity) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let app = application().with_security(&security);
    std::thread::spawn(|| {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, app).await.unwrap();
        });
    });
    address
}

fn application() -> Router {
    let group =
        Router::new().route("/inside", get(async || "inside")).route_layer(require(editors()));
    let stacked = Router::new().route("/names", get(three)).route_layer(require(every_way()));
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/seen", get(async |auth: Auth| seen(&auth)))
        .route("/user", get(async |user: CurrentUser| user.email.clone()))
        .route("/maybe", get(maybe))
        .route("/perhaps", get(perhaps))
        .route("/basic", get(async |user: Protected<ByPassword>| user.email.clone()))
        .route("/editors", get(async |user: Protected<Editor>| user.email.clone()))
        .nest("/group", group)
        .nest("/stacked", stacked)
        .route("/visits", get(async |auth: Auth| visits(&auth)))
        .route("/cookie", get(async |auth: Auth| ([(SET_COOKIE, "theirs=1")], visits(&auth))))
        .route("/enter", get(async |auth: Auth| Answer(enter(&auth).await)))
        .route("/leave", get(async |auth: Auth| leave(&auth).await))
        .route("/body", post(async |_: CurrentUser, body: Bytes| body.len().to_string()))
        .route("/form", post(form))
        .route("/panic", get(async |auth: Auth| panics(&auth)))
        .layer(DefaultBodyLimit::max(1 << 20))
}

async fn maybe(MaybeUser(caller): MaybeUser) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.user.email.clone())
}

async fn three(
    MaybeUser(maybe): MaybeUser,
    current: CurrentUser,
    protected: Protected<EveryWay>,
) -> String {
    names(maybe.as_ref(), &current, &protected)
}

async fn perhaps(user: Option<CurrentUser>) -> String {
    user.map_or("nobody".to_owned(), |user| user.email.clone())
}

async fn form(_: CurrentUser, Form(mut fields): Form<HashMap<String, String>>) -> String {
    fields.remove("text").unwrap_or_default()
}
