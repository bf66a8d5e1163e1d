//! The session of a request: reading, changing, signing in and out.

use std::sync::Arc;
use std::time::Duration;

use fs_core::authn::{Authentication, Mechanism};
use fs_core::csrf::CsrfSecret;
use fs_core::flow::{FlowError, RememberChange, SignInOutcome};
use fs_core::model::User;
use fs_core::session::Session;
use fs_core::token::RememberToken;

use crate::exchange::Exchange;
use crate::session_cookie::sent_session;

impl Exchange {
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

    pub(crate) fn put_session(&self, session: Session) {
        let mut state = self.state();
        let before = state.session.csrf().cloned();
        if session.csrf() != before.as_ref() {
            state.csrf_token = None;
        }
        state.session = Arc::new(session);
    }

    /// Checks whether the browser sent several valid session cookies, none of which is used.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let name = &self.config().session_cookie.name;
        self.sent_unreadable_session() && {
            let now = self.context().now;
            let lifetime = self.core().config().sessions.lifetime;
            let opens = |value: &&str| self.core().sealer().open(value, now, lifetime).is_some();
            self.request().cookie_values(name).any(|value| opens(&value))
        }
    }

    /// Returns the session as the browser sent it.
    pub(crate) fn sent_session(&self) -> Session {
        let (site, request, now) = (self.site(), self.request(), self.context().now);
        sent_session(site, request, now).with_data(site, request, now)
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
        self.request().cookie_that_is(&self.config().remember_cookie.name, good)
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
    /// This calls [`sign_in_user`](fs_core::flow::SignInFlows::sign_in_user) and stores the session
    /// in the answer. `methods` names the application's means of authentication, for the event.
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
        let outcome = self.core().sign_in().sign_in_user(
            self.context(),
            &mut session,
            user,
            remember,
            methods,
        );
        let outcome = outcome.await?;
        self.put_session(session);
        if let SignInOutcome::Done { user, remember } = &outcome {
            self.put_remember(remember.clone());
            let user = Arc::clone(user);
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
            let change = self
                .core()
                .sessions()
                .sign_out(ctx, &mut session, owner, cookie.as_deref())
                .await?;
            self.put_session(session);
            self.put_remember(change);
        }
        self.set_current(None).await;
        Ok(())
    }
}
