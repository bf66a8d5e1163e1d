//! A client that speaks JSON, without a socket.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fs_http::{BodyRead, WebSecurity};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;

use crate::Outcome;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A browser session of a stranger.
#[derive(Clone)]
pub(crate) struct Client {
    web: WebSecurity,
    from: IpAddr,
    cookie: HeaderValue,
    token: HeaderValue,
}

impl Client {
    /// Opens a page for signing in that tells the CSRF token, however one signs in.
    pub(crate) async fn new(web: &WebSecurity, from: IpAddr) -> Outcome<Self> {
        let none = HeaderValue::from_static("");
        let mut client = Self { web: web.clone(), from, cookie: none.clone(), token: none };
        let (answer, _) =
            client.send(client.request(Method::GET, "/us-signin", Bytes::new())?).await;
        let cookie = answer.headers().get(SET_COOKIE).ok_or("no session cookie")?.to_str()?;
        client.cookie = HeaderValue::from_str(cookie.split(';').next().unwrap_or_default())?;
        let page: Value = serde_json::from_slice(answer.body())?;
        let token = page.pointer("/response/csrf_token").and_then(Value::as_str);
        client.token = HeaderValue::from_str(token.ok_or("no CSRF token")?)?;
        Ok(client)
    }

    /// Posts JSON; the status, and how long the answer took.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<(StatusCode, Duration)> {
        let request = self.request(Method::POST, path, Bytes::from(body.to_string()))?;
        let (answer, took) = self.send(request).await;
        Ok((answer.status(), took))
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Outcome<Request<Bytes>> {
        let request = Request::builder().method(method).uri(format!("https://site.test{path}"));
        let request = request.header(HOST, "site.test").header(ACCEPT, JSON);
        let request = request.header(CONTENT_TYPE, JSON).header(COOKIE, self.cookie.clone());
        Ok(request.header("x-csrf-token", self.token.clone()).body(body)?)
    }

    async fn send(&self, request: Request<Bytes>) -> (Response<Bytes>, Duration) {
        let (parts, body) = request.into_parts();
        let started = Instant::now();
        let exchange = self.web.open(&parts, BodyRead::Whole(body), Some(self.from)).await;
        let answer = match self.web.serve(&exchange).await {
            Some(answer) => answer,
            None => Response::new(Bytes::new()),
        };
        let answer = exchange.finish(answer);
        (answer, started.elapsed())
    }
}
