//! The types that every layer shares: the site, a request with its answer, and what the application
//! adds to answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use fs_core::authn::{AuthFailure, AuthOutcome, Mechanism};
use fs_core::csrf::CsrfProblem;
use fs_core::flow::{Problem, RememberChange};
use fs_core::model::User;
use fs_core::secret::Secret;
use fs_core::session::Session;
use fs_core::totp::Provisioning;
use fs_core::{Context, Security};
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::client::UNKNOWN;
use crate::config::HttpConfig;
use crate::credentials::Credentials;
use crate::form::FormName;
use crate::incoming::Incoming;
use crate::language::language_of;
use crate::refusal::Refusal;
use crate::routes::{Matched, Routes};
use crate::session_cookie::sent_session;
use crate::site::Site;
use crate::trace::{CredentialSource, Trace};

/// HTTP layer of a [`Security`], from which an adapter begins an [`Exchange`]
/// for each request. Clones share their state.
#[derive(Clone)]
pub struct WebSecurity(pub(crate) Arc<Web>);

pub(crate) struct Web {
    pub(crate) site: Site,
    pub(crate) extension: Arc<dyn Extension>,
}

/// Additions of the application to answers. [`Hooks`](crate::Hooks) implements it. It is a trait
/// because functions of the application get the exchange, which belongs to the site.
#[async_trait]
pub(crate) trait Extension: Send + Sync {
    /// Checks whether a request gets a JSON answer. `None` leaves the choice to the headers.
    fn wants_json(&self, request: &Incoming) -> Option<bool>;
    /// Returns the tag of the language for a request. `None` leaves the choice to the headers.
    fn language(&self, request: &Incoming) -> Option<String>;
    /// Returns a JSON answer. `None` uses the library's.
    fn json(
        &self,
        payload: &Value,
        status: StatusCode,
        user: Option<&User>,
    ) -> Option<Response<Bytes>>;
    /// Returns the data of a user for JSON answers.
    fn user_payload(&self, user: &User) -> Map<String, Value>;
    /// Returns the QR code for an authenticator app. `None` uses the library's; `Some(None)` shows
    /// none.
    fn qr_code(&self, provisioning: &Provisioning<'_>) -> Option<Option<Secret>>;
    /// Returns the answer to a refused request. `None` uses the library's.
    fn refuse(&self, exchange: &Exchange, refusal: &Refusal) -> Option<Response<Bytes>>;
    /// Additional variables for a template. The exchange is `None` for a mail.
    fn page_context(&self, template: &str, exchange: Option<&Exchange>) -> Map<String, Value>;
    /// Returns the problems with a form. An empty list accepts it.
    async fn check_form(
        &self,
        exchange: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem>;
}

/// Context of a request and its answer. It is cheap to clone, and shared by guards, endpoints and
/// handlers.
///
/// The request is authenticated once, when its user is first needed. [`finish`](Self::finish)
/// writes all headers that the answer must carry, such as cookies.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    web: WebSecurity,
    request: Incoming,
    context: Context,
    /// The endpoint of this library that the request is for.
    matched: Option<Matched>,
    /// Whether the browser sent a session cookie that cannot be read.
    unreadable: bool,
    /// Whether the answer depends on the language of the request. Not in `state`, which may be
    /// locked where a text is needed.
    by_language: AtomicBool,
    state: Mutex<State>,
    credentials: futures::lock::Mutex<Credentials>,
}

/// The mutable state of a request.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) session: Arc<Session>,
    pub(crate) remember: RememberChange,
    /// Result of the use of the remember cookie. The next cookie must reach the browser even if the
    /// request fails, because the old one is spent.
    pub(crate) used_cookie: RememberChange,
    pub(crate) csrf: CsrfStanding,
    pub(crate) csrf_token: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) session_read: bool,
    /// Whether the answer depends on the `Accept` header.
    pub(crate) by_accept: bool,
    pub(crate) came_signed_in: bool,
    pub(crate) via: Option<Mechanism>,
    /// Whether the form of this request was accepted.
    pub(crate) accepted: bool,
    pub(crate) trace: Trace,
}

/// Result of the CSRF check of a request so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CsrfStanding {
    /// Nobody asked.
    #[default]
    Unchecked,
    /// The token is valid.
    Good,
    /// The token is not valid, and the form must be shown again with a new one.
    Refused(CsrfProblem),
    /// This request needs none.
    NotNeeded,
}

impl WebSecurity {
    /// Returns the core, whose flows do not depend on HTTP.
    pub fn core(&self) -> &Security {
        &self.site().security
    }

    /// Returns the configuration of the HTTP layer.
    pub fn config(&self) -> &HttpConfig {
        &self.site().config
    }

    /// Returns the routing table.
    pub fn routes(&self) -> &Routes {
        &self.site().routes
    }

    pub(crate) fn site(&self) -> &Site {
        &self.0.site
    }
}

impl Exchange {
    pub(crate) fn new(web: WebSecurity, request: Incoming, matched: Option<Matched>) -> Self {
        let now = web.core().now();
        let base_url = web.core().base_url().unwrap_or_else(|| {
            format!("{}://{}", request.scheme(), request.host().unwrap_or("localhost")).into()
        });
        let user_agent = request.header(http::header::USER_AGENT).map(str::to_owned);
        // Some limits are counted by network, so who comes from nowhere comes from one.
        let client_ip = Some(request.client_ip.unwrap_or(UNKNOWN));
        let language =
            language_of(web.core().config(), &request, || web.0.extension.language(&request));
        let mut context = Context::new(now, base_url, language);
        context.client_ip = client_ip;
        context.user_agent = user_agent;
        let sent = sent_session(web.site(), &request, now);
        let unreadable = sent.is_unreadable();
        let session_read = sent.was_sent();
        let session = sent.with_data(web.site(), &request, now);
        let state = State {
            came_signed_in: session.sign_in().is_some(),
            session: Arc::new(session),
            session_read,
            ..State::default()
        };
        let inner = Inner {
            web,
            request,
            context,
            matched,
            unreadable,
            by_language: AtomicBool::new(false),
            state: Mutex::new(state),
            credentials: futures::lock::Mutex::default(),
        };
        Self(Arc::new(inner))
    }

    pub(crate) fn site(&self) -> &Site {
        self.0.web.site()
    }

    pub(crate) fn extension(&self) -> &dyn Extension {
        &*self.0.web.0.extension
    }

    /// Returns the endpoint of this library that the request is for.
    pub(crate) fn matched(&self) -> Option<&Matched> {
        self.0.matched.as_ref()
    }

    /// Returns the [`WebSecurity`] that handles this request.
    pub fn security(&self) -> &WebSecurity {
        &self.0.web
    }

    /// Returns the core, whose flows do not depend on HTTP.
    pub fn core(&self) -> &Security {
        self.0.web.core()
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        self.0.web.config()
    }

    /// Returns the request.
    pub fn request(&self) -> &Incoming {
        &self.0.request
    }

    /// Returns the context of this request, which flows need.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// Notes that the answer depends on the language of the request.
    pub(crate) fn depends_on_language(&self) {
        self.0.by_language.store(true, Ordering::Relaxed);
    }

    /// Checks whether the answer depends on the language of the request, and there are several.
    pub(crate) fn varies_by_language(&self) -> bool {
        let several = self.core().config().languages.len() > 1;
        several && self.0.by_language.load(Ordering::Relaxed)
    }

    /// Checks whether the answer should be JSON.
    pub fn wants_json(&self) -> bool {
        self.state().by_accept = true;
        let hook = self.extension().wants_json(&self.0.request);
        hook.unwrap_or_else(|| self.0.request.wants_json())
    }

    pub(crate) fn credentials(&self) -> &futures::lock::Mutex<Credentials> {
        &self.0.credentials
    }

    /// Checks whether the browser sent a session cookie that cannot be read.
    pub(crate) fn sent_unreadable_session(&self) -> bool {
        self.0.unreadable
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes the session. The session is stored in a cookie: keep its data small.
    pub fn with_session<T>(&self, with: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.state();
        state.session_read = true;
        with(Arc::make_mut(&mut state.session))
    }

    /// Returns the mechanism that authenticated the request. `None` if it is unauthenticated, or
    /// not authenticated yet.
    pub fn authenticated_via(&self) -> Option<Mechanism> {
        self.state().via
    }

    /// Returns the trace of this request so far.
    pub fn trace(&self) -> Trace {
        self.state().trace.clone()
    }

    /// Returns the trace if the request was refused and refusals are explained.
    pub(crate) fn explanation(&self) -> Option<Trace> {
        let explains = self.config().explain_refusals;
        explains.then(|| self.trace()).filter(|trace| trace.why().is_some())
    }

    /// Checks whether the user of the request must set up a second factor first.
    pub(crate) fn lacks_second_factor(&self) -> bool {
        self.trace().tried().any(|(_, found)| found == Err(AuthFailure::FactorMissing))
    }

    /// Records the result of trying credentials. Returns the user, if they authenticate one.
    pub(crate) fn found(&self, way: CredentialSource, outcome: AuthOutcome) -> Option<Arc<User>> {
        let result = outcome.failure().map_or(Ok(()), Err);
        self.state().trace.note_tried(way, result);
        outcome.user()
    }

    /// Records a refusal by a guard.
    pub(crate) fn note(&self, refusal: &Refusal) {
        self.state().trace.note_refused(refusal.into());
    }

    /// Records the status of the answer to a refusal.
    pub(crate) fn note_answer(&self, status: StatusCode) {
        self.state().trace.note_answered(status);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("request", &self.0.request).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WebSecurity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebSecurity(..)")
    }
}
