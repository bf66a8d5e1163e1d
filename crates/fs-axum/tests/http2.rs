//! HTTP/2, with axum's feature of that name: it names the host apart, and sends cookies one by one.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use fs_axum::{CurrentUser, Session, WithSecurity};
use fs_http::{Exchange, WebSecurity};
use fs_testkit::site::Setup;
use http::header::COOKIE;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

async fn start(security: &WebSecurity) -> SocketAddr {
    let app = Router::new()
        .route("/seen", get(async |session: Session| told(&session)))
        .route("/user", get(async |user: CurrentUser| user.email.clone()))
        .with_security(security);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// What a client of HTTP/2 is answered, status and body.
async fn ask(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("http://site.test:8080{path}"));
    let request = request.header(COOKIE, "one=1").header(COOKIE, "two=2");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    drop(sender);
    _ = connection.await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_host_and_the_cookies_arrive() {
    let address = start(&Setup::standard().build().web).await;
    let seen = ask(address, "/seen").await;
    assert_eq!(seen, (StatusCode::OK, "site.test:8080 one=1; two=2".to_owned()));
    let (status, page) = ask(address, "/login").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("autocomplete=\"current-password\""), "{page}");
    assert_eq!(ask(address, "/user").await.0, StatusCode::FOUND);
}

/// The host that the library sees, and the cookies.
fn told(exchange: &Exchange) -> String {
    let request = exchange.request();
    let cookies = request.headers.get_all(COOKIE).iter().map(|value| value.to_str().unwrap());
    let cookies: Vec<_> = cookies.collect();
    format!("{} {}", request.host().unwrap_or_default(), cookies.join("; "))
}
