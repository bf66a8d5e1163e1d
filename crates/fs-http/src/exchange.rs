//! One request and its answer: who it is from, what its session knows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::{Authentication, Mechanism};
use fs_core::csrf::CsrfSecret;
use fs_core::flow::{FlowError, RememberChange, SignInOutcome};
use fs_core::model::User;
use fs_core::session::Visit;
use fs_core::token::RememberToken;
use fs_core::{Context, Security, Timestamp};
use http::Response;

use crate::client::UNKNOWN;
use crate::config::HttpConfig;
use crate::cookies::kept_cookie;
use crate::credentials::Credentials;
use crate::csrf::CsrfStanding;
use crate::incoming::Incoming;
use crate::trace::Trace;
use crate::web::{Web, WebSecurity};

/// A request while it is answered. A cheap clone; guards, endpoints and handlers share it.
///
/// Who the request is from is found out when somebody asks, once. What the answer must carry
/// (cookies) is written by [`finish`](Self::finish), in one place.
#[derive(Clone)]
pub struct Exchange(Arc<Inner>);

struct Inner {
    web: WebSecurity,
    request: Incoming,
    context: Context,
    /// Whether the browser sent a session that cannot be read.
    unreadable: bool,
    state: Mutex<State>,
    credentials: futures::lock::Mutex<Credentials>,
}

/// What changes while a request is answered.
pub(crate) struct State {
    pub(crate) visit: Arc<Visit>,
    pub(crate) remember: RememberChange,
    /// What the use of the remember cookie led to. The next cookie must reach the browser, whatever
    /// comes of the request: the old one is used up.
    used_cookie: RememberChange,
    pub(crate) csrf: CsrfStanding,
    pub(crate) csrf_token: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) visit_read: bool,
    /// The answer depends on what the caller likes to read.
    pub(crate) by_accept: bool,
    pub(crate) came_signed_in: bool,
    pub(crate) via: Option<Mechanism>,
    /// The form of this request was accepted.
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
        let context = Context { now, client_ip, user_agent, base_url };
        let opened = opened(&web, &request, now);
        let unreadable = matches!(opened, Some(None));
        let visit_read = opened.is_some();
        let visit = with_kept(&web, &request, opened.flatten().unwrap_or_default(), now);
        let state = State {
            came_signed_in: visit.sign_in().is_some(),
            visit: Arc::new(visit),
            remember: RememberChange::Keep,
            used_cookie: RememberChange::Keep,
            csrf: CsrfStanding::Unchecked,
            csrf_token: None,
            device: None,
            visit_read,
            by_accept: false,
            via: None,
            accepted: false,
            trace: Trace::default(),
        };
        let credentials = futures::lock::Mutex::default();
        let state = Mutex::new(state);
        Self(Arc::new(Inner { web, request, context, unreadable, state, credentials }))
    }

    pub(crate) fn web(&self) -> &Web {
        &self.0.web.0
    }

    /// The object that it belongs to.
    pub fn security(&self) -> &WebSecurity {
        &self.0.web
    }

    /// The core: flows without HTTP.
    pub fn core(&self) -> &Security {
        self.0.web.core()
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        self.0.web.config()
    }

    /// The request.
    pub fn request(&self) -> &Incoming {
        &self.0.request
    }

    /// The facts that flows need.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// Whether the browser sent several sessions and none of them counts.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let name = &self.config().session_cookie.name;
        self.0.unreadable && {
            let now = self.context().now;
            let lifetime = self.core().config().sessions.lifetime;
            let opens = |value: &&str| self.core().sealer().open(value, now, lifetime).is_some();
            self.0.request.cookie_values(name).any(|value| opens(&value))
        }
    }

    /// Whether the answer should be JSON.
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

    /// Whether the browser sent a session that cannot be read.
    pub(crate) fn sent_unreadable_session(&self) -> bool {
        self.0.unreadable
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes the session. What is put into it travels in a cookie: keep it small.
    pub fn session<T>(&self, with: impl FnOnce(&mut Visit) -> T) -> T {
        let mut state = self.state();
        state.visit_read = true;
        with(Arc::make_mut(&mut state.visit))
    }

    /// A copy of the session for a flow, to be put back with [`put_visit`](Self::put_visit).
    pub(crate) fn visit(&self) -> Visit {
        Visit::clone(&self.visit_as_it_is())
    }

    /// The session as it is now, to be looked at.
    pub(crate) fn visit_as_it_is(&self) -> Arc<Visit> {
        let mut state = self.state();
        state.visit_read = true;
        Arc::clone(&state.visit)
    }

    /// The session as the browser sent it.
    pub(crate) fn sent_visit(&self) -> Visit {
        let (web, request, now) = (&self.0.web, &self.0.request, self.0.context.now);
        let opened = opened(web, request, now).flatten().unwrap_or_default();
        with_kept(web, request, opened, now)
    }

    pub(crate) fn put_visit(&self, visit: Visit) {
        let mut state = self.state();
        let before = state.visit.csrf().cloned();
        if visit.csrf() != before.as_ref() {
            state.csrf_token = None;
        }
        state.visit = Arc::new(visit);
    }

    /// Lets the browser keep what it sent, whatever became of its session since: for answers that say
    /// that something failed, half of the way.
    pub fn discard(&self) {
        self.put_visit(self.sent_visit());
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

    /// Notes what the use of the remember cookie led to.
    pub(crate) fn use_cookie(&self, change: RememberChange) {
        if change != RememberChange::Keep {
            let mut state = self.state();
            state.remember = change.clone();
            state.used_cookie = change;
        }
    }

    /// The remember cookie that the browser sent.
    pub(crate) fn remember_cookie(&self) -> Option<String> {
        let (signer, now) = (self.core().tokens(), self.context().now);
        let good = |value: &str| RememberToken::verify(signer, value, now, Duration::MAX).is_ok();
        self.0.request.cookie_that_is(&self.config().remember_cookie.name, good)
    }

    /// How the request was authenticated, as far as anybody asked.
    pub fn authenticated_via(&self) -> Option<Mechanism> {
        self.state().via
    }

    /// What the CSRF tokens of this session are made of. The session gets one if it has none.
    pub(crate) fn csrf_secret(&self) -> Result<CsrfSecret, FlowError> {
        if let Some(secret) = self.session(|visit| visit.csrf().cloned()) {
            return Ok(secret);
        }
        let secret = CsrfSecret::from_random(self.core().random()?);
        self.session(|visit| visit.set_csrf(Some(secret.clone())));
        Ok(secret)
    }

    /// The CSRF token of this session, for a form or a script. The session gets a secret if it has
    /// none.
    ///
    /// # Errors
    ///
    /// There was no randomness.
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

    /// Signs a user in whom the application itself let in, by means of its own such as a single
    /// sign-on: [`sign_in_user`](Security::sign_in_user), and the answer carries the session.
    /// `methods` names those means, for the event.
    ///
    /// The outcome may be that a second factor is wanted first: answer with
    /// [`challenged`](Self::challenged). Nobody is signed in then, nor when it is a refusal.
    ///
    /// Call it only in answer to a request that proves where it comes from, such as a callback with
    /// the `state` of your single sign-on: signing a visitor in to an account of somebody else's
    /// choice is an attack too.
    ///
    /// # Errors
    ///
    /// Nobody is signed in.
    pub async fn sign_in(
        &self,
        user: &User,
        remember: Option<bool>,
        methods: Vec<&'static str>,
    ) -> Result<SignInOutcome, FlowError> {
        let mut visit = self.visit();
        let outcome = self.core().sign_in_user(self.context(), &mut visit, user, remember, methods);
        let outcome = outcome.await?;
        self.put_visit(visit);
        if let SignInOutcome::Done { user, remember } = &outcome {
            self.put_remember(remember.clone());
            let user = Arc::new(User::clone(user));
            self.set_current(Some(Authentication { user, mechanism: Mechanism::Session })).await;
        }
        Ok(outcome)
    }

    /// Signs out whom the browser's session is signed in as, as an application's own handler may want
    /// to.
    ///
    /// A caller who was authenticated by a token or a password as somebody else ends nothing: the
    /// session is not theirs.
    ///
    /// # Errors
    ///
    /// Returns an error if the database failed: the session still stands.
    pub async fn sign_out(&self) -> Result<(), FlowError> {
        let caller = self.current().await?;
        let owner = self.session_owner().await?;
        let foreign = caller.zip(owner.as_ref()).is_some_and(|(a, b)| a.user.id != b.id);
        if !foreign {
            let mut visit = self.visit();
            let cookie = self.remember_cookie();
            let (ctx, owner) = (self.context(), owner.as_deref());
            let change = self.core().sign_out(ctx, &mut visit, owner, cookie.as_deref()).await?;
            self.put_visit(visit);
            self.put_remember(change);
        }
        self.set_current(None).await;
        Ok(())
    }

    /// Completes an answer, ours or the application's: session, remember and CSRF cookies, `Vary`.
    pub fn finish(&self, response: Response<Bytes>) -> Response<Bytes> {
        let (mut parts, body) = response.into_parts();
        match self.write_headers(&mut parts.headers) {
            Ok(()) => Response::from_parts(parts, body),
            Err(failure) => *failure,
        }
    }
}

/// The session that the browser sent; nothing in it where it cannot be read. Of several the one that
/// opens counts; where more than one does, nobody can tell which is the browser's own.
fn opened(web: &WebSecurity, request: &Incoming, now: Timestamp) -> Option<Option<Visit>> {
    let lifetime = web.core().config().sessions.lifetime;
    let (mut sent, mut found) = (false, None::<(&str, Visit)>);
    for value in request.cookie_values(&web.config().session_cookie.name) {
        sent = true;
        if found.as_ref().is_some_and(|(known, _)| *known == value) {
            continue;
        }
        let Some(visit) = web.core().sealer().open(value, now, lifetime) else { continue };
        if found.is_some() {
            web.0.warnings.ambiguous_cookie(&web.config().session_cookie.name);
            return Some(None);
        }
        found = Some((value, visit));
    }
    sent.then(|| found.map(|(_, visit)| visit))
}

/// The session with what the application keeps in its second cookie.
fn with_kept(web: &WebSecurity, request: &Incoming, mut visit: Visit, now: Timestamp) -> Visit {
    let (sealer, lifetime) = (web.core().sealer(), web.core().config().sessions.lifetime);
    let opens = |value: &str| {
        let mut visit = Visit::clone(&visit);
        sealer.open_kept(&mut visit, value, now, lifetime);
        !visit.keeps_nothing()
    };
    let name = kept_cookie(&web.config().session_cookie.name);
    if let Some(sealed) = request.cookie_that_is(&name, opens) {
        sealer.open_kept(&mut visit, &sealed, now, lifetime);
    }
    visit
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("request", &self.0.request).finish_non_exhaustive()
    }
}
