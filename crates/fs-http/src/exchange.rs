//! One request and its answer: who it is from, what its session knows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fs_core::authn::{Authentication, Mechanism, Unproven};
use fs_core::csrf::CsrfSecret;
use fs_core::flow::{FlowError, RememberChange, SignInOutcome};
use fs_core::model::User;
use fs_core::session::Visit;
use fs_core::token::RememberToken;
use fs_core::{Context, Security, Timestamp};
use http::Response;
use serde_json::Value;

use crate::client::UNKNOWN;
use crate::config::HttpConfig;
use crate::csrf::CsrfStanding;
use crate::incoming::Incoming;
use crate::trace::{Trace, Way};
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
    who: futures::lock::Mutex<Option<Who>>,
}

/// What changes while a request is answered.
pub(crate) struct State {
    pub(crate) visit: Arc<Visit>,
    pub(crate) remember: RememberChange,
    pub(crate) csrf: CsrfStanding,
    pub(crate) csrf_token: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) visit_read: bool,
    pub(crate) came_signed_in: bool,
    pub(crate) via: Option<Mechanism>,
    pub(crate) trace: Trace,
}

#[derive(Clone)]
enum Who {
    Nobody,
    Somebody(Authentication),
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
        let visit = opened.flatten().unwrap_or_default();
        let state = State {
            came_signed_in: visit.sign_in().is_some(),
            visit: Arc::new(visit),
            remember: RememberChange::Keep,
            csrf: CsrfStanding::Unchecked,
            csrf_token: None,
            device: None,
            visit_read,
            via: None,
            trace: Trace::default(),
        };
        let who = futures::lock::Mutex::new(None);
        let state = Mutex::new(state);
        Self(Arc::new(Inner { web, request, context, unreadable, state, who }))
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
        match &self.web().hooks.want_json {
            Some(hook) => hook(&self.0.request),
            None => self.0.request.wants_json(),
        }
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
    fn visit_as_it_is(&self) -> Arc<Visit> {
        let mut state = self.state();
        state.visit_read = true;
        Arc::clone(&state.visit)
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
        let opened = opened(&self.0.web, &self.0.request, self.0.context.now);
        self.put_visit(opened.flatten().unwrap_or_default());
        let mut state = self.state();
        // What was signed out stays so.
        if state.remember != RememberChange::Clear {
            state.remember = RememberChange::Keep;
        }
        state.device = None;
    }

    pub(crate) fn put_remember(&self, change: RememberChange) {
        if change != RememberChange::Keep {
            self.state().remember = change;
        }
    }

    /// The remember cookie that the browser sent.
    pub(crate) fn remember_cookie(&self) -> Option<String> {
        let (signer, now) = (self.core().tokens(), self.context().now);
        let good = |value: &str| RememberToken::verify(signer, value, now, Duration::MAX).is_ok();
        self.0.request.cookie_that_is(&self.config().remember_cookie.name, good)
    }

    /// Who the request is from, by session, remembered browser or auth token, whatever a route
    /// asks for. Found out once.
    ///
    /// # Errors
    ///
    /// Nothing could be found out; treat the caller as nobody and answer with an error.
    pub async fn current(&self) -> Result<Option<Authentication>, FlowError> {
        let mut who = self.0.who.lock().await;
        if who.is_none() {
            *who = Some(self.find_out().await?);
        }
        Ok(match &*who {
            Some(Who::Somebody(authentication)) => Some(authentication.clone()),
            _ => None,
        })
    }

    async fn find_out(&self) -> Result<Who, FlowError> {
        if let Some(user) = self.session_user().await? {
            return Ok(self.somebody(user, Mechanism::Session));
        }
        if self.remember_cookie().is_some() {
            return Ok(Who::Nobody);
        }
        Ok(match self.token_user().await? {
            Some(user) => self.somebody(user, Mechanism::Token),
            None => Who::Nobody,
        })
    }

    fn somebody(&self, user: User, mechanism: Mechanism) -> Who {
        self.state().via = Some(mechanism);
        Who::Somebody(Authentication { user: Arc::new(user), mechanism })
    }

    /// Who the session is signed in as, or who the browser is remembered as.
    async fn session_user(&self) -> Result<Option<User>, FlowError> {
        let visit = self.visit_as_it_is();
        let signed_in = self.core().user_of_session(self.context(), &visit).await?;
        let signed_in = signed_in.map_err(|unproven| match unproven {
            Unproven::Absent if self.0.unreadable => Unproven::Invalid,
            unproven => unproven,
        });
        if let Some(user) = self.found(Way::Session, signed_in) {
            return Ok(Some(user));
        }
        let Some(cookie) = self.remember_cookie() else {
            return Ok(None);
        };
        let mut visit = Visit::clone(&visit);
        let restored = self.core().restore_remembered(self.context(), &mut visit, &cookie);
        let user = Box::pin(restored).await?;
        if user.is_ok() {
            self.put_visit(visit);
        }
        Ok(self.found(Way::Remembered, user))
    }

    pub(crate) async fn token_user(&self) -> Result<Option<User>, FlowError> {
        let found = match self.presented_token() {
            Some(token) => self.core().user_of_token(self.context(), &token).await?,
            None => Err(Unproven::Absent),
        };
        Ok(self.found(Way::Token, found))
    }

    /// The auth token that the request carries: the first one present counts, good or bad.
    fn presented_token(&self) -> Option<String> {
        let carriers = &self.config().token;
        let in_body = carriers.json_body.then(|| self.0.request.fields.object()).flatten();
        let in_body = in_body.and_then(|body| body.get(&carriers.key)).map(|value| match value {
            Value::String(token) => token.clone(),
            other => other.to_string(),
        });
        let in_query = || self.0.request.query_value(&carriers.key).filter(|_| carriers.query);
        let in_header = || self.0.request.header(carriers.header.as_str()).map(str::to_owned);
        in_body.or_else(in_query).or_else(in_header)
    }

    /// Notes who the request is from: a guard or a flow found it out.
    pub(crate) async fn set_current(&self, authentication: Option<Authentication>) {
        self.state().via = authentication.as_ref().map(|authentication| authentication.mechanism);
        *self.0.who.lock().await = Some(match authentication {
            Some(authentication) => Who::Somebody(authentication),
            None => Who::Nobody,
        });
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

    /// Signs a user out, as an application's own handler may want to.
    ///
    /// # Errors
    ///
    /// The session still stands.
    pub async fn sign_out(&self) -> Result<(), FlowError> {
        let user = self.current().await?.map(|authentication| authentication.user);
        let mut visit = self.visit();
        let cookie = self.remember_cookie();
        let change = self
            .core()
            .sign_out(self.context(), &mut visit, user.as_deref(), cookie.as_deref())
            .await?;
        self.put_visit(visit);
        self.put_remember(change);
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

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("request", &self.0.request).finish_non_exhaustive()
    }
}
