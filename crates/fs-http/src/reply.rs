//! Answers: JSON, pages and redirects, each made in one place.

use bytes::Bytes;
use fs_core::flow::{FlowError, Problem};
use fs_core::message::Message;
use fs_core::model::User;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::csp;
use crate::exchange::Exchange;
use crate::pages::{FlashView, PageView};
use crate::refusal::failure_of;

impl Exchange {
    /// Stores a message for the next page: a key of the catalogue, or a [text](Message::words) of
    /// the application.
    pub fn flash(&self, message: impl Into<Message>) {
        if self.config().flash_messages {
            let message = message.into();
            let category = self.core().config().messages.category(message.key);
            let text = self.text(message);
            self.with_session(|session| session.flash(category, text));
        }
    }

    /// Returns a JSON answer in the envelope `{"meta": {"code": …}, "response": …}`, or as
    /// [`Hooks::render_json`](crate::Hooks::render_json) builds it. `user` is passed to that hook.
    pub fn json(
        &self,
        status: StatusCode,
        response: Value,
        user: Option<&User>,
    ) -> Response<Bytes> {
        let payload = json!({ "meta": { "code": status.as_u16() }, "response": response });
        if let Some(answer) = self.extension().json(&payload, status, user) {
            return answer;
        }
        let mut body = serde_json::to_vec(&payload).unwrap_or_default();
        body.push(b'\n');
        self.answer(status, "application/json", body)
    }

    /// Returns the answer to an accepted form.
    pub(crate) fn json_ok(
        &self,
        user: Option<&User>,
        token: Option<String>,
        more: Map<String, Value>,
    ) -> Response<Bytes> {
        let csrf = match self.csrf_token() {
            Ok(csrf) => csrf,
            Err(error) => return *self.flow_failed(&error),
        };
        let mut response = more;
        response.insert("csrf_token".to_owned(), csrf.into());
        if let Some(user) = user {
            let mut payload = self.extension().user_payload(user);
            payload.extend(token.map(|token| ("authentication_token".to_owned(), token.into())));
            response.insert("user".to_owned(), payload.into());
        }
        self.json(StatusCode::OK, response.into(), user)
    }

    /// Answers with the problems of a form's fields.
    pub(crate) fn json_problems(
        &self,
        status: StatusCode,
        problems: &[Problem],
    ) -> Response<Bytes> {
        let mut errors = Map::new();
        for problem in problems {
            let texts = errors.entry(&*problem.field).or_insert_with(|| json!([]));
            if let Value::Array(texts) = texts {
                texts.push(self.text(problem.message.clone()).into());
            }
        }
        self.json(status, json!({ "errors": errors }), None)
    }

    /// Answers with one sentence about the problem, as JSON or a page.
    pub(crate) fn refusal(&self, status: StatusCode, message: Message) -> Response<Bytes> {
        self.refusal_in_words(status, self.text(message))
    }

    pub(crate) fn refusal_in_words(&self, status: StatusCode, text: String) -> Response<Bytes> {
        if self.wants_json() {
            return self.json_refusal(status, text, Map::new());
        }
        self.error_page(self.error_view(status, Some(text)), status)
    }

    /// Returns JSON with the error and, if refusals are explained, with the reason.
    pub(crate) fn json_refusal(
        &self,
        status: StatusCode,
        text: impl Into<Value>,
        mut more: Map<String, Value>,
    ) -> Response<Bytes> {
        more.insert("error".to_owned(), text.into());
        more.extend(self.explanation().map(|trace| ("trace".to_owned(), trace.to_json())));
        self.json(status, more.into(), None)
    }

    /// Returns a page with the error and, if refusals are explained, with the reason.
    pub(crate) fn error_page(&self, mut page: PageView, status: StatusCode) -> Response<Bytes> {
        let why = self.explanation().map(|trace| ("why".to_owned(), trace.lines().into()));
        page.extra.extend(why);
        self.page(status, page)
    }

    /// Returns an answer with a status and no details, as JSON or a page.
    pub fn failure(&self, status: StatusCode) -> Response<Bytes> {
        if self.wants_json() {
            return self.json_refusal(status, self.reason(status), Map::new());
        }
        self.error_page(self.error_view(status, None), status)
    }

    /// Returns the answer to a failed flow. The error is logged, and not part of the answer.
    pub(crate) fn flow_failed(&self, error: &FlowError) -> Box<Response<Bytes>> {
        let (status, retry) = failure_of(error);
        // Not the path: it may hold a token.
        let endpoint = self.matched().map(|matched| matched.endpoint.name());
        match error {
            FlowError::TooMany(_) | FlowError::Contended(_) => {
                tracing::warn!(%error, endpoint, "the request was refused");
            }
            _ => tracing::error!(%error, endpoint, "the request failed"),
        }
        let Some(seconds) = retry else {
            return Box::new(self.failure(status));
        };
        let advice = self.text(self.try_again_later(seconds));
        let mut response = match self.wants_json() {
            true => self.json_refusal(status, advice, Map::new()),
            false => {
                let mut page = self.error_view(status, None);
                page.extra.insert("advice".to_owned(), advice.into());
                self.error_page(page, status)
            }
        };
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        Box::new(response)
    }

    /// Renders a page of the library or of the application: with the waiting messages, CSRF fields
    /// in its forms, a nonce, the variables of [`Hooks::page_context`](crate::Hooks::page_context),
    /// and the security headers.
    ///
    /// A template of the application can extend `security/base.html` to use the library's layout:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use fs_http::Exchange;
    /// use fs_http::pages::PageView;
    /// use http::{Response, StatusCode};
    ///
    /// fn profile(exchange: &Exchange, name: &str) -> Response<Bytes> {
    ///     let mut page = PageView::new("profile.html", "Your profile");
    ///     page.extra.insert("name".to_owned(), name.into());
    ///     exchange.page(StatusCode::OK, page)
    /// }
    /// ```
    pub fn page(&self, status: StatusCode, mut page: PageView) -> Response<Bytes> {
        let nonce = self.put_csrf_fields(&mut page).and_then(|()| self.core().random::<16>());
        let nonce = match nonce {
            Ok(nonce) => nonce,
            Err(error) => {
                tracing::error!(%error, "the page could not be written");
                return self.answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", Vec::new());
            }
        };
        page.nonce = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, nonce);
        // A page that tells of an error leaves waiting messages for the next one.
        if status.is_success() {
            let waiting = self.with_session(fs_core::session::Session::take_flashes).into_iter();
            let views =
                waiting.map(|flash| FlashView { category: flash.category, text: flash.text });
            page.flashes.extend(views);
        }
        let mut context = self.extension().page_context(&page.template, Some(self));
        context.entry("lang").or_insert_with(|| self.language().tag().into());
        match self.site().pages.render(&page, &context) {
            Ok(html) => {
                let mut response = self.answer(status, "text/html; charset=utf-8", html.into());
                self.protect_page(&mut response, &page.nonce);
                response
            }
            Err(error) => {
                tracing::error!(%error, "the page could not be written");
                self.answer(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", Vec::new())
            }
        }
    }

    fn protect_page(&self, response: &mut Response<Bytes>, nonce: &str) {
        if !self.config().security_headers {
            return;
        }
        let policy = csp::header(&self.config().csp, nonce);
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
    }

    /// Returns a redirect with status 302. `to` is trusted: check a target from the request with
    /// [`is_safe`](Self::is_safe) first.
    pub fn redirect(&self, to: &str) -> Response<Bytes> {
        let mut response = self.answer(StatusCode::FOUND, "text/html; charset=utf-8", Vec::new());
        match HeaderValue::from_str(to) {
            Ok(location) => drop(response.headers_mut().insert(LOCATION, location)),
            Err(_) => return self.failure(StatusCode::INTERNAL_SERVER_ERROR),
        }
        response
    }

    /// Returns an answer with a status and an empty body.
    pub(crate) fn bare(&self, status: StatusCode) -> Response<Bytes> {
        self.answer(status, "text/html; charset=utf-8", Vec::new())
    }

    fn answer(&self, status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.config().security_headers {
            for (name, value) in SECURITY_HEADERS {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        response
    }
}

const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
