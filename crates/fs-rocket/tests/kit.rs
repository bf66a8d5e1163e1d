//! Adapter test kit, run on Rocket.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;

use fs_http::WebSecurity;
use fs_rocket::{Answer, Auth, CurrentUser, MaybeUser, Protected, SecurityFairing, require};
use fs_testkit::adapter::{self, ByPassword, Editor, EveryWay};
use rocket::config::{Config, LogLevel};
use rocket::data::{Data, ToByteUnit};
use rocket::fairing::AdHoc;
use rocket::form::Form;
use rocket::http::{Cookie, CookieJar};
use rocket::{FromForm, get, post, routes};

fs_testkit::adapter_kit!(start, http2);

fn start(security: WebSecurity) -> SocketAddr {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let listens = AdHoc::on_liftoff("listens", |rocket| {
            let port = rocket.config().port;
            Box::pin(async move { tell.send(port).unwrap() })
        });
        let config = Config { port: 0, log_level: LogLevel::Off, ..Config::debug_default() };
        let rocket = rocket::custom(config)
            .attach(SecurityFairing::new(&security))
            .attach(listens)
            .mount("/", routes![hello, seen, user, maybe, editors, visits, cookie, enter, leave])
            .mount("/", routes![perhaps, basic, body, form, panics])
            .mount("/stacked", require(adapter::every_way(), routes![names]))
            .mount("/group", require(adapter::editors(), routes![inside]));
        rocket::execute(rocket.launch()).unwrap();
    });
    (Ipv4Addr::LOCALHOST, told.recv().unwrap()).into()
}

#[get("/hello")]
fn hello() -> &'static str {
    "hello"
}

#[get("/seen")]
fn seen(auth: Auth) -> String {
    adapter::seen(&auth)
}

#[get("/user")]
fn user(user: CurrentUser) -> String {
    user.email.clone()
}

#[get("/maybe")]
fn maybe(caller: MaybeUser) -> String {
    caller.0.map_or("nobody".to_owned(), |caller| caller.user.email.clone())
}

#[get("/perhaps")]
fn perhaps(user: Option<CurrentUser>) -> String {
    user.map_or("nobody".to_owned(), |user| user.email.clone())
}

#[get("/basic")]
fn basic(user: Protected<ByPassword>) -> String {
    user.email.clone()
}

#[get("/editors")]
fn editors(user: Protected<Editor>) -> String {
    user.email.clone()
}

#[get("/names")]
fn names(maybe: MaybeUser, current: CurrentUser, protected: Protected<EveryWay>) -> String {
    adapter::names(maybe.0.as_ref(), &current, &protected)
}

#[get("/inside")]
fn inside() -> &'static str {
    "inside"
}

#[get("/visits")]
fn visits(auth: Auth) -> String {
    adapter::visits(&auth)
}

#[get("/cookie")]
fn cookie(auth: Auth, jar: &CookieJar<'_>) -> String {
    jar.add(Cookie::new("theirs", "1"));
    adapter::visits(&auth)
}

#[get("/enter")]
async fn enter(auth: Auth) -> Answer {
    Answer(adapter::enter(&auth).await)
}

#[get("/leave")]
async fn leave(auth: Auth) -> String {
    adapter::leave(&auth).await
}

#[post("/body", data = "<data>")]
async fn body(_user: CurrentUser, data: Data<'_>) -> String {
    data.open(1.mebibytes()).into_bytes().await.unwrap().len().to_string()
}

#[derive(FromForm)]
struct Typed {
    text: String,
}

#[post("/form", data = "<form>")]
fn form(_user: CurrentUser, form: Form<Typed>) -> String {
    form.into_inner().text
}

#[get("/panic")]
fn panics(auth: Auth) -> String {
    adapter::panics(&auth)
}
