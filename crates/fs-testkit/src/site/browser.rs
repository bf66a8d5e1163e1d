//! Browser or JSON client, which keeps cookies and sends CSRF tokens.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, BASE_URL, PASSWORD, Site};

const JSON: &str = "application/json";

/// Browser with cookies. A clone has a copy of them.
#[derive(Clone)]
pub struct Browser {
    site: Site,
    /// Cookies, by name.
    pub cookies: BTreeMap<String, String>,
}

#[expect(clippy::expect_used, reason = "a test that makes requests of no meaning has failed")]
impl Browser {
    pub(super) fn new(site: Site) -> Self {
        Self { site, cookies: BTreeMap::new() }
    }

    /// Sends a request with the browser's cookies and stores those of the answer. A request with a
    /// `Cookie` header of its own keeps it.
    pub async fn send(&mut self, mut request: Request<Bytes>) -> Answer {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() && !request.headers().contains_key(COOKIE) {
            let cookies = HeaderValue::from_str(&cookies).expect("cookies fit a header");
            request.headers_mut().insert(COOKIE, cookies);
        }
        let (parts, body) = self.site.answer(request).await.into_parts();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        for (name, value) in answer.cookies() {
            match value.is_empty() {
                true => self.cookies.remove(&name),
                false => self.cookies.insert(name, value),
            };
        }
        answer
    }

    /// Creates a request to the site.
    ///
    /// # Panics
    ///
    /// Panics if `target` is not a path.
    pub fn request(method: Method, target: &str) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(format!("{BASE_URL}{target}"));
        let host = BASE_URL.trim_start_matches("https://");
        request.header(HOST, host).body(Bytes::new()).expect("a request")
    }

    /// Creates a request that accepts JSON.
    pub fn json_request(method: Method, target: &str) -> Request<Bytes> {
        let mut request = Self::request(method, target);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(JSON));
        request
    }

    /// Adds a body with a content type to a request.
    ///
    /// # Panics
    ///
    /// Panics if `kind` is not a valid header value.
    pub fn with_body(
        mut request: Request<Bytes>,
        kind: &str,
        body: impl Into<Bytes>,
    ) -> Request<Bytes> {
        let kind = HeaderValue::from_str(kind).expect("a type");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = body.into();
        request
    }

    /// Opens a page.
    pub async fn get(&mut self, target: &str) -> Answer {
        self.send(Self::request(Method::GET, target)).await
    }

    /// Follows a link of a mail. If it shows a page with a button first, sends its form, with
    /// [`PASSWORD`] if it asks for one.
    pub async fn follow(&mut self, link: &str) -> Answer {
        self.follow_with(link, &[("password", PASSWORD)]).await
    }

    /// Follows a link of a mail. If it shows a page with a button first, sends its form with the
    /// given values.
    pub async fn follow_with(&mut self, link: &str, typed: &[(&str, &str)]) -> Answer {
        let answer = self.get(link).await;
        match answer.status == StatusCode::OK && self.site.web.config().links_ask_first {
            true => self.post_form(link, typed).await,
            false => answer,
        }
    }

    /// Sends a GET request that accepts JSON.
    pub async fn get_json(&mut self, target: &str) -> Answer {
        self.send(Self::json_request(Method::GET, target)).await
    }

    /// Returns a CSRF token of this browser's session.
    pub async fn csrf_token(&mut self) -> String {
        let answer = self.get_json("/login").await.json();
        let token = answer.pointer("/response/csrf_token").and_then(Value::as_str);
        token.unwrap_or_default().to_owned()
    }

    /// Creates a request that sends a form, with a CSRF token.
    pub async fn form(&mut self, target: &str, fields: &[(&str, &str)]) -> Request<Bytes> {
        let token = self.csrf_token().await;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields).append_pair("csrf_token", &token);
        let kind = "application/x-www-form-urlencoded";
        Self::with_body(Self::request(Method::POST, target), kind, body.finish())
    }

    /// Fills in a form and sends it.
    pub async fn post_form(&mut self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.form(target, fields).await;
        self.send(form).await
    }

    /// Creates a request that sends JSON, with a CSRF token in the body and in a header, as
    /// required by either profile.
    pub async fn json(&mut self, target: &str, mut body: Value) -> Request<Bytes> {
        let token = self.csrf_token().await;
        if let Value::Object(body) = &mut body {
            body.insert("csrf_token".to_owned(), token.as_str().into());
        }
        let request = Self::json_request(Method::POST, target);
        let mut request = Self::with_body(request, JSON, body.to_string());
        if let Ok(token) = HeaderValue::from_str(&token) {
            request.headers_mut().insert("x-csrf-token", token);
        }
        request
    }

    /// Sends JSON.
    pub async fn post_json(&mut self, target: &str, body: Value) -> Answer {
        let request = self.json(target, body).await;
        self.send(request).await
    }

    /// Signs in.
    ///
    /// # Panics
    ///
    /// Panics if the site refuses.
    pub async fn sign_in(&mut self, email: &str, password: &str) {
        let answer =
            self.post_json("/login", json!({ "email": email, "password": password })).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }

    /// Returns the mail address of the signed-in user. Returns `None` if nobody is signed in.
    pub async fn who(&mut self) -> Option<String> {
        Some(self.get("/").await.text()).filter(|who| !who.is_empty())
    }

    /// Returns the value of the session cookie, by its configured name. Returns `None` if the
    /// browser has no session cookie.
    pub fn session_cookie(&self) -> Option<&str> {
        let name = &self.site.web.config().session_cookie.name;
        self.cookies.get(name).map(String::as_str)
    }
}
