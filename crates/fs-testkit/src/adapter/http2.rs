//! Rule for HTTP/2, if the framework supports it: the host is in `:authority`, and cookies may be
//! split into several headers.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use fs_http::WebSecurity;
use http::header::COOKIE;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::answers::said;
use super::{PATIENCE, Rule, Subject};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};

/// Rule of this part of the kit.
pub const RULE: Rule =
    Rule { group: "http2", name: "http2_arrives_as_sent", check: http2_arrives_as_sent };

/// Checks a server against the rule, for [`adapter_kit!`](crate::adapter_kit).
///
/// # Errors
///
/// Returns [`Violation`] if the adapter violates the rule.
pub fn run(start: impl FnOnce(WebSecurity) -> SocketAddr) -> Result<(), Violation> {
    (RULE.check)(&Subject::start(start, PATIENCE))
}

fn http2_arrives_as_sent(subject: &Subject) -> Result<(), Violation> {
    let ask = |path| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let answer = timeout(subject.patience, ask(subject.address, path)).await;
            answer.map_err(|_| Violation::new("no answer: it took too long"))?
        })
    };
    let (_, seen) = ask("/seen")?;
    let seen: Value = serde_json::from_str(&seen).unwrap_or_default();
    equal(seen.get("host"), Some(&json!("site.test:8080")), "the host")?;
    let cookies = said(&seen, "cookie").join("; ");
    equal(cookies, "one=1; two=2".to_owned(), "the cookies")?;
    let (status, page) = ask("/login")?;
    equal(status, StatusCode::OK, "the sign-in page")?;
    holds(page.contains("autocomplete=\"current-password\""), "it has a form")?;
    equal(ask("/user")?.0, StatusCode::FOUND, "a page's answer to a stranger")
}

async fn ask(address: SocketAddr, path: &str) -> Result<(StatusCode, String), Violation> {
    let failed = |error| Violation::from(io::Error::other(error));
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let shaken = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut sender, connection) = shaken.map_err(|error| failed(error.to_string()))?;
    tokio::spawn(connection);
    let request = Request::get(format!("http://site.test:8080{path}"))
        .header(COOKIE, "one=1")
        .header(COOKIE, "two=2")
        .body(Empty::<Bytes>::new())
        .map_err(|error| failed(error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(|error| failed(error.to_string()))?;
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}
