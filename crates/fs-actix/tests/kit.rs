//! Adapter test kit, run on actix-web.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::net::SocketAddr;

use actix_web::http::header::SET_COOKIE;
use actix_web::web::{Bytes, Form, PayloadConfig, ServiceConfig, get, post, scope};
use actix_web::{App, HttpResponse, HttpServer};
use fs_actix::{Answer, Auth, CurrentUser, MaybeUser, Protected, SecurityMiddleware, require};
use fs_http::WebSecurity;
use fs_testkit::adapter::{self, ByPassword, Editor, EveryWay};

fs_testkit::adapter_kit!(start);

fn start(security: WebSecurity) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(|| {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let server = HttpServer::new(move || {
                App::new().configure(application).wrap(SecurityMiddleware::new(&security))
            });
            server.workers(2).disable_signals().listen(listener).unwrap().run().await.unwrap();
        });
    });
    address
}

fn application(app: &mut ServiceConfig) {
    app.app_data(PayloadConfig::new(1 << 20))
        .route("/hello", get().to(async || "hello"))
        .route("/seen", get().to(async |auth: Auth| adapter::seen(&auth)))
        .route("/user", get().to(async |user: CurrentUser| user.email.clone()))
        .route("/maybe", get().to(maybe))
        .route("/perhaps", get().to(perhaps))
        .route("/basic", get().to(async |user: Protected<ByPassword>| user.email.clone()))
        .route("/editors", get().to(async |user: Protected<Editor>| user.email.clone()))
        .service(
            scope("/stacked").wrap(require(adapter::every_way())).route("/names", get().to(names)),
        )
        .service(
            scope("/group")
                .wrap(require(adapter::editors()))
                .route("/inside", get().to(async || "inside")),
        )
        .route("/visits", get().to(async |auth: Auth| adapter::visits(&auth)))
        .route("/cookie", get().to(cookie))
        .route("/enter", get().to(enter))
        .route("/leave", get().to(leave))
        .route("/body", post().to(body))
        .route("/form", post().to(form))
        .route("/panic", get().to(panics));
}

async fn maybe(MaybeUser(caller): MaybeUser) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.user.email.clone())
}

async fn names(
    MaybeUser(maybe): MaybeUser,
    current: CurrentUser,
    protected: Protected<EveryWay>,
) -> String {
    adapter::names(maybe.as_ref(), &current, &protected)
}

async fn perhaps(user: Option<CurrentUser>) -> String {
    user.map_or("nobody".to_owned(), |user| user.email.clone())
}

async fn cookie(auth: Auth) -> HttpResponse {
    let cookie = (SET_COOKIE, "theirs=1");
    HttpResponse::Ok().insert_header(cookie).body(adapter::visits(&auth))
}

async fn enter(auth: Auth) -> Answer {
    Answer(adapter::enter(&auth).await)
}

async fn leave(auth: Auth) -> String {
    adapter::leave(&auth).await
}

async fn body(_: CurrentUser, body: Bytes) -> String {
    body.len().to_string()
}

async fn form(_: CurrentUser, mut form: Form<HashMap<String, String>>) -> String {
    form.remove("text").unwrap_or_default()
}

async fn panics(auth: Auth) -> String {
    adapter::panics(&auth)
}
