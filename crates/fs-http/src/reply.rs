//! Answers: JSON, pages and redirects, each made in one place.

use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::flow::{FlowError, Problem};
use fs_core::freshness::FreshnessRule;
use fs_core::message::{Category, Message, MessageKey};
use fs_core::model::User;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::csp;
use crate::exchange::Exchange;
use crate::pages::{FlashView, PageView};
use crate::route::Endpoint;

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
        if let Some(hook) = &self.web().hooks.render_json {
            return hook(payload, status, user);
        }
        let mut body = serde_json::to_vec(&payload).unwrap_or_default();
        body.push(b'\n');
        self.answer(status, "application/json", body)
    }

    /// The answer of a form that was read without a complaint.
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
            let hook = self.web().hooks.user_payload.as_ref();
            let mut payload = hook.map(|hook| hook(user)).unwrap_or_default();
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

    /// JSON that tells what is wrong; in development, and where a guard refused, also why.
    fn json_refusal(
        &self,
        status: StatusCode,
        text: impl Into<Value>,
        mut more: Map<String, Value>,
    ) -> Response<Bytes> {
        more.insert("error".to_owned(), text.into());
        more.extend(self.explanation().map(|trace| ("trace".to_owned(), trace.to_json())));
        self.json(status, more.into(), None)
    }

    /// A page that tells what is wrong; in development, and where a guard refused, also why.
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

    /// The answer when a flow came to no outcome. What happened is logged, not told.
    pub(crate) fn flow_failed(&self, error: &FlowError) -> Box<Response<Bytes>> {
        let (status, retry) = failure_of(error);
        // Not the path: it may hold a token.
        let route = self.web().routes.find(&self.request().path);
        let endpoint = route.map(|(route, _)| route.endpoint.name());
        match error {
            FlowError::TooMany(_) => tracing::warn!(%error, endpoint, "the request was refused"),
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
        let mut context = self.web().hooks.context(&page.template, Some(self));
        context.entry("lang").or_insert_with(|| self.language().tag().into());
        match self.web().pages.render(&page, &context) {
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

    /// An answer that has a status, and says nothing.
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

    /// The answer to who is not authenticated.
    pub(crate) fn unauthenticated(
        &self,
        accepted: &[Mechanism],
        realm: Option<&str>,
    ) -> Response<Bytes> {
        if let Some(hook) = &self.web().hooks.unauthenticated {
            return hook(self, accepted);
        }
        if self.lacks_second_factor() {
            return self.second_factor_required();
        }
        let basic = accepted.contains(&Mechanism::Basic);
        // Signing in on a page opens only what a session opens.
        let by_page = accepted.contains(&Mechanism::Session) && !self.request().is_upgrade();
        if !self.config().always_401 && !self.wants_json() && !basic && by_page {
            return self.sign_in_redirect();
        }
        let status = StatusCode::UNAUTHORIZED;
        let mut response = match self.config().always_401 {
            true => self.error_page(self.error_view(status, None), status),
            false => self.refusal(status, MessageKey::Unauthenticated.into()),
        };
        let realm = realm.unwrap_or(&self.config().realm).replace(['"', '\\'], "");
        if basic && let Ok(challenge) = HeaderValue::from_str(&format!("Basic realm=\"{realm}\"")) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// To the sign-in page, and back here afterwards.
    pub(crate) fn sign_in_redirect(&self) -> Response<Bytes> {
        self.flash(MessageKey::Login);
        let here = self.way_back();
        let query: Vec<_> = here.iter().map(|here| ("next", here.as_str())).collect();
        self.redirect(&self.endpoint_url(Endpoint::SignIn, &query))
    }

    /// Path and query of the request, for a browser that is sent elsewhere first. `None` if coming
    /// back would not repeat the request: a redirect is followed by GET.
    fn way_back(&self) -> Option<String> {
        let request = self.request();
        request.method.is_safe().then(|| match &request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.clone(),
        })
    }

    /// The answer to who lacks a role or permission.
    pub(crate) fn unauthorized(&self, rule: &Rule) -> Response<Bytes> {
        if let Some(hook) = &self.web().hooks.unauthorized {
            return hook(self, rule);
        }
        let view = self.config().views.unauthorized.as_deref();
        match view {
            Some(view) if !self.wants_json() => {
                self.flash(MessageKey::Unauthorized);
                self.redirect(&self.view(Some(view), &[]))
            }
            _ if self.wants_json() => {
                self.refusal(StatusCode::FORBIDDEN, MessageKey::Unauthorized.into())
            }
            _ => self.failure(StatusCode::FORBIDDEN),
        }
    }

    /// The answer to who must prove again who they are.
    pub(crate) fn not_fresh(&self, rule: &FreshnessRule) -> Response<Bytes> {
        if let Some(hook) = &self.web().hooks.reauthenticate {
            return hook(self, rule);
        }
        let message = MessageKey::ReauthenticationRequired;
        if self.wants_json() {
            let unified = self.core().config().unified.is_some();
            let more = [("reauth_required", true), ("unified_signin_enabled", unified)];
            let more = more.map(|(name, value)| (name.to_owned(), value.into()));
            let (status, text) = (StatusCode::UNAUTHORIZED, self.text(message));
            return self.json_refusal(status, text, Map::from_iter(more));
        }
        if self.request().is_upgrade() {
            return self.refusal(StatusCode::UNAUTHORIZED, message.into());
        }
        self.flash(message);
        // Where a public address is configured, the browser may know us by another one, and has its
        // session there.
        let base = match self.core().config().base_url {
            Some(_) => "",
            None => self.context().base_url.as_str(),
        };
        let here = self.way_back().map(|here| format!("{base}{here}"));
        let query: Vec<_> = here.iter().map(|here| ("next", here.as_str())).collect();
        self.redirect(&self.endpoint_url(self.verify_endpoint(), &query))
    }

    /// Returns the endpoint for re-authentication.
    fn verify_endpoint(&self) -> Endpoint {
        match self.web().routes.path(Endpoint::UnifiedVerify) {
            Some(_) => Endpoint::UnifiedVerify,
            None => Endpoint::Verify,
        }
    }

    /// A message for the page that is being made.
    pub(crate) fn flash_view(&self, message: impl Into<Message>) -> FlashView {
        let message = message.into();
        FlashView { category: self.category(message.key), text: self.text(message) }
    }

    /// The category of a message, as the query of a redirect names it.
    pub(crate) fn category(&self, key: MessageKey) -> Category {
        self.core().config().messages.category(key)
    }
}

/// The status of a flow that came to no outcome, and after how many seconds to try again.
pub(crate) fn failure_of(error: &FlowError) -> (StatusCode, Option<u64>) {
    match error {
        FlowError::Busy(wait) => (StatusCode::SERVICE_UNAVAILABLE, Some(wait.as_secs().max(1))),
        FlowError::TooMany(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        FlowError::Store(fs_core::port::StoreError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(5))
        }
        FlowError::Contended(_) => (StatusCode::CONFLICT, None),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

/// Rounds a waiting time up to a unit that people count in.
pub(crate) fn rounded_wait(seconds: u64) -> Duration {
    let unit = match seconds {
        ..120 => 1,
        120..7_200 => 60,
        _ => 3_600,
    };
    Duration::from_secs(seconds.div_ceil(unit) * unit)
}

const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[cfg(test)]
mod tests {
    use super::rounded_wait;

    #[test]
    fn waits_are_rounded_up() {
        let texts = [
            (1, "1 second"),
            (90, "90 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (900, "15 minutes"),
            (7_199, "2 hours"),
            (7_201, "3 hours"),
            (86_399, "1 day"),
        ];
        assert_eq!(
            texts.map(|(seconds, _)| fs_core::span_text(rounded_wait(seconds))),
            texts.map(|(_, text)| text)
        );
    }
}
