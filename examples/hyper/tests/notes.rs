//! Tests of the server over real connections.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "../../half_open.rs"]
mod half_open;

use std::net::SocketAddr;
use std::time::Duration;

use example_hyper::{LONGEST, Limits, Notes, serve};
use fs_testkit::site::{PASSWORD, Setup, Site};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const ANN: &str = "ann@site.test";

struct Server {
    site: Site,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        Self::start_within(Limits::default()).await
    }

    async fn start_within(limits: Limits) -> Self {
        let site = Setup::standard().build();
        site.add_user(ANN).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let (web, notes) = (site.web.clone(), Notes::default());
        let task = tokio::spawn(serve(listener, web, notes, limits, stopped));
        Self { site, address, stop, task }
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    async fn read(mut stream: TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or_default();
        Self { status, head: head.to_owned(), body }
    }
}

/// HTTP client with cookies and a CSRF token.
#[derive(Default)]
struct Visitor {
    cookies: Vec<String>,
    token: String,
}

impl Visitor {
    fn head(&self, method: &str, path: &str, more: &str) -> String {
        let cookies = self.cookies.join("; ");
        format!(
            "{method} {path} HTTP/1.1\r\nHost: site.test\r\nAccept: application/json\r\n\
             Connection: close\r\nCookie: {cookies}\r\n{more}"
        )
    }

    async fn ask(
        &mut self,
        to: &Server,
        method: &str,
        path: &str,
        more: &str,
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(to.address).await.unwrap();
        let head = self.head(method, path, more);
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = Answer::read(stream).await;
        for line in answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let pair = line.split(';').next().unwrap();
            let (name, _) = pair.split_once('=').unwrap();
            self.cookies.retain(|cookie| !cookie.starts_with(name));
            self.cookies.push(pair.to_owned());
        }
        if let Some(token) = answer.body["response"]["csrf_token"].as_str() {
            self.token = token.to_owned();
        }
        answer
    }

    async fn get(&mut self, to: &Server, path: &str) -> Answer {
        self.ask(to, "GET", path, "", "").await
    }

    async fn post(&mut self, to: &Server, path: &str, kind: &str, body: &str) -> Answer {
        let more = format!("Content-Type: {kind}\r\nX-CSRFToken: {}\r\n", self.token);
        self.ask(to, "POST", path, &more, body).await
    }

    async fn sign_in(to: &Server) -> Self {
        let mut visitor = Self::default();
        visitor.get(to, "/login").await;
        let form = json!({ "email": ANN, "password": PASSWORD }).to_string();
        let answer = visitor.post(to, "/login", "application/json", &form).await;
        assert_eq!(answer.status, 200, "{}", answer.head);
        visitor
    }
}

#[tokio::test]
async fn a_signed_in_user_has_a_note() {
    let server = Server::start().await;
    let mut ann = Visitor::sign_in(&server).await;
    assert_eq!(ann.get(&server, "/").await.body["response"]["hello"], ANN);
    assert_eq!(ann.get(&server, "/note").await.body["response"]["note"], "");
    let without = ann.ask(&server, "POST", "/note", "Content-Type: text/plain\r\n", "stolen").await;
    assert_eq!(without.status, 400, "without a CSRF token");
    assert_eq!(ann.post(&server, "/note", "text/plain", "water the otters").await.status, 200);
    assert_eq!(ann.get(&server, "/note").await.body["response"]["note"], "water the otters");
    // Another browser of the same account sees the same note.
    let mut other = Visitor::sign_in(&server).await;
    assert_eq!(other.get(&server, "/note").await.body["response"]["note"], "water the otters");
}

#[tokio::test]
async fn strangers_are_greeted_and_kept_out() {
    let server = Server::start().await;
    let mut stranger = Visitor::default();
    assert_eq!(stranger.get(&server, "/").await.body["response"]["hello"], "stranger");
    assert_eq!(stranger.get(&server, "/note").await.status, 401);
    assert_eq!(stranger.post(&server, "/note", "text/plain", "mine").await.status, 401);
    assert_eq!(stranger.get(&server, "/nowhere").await.status, 404);
    let answer = stranger.ask(&server, "DELETE", "/note", "", "").await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: GET, HEAD, POST"), "{}", answer.head);
}

#[tokio::test]
async fn long_bodies_are_refused() {
    let server = Server::start().await;
    let mut ann = Visitor::sign_in(&server).await;
    let longest = "x".repeat(LONGEST);
    assert_eq!(ann.post(&server, "/note", "text/plain", &longest).await.status, 200);
    let longer = longest.clone() + "x";
    assert_eq!(ann.post(&server, "/note", "text/plain", &longer).await.status, 413);
    assert_eq!(ann.get(&server, "/note").await.body["response"]["note"], longest);
    let form = json!({ "email": "x".repeat(100_000) }).to_string();
    assert_eq!(
        Visitor::default().post(&server, "/login", "application/json", &form).await.status,
        413
    );
}

#[tokio::test]
async fn what_was_begun_is_answered_before_the_end() {
    let server = Server::start().await;
    let ann = Visitor::sign_in(&server).await;
    let token = format!("X-CSRFToken: {}\r\nContent-Type: text/plain\r\n", ann.token);
    let head =
        ann.head("POST", "/note", &token) + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let mut begun = TcpStream::connect(server.address).await.unwrap();
    begun.write_all(head.as_bytes()).await.unwrap();
    // The handler now waits for the body.
    let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    begun.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    begun.write_all(b"note").await.unwrap();
    assert_eq!(Answer::read(begun).await.status, 200);
    server.task.await.unwrap();
    drop(server.site);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_disconnected() {
    let limits = Limits { patience: Duration::from_millis(200), ..Limits::default() };
    let server = Server::start_within(limits).await;
    for begun in [half_open::SILENT, half_open::HALF_A_HEAD, half_open::HALF_A_BODY] {
        half_open::is_closed(server.address, begun);
    }
    half_open::is_closed_if_nothing_is_read(server.address, "/login");
}
