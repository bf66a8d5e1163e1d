//! HTTP client that speaks JSON to the library directly, without a socket.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fs_http::{BodyRead, WebSecurity};
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, HeaderValue, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::Outcome;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Browser session, not signed in until [`sign_in`](Self::sign_in) is called.
#[derive(Clone)]
pub(crate) struct Client {
    web: WebSecurity,
    from: IpAddr,
    cookie: HeaderValue,
    token: HeaderValue,
}

impl Client {
    /// Starts a session. Gets its CSRF token from a sign-in page that exists with every way of
    /// signing in.
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

    /// Signs in. Later requests are made as that user.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Outcome<()> {
        let body = json!({ "email": email, "password": password }).to_string();
        let request = self.request(Method::POST, "/login", Bytes::from(body))?;
        let (answer, _) = self.send(request).await;
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let pairs: Vec<_> = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
            .map(str::to_owned)
            .collect();
        if answer.status() != StatusCode::OK || pairs.is_empty() {
            return Err(format!("signing in as {email} is answered {}", answer.status()).into());
        }
        self.cookie = HeaderValue::from_str(&pairs.join("; "))?;
        Ok(())
    }

    /// Sends a GET request for JSON. Returns the status and the response time.
    pub(crate) async fn get(&self, path: &str) -> Outcome<(StatusCode, Duration)> {
        let (answer, took) = self.send(self.request(Method::GET, path, Bytes::new())?).await;
        Ok((answer.status(), took))
    }

    /// Posts JSON. Returns the status and the response time.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<(StatusCode, Duration)> {
        let request = self.request(Method::POST, path, Bytes::from(body.to_string()))?;
        let (answer, took) = self.send(request).await;
        Ok((answer.status(), took))
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Outcome<Request<Bytes>> {
        let request = Request::builder().method(method).uri(format!("https://site.test{path}"));
        let request = request.header(HOST, "site.test").header(ACCEPT, JSON);
        let request = match body.is_empty() {
            true => request,
            false => request.header(CONTENT_TYPE, JSON),
        };
        let request = request.header(COOKIE, self.cookie.clone());
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
