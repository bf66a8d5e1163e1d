//! The answers to refused requests.

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::authz::Rule;
use fs_core::csrf::CsrfProblem;
use fs_core::freshness::FreshnessRule;
use fs_core::message::{Category, Message, MessageKey};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::Map;

use crate::csrf::key;
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::route::Endpoint;

impl Exchange {
    /// Returns the answer to a refused request. The reason is logged at the level `debug` and is in
    /// [`trace`](Self::trace).
    ///
    /// With [`HttpConfig::explain_refusals`](crate::HttpConfig::explain_refusals) the answer
    /// contains the reason as well; for a redirect, the page to which it leads.
    pub fn refuse(&self, refusal: &Refusal) -> Response<Bytes> {
        self.note(refusal);
        let answer = self.answer_to(refusal);
        self.note_answer(answer.status());
        let trace = self.trace();
        // Not the path: it may hold a token.
        let (method, status) = (&self.request().method, answer.status().as_u16());
        tracing::debug!(%method, status, %trace, "refused");
        if answer.status().is_redirection()
            && let Some(trace) = self.explanation()
        {
            self.with_session(|session| session.flash(Category::Info, trace.to_string()));
        }
        answer
    }

    fn answer_to(&self, refusal: &Refusal) -> Response<Bytes> {
        if let Some(answer) = self.extension().refuse(self, refusal) {
            return answer;
        }
        match refusal {
            Refusal::Unauthenticated { mechanisms, realm } => {
                self.unauthenticated(mechanisms, realm.as_deref())
            }
            // A client that opens a WebSocket shows no page.
            Refusal::SignInFirst if self.request().is_upgrade() => {
                let mechanisms = vec![Mechanism::Session];
                self.answer_to(&Refusal::Unauthenticated { mechanisms, realm: None })
            }
            Refusal::SignInFirst => self.sign_in_redirect(),
            Refusal::NotAnonymous => self.not_anonymous(),
            Refusal::MixedCredentials => {
                self.refusal(StatusCode::BAD_REQUEST, MessageKey::MixedCredentials.into())
            }
            Refusal::NotFresh { rule, .. } => self.not_fresh(rule),
            Refusal::Csrf(problem) => self.csrf_refusal(*problem),
            Refusal::Missing(rule) => self.unauthorized(rule),
            Refusal::Failed(error) => *self.flow_failed(error),
        }
    }

    pub(crate) fn not_anonymous(&self) -> Response<Bytes> {
        if self.wants_json() {
            return self.refusal(StatusCode::BAD_REQUEST, MessageKey::AnonymousUserRequired.into());
        }
        self.redirect(&self.view(self.config().views.after_sign_in.as_deref(), &[]))
    }

    /// Returns the answer to an unauthenticated request.
    pub(crate) fn unauthenticated(
        &self,
        accepted: &[Mechanism],
        realm: Option<&str>,
    ) -> Response<Bytes> {
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

    /// Redirects to the sign-in page, which leads back afterwards.
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
        request.method.is_safe().then(|| request.path_and_query().to_owned())
    }

    /// Returns the answer to a user without a required role or permission.
    pub(crate) fn unauthorized(&self, _rule: &Rule) -> Response<Bytes> {
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

    /// Returns the answer to a user who must verify their identity again.
    pub(crate) fn not_fresh(&self, _rule: &FreshnessRule) -> Response<Bytes> {
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
            None => &*self.context().base_url,
        };
        let here = self.way_back().map(|here| format!("{base}{here}"));
        let query: Vec<_> = here.iter().map(|here| ("next", here.as_str())).collect();
        self.redirect(&self.endpoint_url(self.verify_endpoint(), &query))
    }

    /// Returns the endpoint for re-authentication.
    fn verify_endpoint(&self) -> Endpoint {
        match self.site().routes.path(Endpoint::UnifiedVerify) {
            Some(_) => Endpoint::UnifiedVerify,
            None => Endpoint::Verify,
        }
    }

    pub(crate) fn csrf_refusal(&self, problem: CsrfProblem) -> Response<Bytes> {
        let (status, mut message) = (StatusCode::BAD_REQUEST, Message::from(key(&problem)));
        if let (CsrfProblem::TokenMissing, Some(limit)) = (problem, self.request().looked_at) {
            message = Message::new(MessageKey::CsrfTokenNotFirst).with("limit", limit);
            let field = &self.config().csrf.field;
            tracing::debug!(
                limit,
                field,
                "a form was refused because its CSRF token is not among its first bytes: put the field \
                 first, or send the token in a header"
            );
        }
        if self.wants_json() {
            return self.refusal(status, message);
        }
        self.error_page(self.error_view(status, Some(self.text(message))), status)
    }
}
