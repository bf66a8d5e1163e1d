//! The context of a request and its answer: authentication, session and cookies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::{Authentication, Mechanism};
use fs_core::csrf::CsrfSecret;
use fs_core::flow::{FlowError, RememberChange, SignInOutcome};
use fs_core::model::User;
use fs_core::session::Session;
use fs_core::token::RememberToken;
use fs_core::{Context, Security, Timestamp};
use http::Response;

use crate::client::UNKNOWN;
use crate::config::HttpConfig;
use crate::cookies::kept_cookie;
use crate::credentials::Credentials;
use crate::csrf::CsrfStanding;
use crate::incoming::Incoming;
use crate::language::language_of;
use crate::trace::Trace;
use crate::web::{Web, WebSecurity};

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
    /// Whether the browser sent a session cookie that cannot be read.
    unreadable: bool,
    /// Whether the answer depends on the language of the request. Not in `state`, which may be locked
    /// where a text is needed.
    by_language: AtomicBool,
    state: Mutex<State>,
    credentials: futures::lock::Mutex<Credentials>,
}

/// The mutable state of a request.
pub(crate) struct State {
    pub(crate) session: Arc<Session>,
    pub(crate) remember: RememberChange,
    /// Result of the use of the remember cookie. The next cookie must reach the browser even if the
    /// request fails, because the old one is spent.
    used_cookie: RememberChange,
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

impl Exchange {
    pub(crate) fn new(web: WebSecurity, request: Incoming) -> Self {
        let now = web.core().now();
        let base_url = match &web.core().config().base_url {
            Some(url) => url.clone(),
            None => format!("{}://{}", request.scheme(), request.host().unwrap_or("localhost")),
        };
        let user_agent = request.header(http::header::USER_AGENT).map(str::to_owned);
        // Some limits are counted by network, so who comes from nowhere comes from one.
        let client_ip = Some(request.client_ip.unwrap_or(UNKNOWN).to_string());
        let language = language_of(web.core().config(), &web.0.hooks, &request);
        let context = Context { now, client_ip, user_agent, base_url, language };
        let opened = opened(&web, &request, now);
        let unreadable = matches!(opened, Some(None));
        let session_read = opened.is_some();
        let session = with_kept(&web, &request, opened.flatten().unwrap_or_default(), now);
        let state = State {
            came_signed_in: session.sign_in().is_some(),
            session: Arc::new(session),
            remember: RememberChange::Keep,
            used_cookie: RememberChange::Keep,
            csrf: CsrfStanding::Unchecked,
            csrf_token: None,
            device: None,
            session_read,
            by_accept: false,
            via: None,
            accepted: false,
            trace: Trace::default(),
        };
        let credentials = futures::lock::Mutex::default();
        let state = Mutex::new(state);
        let by_language = AtomicBool::new(false);
        let inner = Inner { web, request, context, unreadable, by_language, state, credentials };
        Self(Arc::new(inner))
    }

    pub(crate) fn web(&self) -> &Web {
        &self.0.web.0
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

    /// Whether the answer depends on the language of the request, and there are several.
    pub(crate) fn varies_by_language(&self) -> bool {
        let several = self.core().config().languages.len() > 1;
        several && self.0.by_language.load(Ordering::Relaxed)
    }

    /// Checks whether the browser sent several valid session cookies, none of which is used.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let name = &self.config().session_cookie.name;
        self.0.unreadable && {
            let now = self.context().now;
            let lifetime = self.core().config().sessions.lifetime;
            let opens = |value: &&str| self.core().sealer().open(value, now, lifetime).is_some();
            self.0.request.cookie_values(name).any(|value| opens(&value))
        }
    }

    /// Checks whether the answer should be JSON.
    pub fn wants_json(&self) -> bool {
        self.state().by_accept = true;
        match &self.web().hooks.want_json {
            Some(hook) => hook(&self.0.request),
            None => self.0.request.wants_json(),
        }
    }

    pub(crate) fn credentials(&self) -> &futures::lock::Mutex<Credentials> {
        &self.0.credentials
    }

    /// Whether the browser sent a session cookie that cannot be read.
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

    /// Returns a copy of the session for a flow. Store it with [`put_session`](Self::put_session)
    /// afterwards.
    pub(crate) fn session(&self) -> Session {
        Session::clone(&self.shared_session())
    }

    /// Returns the current session for reading.
    pub(crate) fn shared_session(&self) -> Arc<Session> {
        let mut state = self.state();
        state.session_read = true;
        Arc::clone(&state.session)
    }

    /// Returns the session as the browser sent it.
    pub(crate) fn sent_session(&self) -> Session {
        let (web, request, now) = (&self.0.web, &self.0.request, self.0.context.now);
        let opened = opened(web, request, now).flatten().unwrap_or_default();
        with_kept(web, request, opened, now)
    }

    pub(crate) fn put_session(&self, session: Session) {
        let mut state = self.state();
        let before = state.session.csrf().cloned();
        if session.csrf() != before.as_ref() {
            state.csrf_token = None;
        }
        state.session = Arc::new(session);
    }

    /// Discards all changes of the session, so that the browser keeps the one that it sent. Use it
    /// for answers to requests that failed halfway. A sign-out is kept.
    pub fn discard(&self) {
        self.put_session(self.sent_session());
        let mut state = self.state();
        // What was signed out stays so.
        if state.remember != RememberChange::Clear {
            state.remember = state.used_cookie.clone();
        }
        state.device = None;
    }

    pub(crate) fn put_remember(&self, change: RememberChange) {
        if change != RememberChange::Keep {
            self.state().remember = change;
        }
    }

    /// Records the result of the use of the remember cookie.
    pub(crate) fn use_cookie(&self, change: RememberChange) {
        if change != RememberChange::Keep {
            let mut state = self.state();
            state.remember = change.clone();
            state.used_cookie = change;
        }
    }

    /// Returns the remember cookie that the browser sent.
    pub(crate) fn remember_cookie(&self) -> Option<String> {
        let (signer, now) = (self.core().tokens(), self.context().now);
        let good = |value: &str| RememberToken::verify(signer, value, now, Duration::MAX).is_ok();
        self.0.request.cookie_that_is(&self.config().remember_cookie.name, good)
    }

    /// Returns the mechanism that authenticated the request. `None` if it is unauthenticated, or
    /// not authenticated yet.
    pub fn authenticated_via(&self) -> Option<Mechanism> {
        self.state().via
    }

    /// Returns the CSRF secret of the session. Creates one if the session has none.
    pub(crate) fn csrf_secret(&self) -> Result<CsrfSecret, FlowError> {
        if let Some(secret) = self.with_session(|session| session.csrf().cloned()) {
            return Ok(secret);
        }
        let secret = CsrfSecret::from_random(self.core().random()?);
        self.with_session(|session| session.set_csrf(Some(secret.clone())));
        Ok(secret)
    }

    /// Returns a CSRF token of the session, for a form or a script. Creates the CSRF secret of the
    /// session if it has none.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if the source of randomness failed.
    pub fn csrf_token(&self) -> Result<String, FlowError> {
        if let Some(token) = &self.state().csrf_token {
            return Ok(token.clone());
        }
        let secret = self.csrf_secret()?;
        let mask = self.core().random()?;
        let token = self.core().csrf().issue(&secret, mask, self.context().now);
        let token = token.expose().to_owned();
        self.state().csrf_token = Some(token.clone());
        Ok(token)
    }

    /// Signs in a user whom the application authenticated itself, for instance by single sign-on.
    ///
    /// This calls [`sign_in_user`](Security::sign_in_user) and stores the session in the answer.
    /// `methods` names the application's means of authentication, for the event.
    ///
    /// The user is signed in only if the outcome is [`SignInOutcome::Done`]. If a second factor is
    /// required first, answer with [`challenged`](Self::challenged).
    ///
    /// Call it only for a request that proves its origin, such as a callback with the `state` of
    /// your single sign-on. Otherwise an attacker could sign the browser in to an account of their
    /// choice (login CSRF).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError`] if the sign-in failed. The user is not signed in.
    pub async fn sign_in(
        &self,
        user: &User,
        remember: Option<bool>,
        methods: Vec<&'static str>,
    ) -> Result<SignInOutcome, FlowError> {
        let mut session = self.session();
        let outcome =
            self.core().sign_in_user(self.context(), &mut session, user, remember, methods);
        let outcome = outcome.await?;
        self.put_session(session);
        if let SignInOutcome::Done { user, remember } = &outcome {
            self.put_remember(remember.clone());
            let user = Arc::new(User::clone(user));
            self.set_current(Some(Authentication { user, mechanism: Mechanism::Session })).await;
        }
        Ok(outcome)
    }

    /// Signs out the user of the browser's session.
    ///
    /// Does nothing to the session if the request was authenticated by a token or password as
    /// another user.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError`] if the database failed. The session is then still valid.
    pub async fn sign_out(&self) -> Result<(), FlowError> {
        let caller = self.current().await?;
        let owner = self.session_owner().await?;
        let foreign = caller.zip(owner.as_ref()).is_some_and(|(a, b)| a.user.id != b.id);
        if !foreign {
            let mut session = self.session();
            let cookie = self.remember_cookie();
            let (ctx, owner) = (self.context(), owner.as_deref());
            let change = self.core().sign_out(ctx, &mut session, owner, cookie.as_deref()).await?;
            self.put_session(session);
            self.put_remember(change);
        }
        self.set_current(None).await;
        Ok(())
    }

    /// Adds the headers to an answer of this library or of the application: session, remember and
    /// CSRF cookies, and `Vary`.
    pub fn finish(&self, response: Response<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = response.into_parts();
        match self.write_headers(&mut parts.headers) {
            Ok(()) => Response::from_parts(parts, body),
            Err(failure) => *failure,
        }
    }
}

/// Returns the session that the browser sent: `None` without a session cookie, `Some(None)` if it
/// cannot be read. If the browser sent several cookies, the valid one counts. If more than one is
/// valid, none counts, since it is unknown which one is the browser's own.
fn opened(web: &WebSecurity, request: &Incoming, now: Timestamp) -> Option<Option<Session>> {
    let lifetime = web.core().config().sessions.lifetime;
    let (mut sent, mut found) = (false, None::<(&str, Session)>);
    for value in request.cookie_values(&web.config().session_cookie.name) {
        sent = true;
        if found.as_ref().is_some_and(|(known, _)| *known == value) {
            continue;
        }
        let Some(session) = web.core().sealer().open(value, now, lifetime) else { continue };
        if found.is_some() {
            web.0.warnings.ambiguous_cookie(&web.config().session_cookie.name);
            return Some(None);
        }
        found = Some((value, session));
    }
    sent.then(|| found.map(|(_, session)| session))
}

/// Adds the application's data from the second cookie to the session.
fn with_kept(
    web: &WebSecurity,
    request: &Incoming,
    mut session: Session,
    now: Timestamp,
) -> Session {
    let (sealer, lifetime) = (web.core().sealer(), web.core().config().sessions.lifetime);
    let opens = |value: &str| {
        let mut session = Session::clone(&session);
        sealer.open_kept(&mut session, value, now, lifetime);
        !session.keeps_nothing()
    };
    let name = kept_cookie(&web.config().session_cookie.name);
    if let Some(sealed) = request.cookie_that_is(&name, opens) {
        sealer.open_kept(&mut session, &sealed, now, lifetime);
    }
    session
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("request", &self.0.request).finish_non_exhaustive()
    }
}
