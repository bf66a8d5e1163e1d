//! Authentication of a request. Each mechanism is tried once and its result is kept.
//!
//! A request has one principal. Mechanisms are tried in a fixed order: token, session (or the
//! remembered browser that becomes one), HTTP Basic. The first that authenticates a user decides;
//! the others are not tried. Guards, extractors and endpoints all use this module, so they always
//! agree on the user.

use std::sync::Arc;

use fs_core::authn::{AuthFailure, AuthOutcome, Authentication, Mechanism};
use fs_core::flow::{CredentialsCheck, FlowError, RememberChange};
use fs_core::model::User;
use fs_core::port::StoreError;
use fs_core::session::Session;
use http::header::AUTHORIZATION;
use serde_json::Value;

use crate::credentials::{Credentials, ORDER, Tried, USUAL, basic_credentials};
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::trace::CredentialSource;

/// Place of an auth token in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenPlace {
    Body,
    Query,
    Header,
}

impl Exchange {
    /// Returns the user of the request: the one that a guard admitted, otherwise the one of the
    /// auth token, the session or the remembered browser, in this order. Each is tried once.
    ///
    /// HTTP Basic authentication is not tried: a route has to name it.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError`] if the authentication itself failed. Treat the request as
    /// unauthenticated and answer with an error.
    pub async fn current(&self) -> Result<Option<Authentication>, FlowError> {
        let mut known = self.credentials().lock().await;
        if known.ended {
            return Ok(None);
        }
        if let Some(principal) = &known.principal {
            return Ok(Some(principal.clone()));
        }
        let found = self.first_of(&mut known, &USUAL).await?;
        self.settle_principal(&mut known, found.as_ref());
        Ok(found)
    }

    /// Returns the user of the request by one of the mechanisms that a guard accepts. Returns the
    /// user who was admitted before if the guard names no mechanism.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal::MixedCredentials`] if another guard has let in somebody else by other
    /// credentials of the same request.
    pub(crate) async fn authenticate(
        &self,
        accepted: Option<&[Mechanism]>,
    ) -> Result<Option<Authentication>, Refusal> {
        let Some(accepted) = accepted else {
            return Ok(self.current().await?);
        };
        let mut known = self.credentials().lock().await;
        if known.ended {
            return Ok(None);
        }
        let found = self.first_of(&mut known, accepted).await?;
        match (&known.principal, &found) {
            (Some(principal), Some(found)) if principal.user.id != found.user.id => {
                Err(Refusal::MixedCredentials)
            }
            _ => {
                self.settle_principal(&mut known, found.as_ref());
                Ok(found)
            }
        }
    }

    fn settle_principal(&self, known: &mut Credentials, found: Option<&Authentication>) {
        if known.principal.is_none()
            && let Some(found) = found
        {
            self.state().via = Some(found.mechanism);
            known.principal = Some(found.clone());
        }
    }

    async fn first_of(
        &self,
        known: &mut Credentials,
        accepted: &[Mechanism],
    ) -> Result<Option<Authentication>, FlowError> {
        for mechanism in ORDER.into_iter().filter(|mechanism| accepted.contains(mechanism)) {
            if let Some(user) = self.tried(known, mechanism).await? {
                return Ok(Some(Authentication { user, mechanism }));
            }
        }
        Ok(None)
    }

    async fn tried(
        &self,
        known: &mut Credentials,
        mechanism: Mechanism,
    ) -> Result<Option<Arc<User>>, FlowError> {
        if let Some(tried) = known.of(mechanism) {
            return tried.result();
        }
        let found = match mechanism {
            Mechanism::Token => self.token_user().await,
            Mechanism::Session => self.session_user().await,
            Mechanism::Basic => Box::pin(self.basic_user()).await,
        };
        let tried = match found {
            Ok(Some(user)) => Tried::Somebody(user),
            Ok(None) => Tried::Nobody,
            Err(error) => Tried::Failed(error),
        };
        known.of(mechanism).insert(tried).result()
    }

    /// Returns the user of the browser's session and ignores other credentials of the request. A
    /// remembered browser becomes a session.
    ///
    /// Endpoints that change the session use this, never the principal: a form of another site
    /// could send an auth token or a password, and would change the session of the person at the
    /// browser.
    pub(crate) async fn session_owner(&self) -> Result<Option<Arc<User>>, FlowError> {
        let mut known = self.credentials().lock().await;
        if known.ended {
            return Ok(None);
        }
        self.tried(&mut known, Mechanism::Session).await
    }

    /// Returns the user of the session that the browser sent. A remembered browser stays as it is.
    async fn open_session_owner(&self) -> Result<Option<Arc<User>>, FlowError> {
        if self.with_session(|session| session.sign_in().is_none()) {
            return Ok(None);
        }
        self.session_owner().await
    }

    /// Checks whether the browser's session belongs to the caller, so that the caller's request may
    /// change it.
    pub(crate) async fn owns_session(&self, caller: &Authentication) -> Result<bool, FlowError> {
        if caller.mechanism == Mechanism::Session {
            return Ok(true);
        }
        let owner = self.open_session_owner().await?;
        Ok(owner.is_some_and(|owner| owner.id == caller.user.id))
    }

    /// Refuses a request that changes something for the owner of a token or password while the
    /// browser is signed in as somebody else.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal::MixedCredentials`] in that case.
    pub(crate) async fn refuse_mixed(&self, caller: &Authentication) -> Result<(), Refusal> {
        if caller.mechanism == Mechanism::Session || !self.request().is_unsafe() {
            return Ok(());
        }
        match self.open_session_owner().await? {
            Some(owner) if owner.id != caller.user.id => Err(Refusal::MixedCredentials),
            _ => Ok(()),
        }
    }

    /// Notes who was signed in, or that somebody was signed out.
    pub(crate) async fn set_current(&self, authentication: Option<Authentication>) {
        self.state().via = authentication.as_ref().map(|authentication| authentication.mechanism);
        let mut known = self.credentials().lock().await;
        known.ended = authentication.is_none();
        known.session = authentication.as_ref().map(|who| Tried::Somebody(Arc::clone(&who.user)));
        known.principal = authentication;
    }

    /// Checks whether the request carries credentials that a form of another site can cause: an
    /// auth token in the query, or HTTP Basic, which browsers add by themselves.
    pub(crate) fn brings_forgeable_credentials(&self) -> bool {
        let basic = self.request().header(AUTHORIZATION);
        self.token_place() == Some(TokenPlace::Query)
            || basic.is_some_and(|header| basic_credentials(header).is_some())
    }

    /// Returns the user of the session, or of the remembered browser.
    async fn session_user(&self) -> Result<Option<Arc<User>>, FlowError> {
        let session = self.shared_session();
        let mut outcome = self.core().sessions().user_of(self.context(), &session).await?;
        match outcome.failure() {
            Some(AuthFailure::Absent) if self.sent_unreadable_session() => {
                outcome = AuthOutcome::Refused(AuthFailure::Invalid);
            }
            Some(AuthFailure::FactorMissing) => {
                let mut session = Session::clone(&session);
                self.core().sign_in().hold_for_second_factor(self.context(), &mut session).await?;
                self.put_session(session);
            }
            _ => {}
        }
        if let Some(user) = self.found(CredentialSource::Session, outcome) {
            return Ok(Some(user));
        }
        let Some(cookie) = self.remember_cookie() else {
            return Ok(None);
        };
        let mut session = Session::clone(&session);
        let restored =
            self.core().sessions().restore_remembered(self.context(), &mut session, &cookie);
        let restored = match Box::pin(restored).await {
            // Only this browser is affected. Otherwise it could open no page.
            Err(FlowError::Store(StoreError::Unreadable(_))) => {
                self.use_cookie(RememberChange::Clear);
                let ended = AuthOutcome::Refused(AuthFailure::Ended);
                return Ok(self.found(CredentialSource::Remembered, ended));
            }
            restored => restored?,
        };
        if restored.outcome.is_authenticated() {
            self.put_session(session);
        }
        self.use_cookie(restored.remember);
        Ok(self.found(CredentialSource::Remembered, restored.outcome))
    }

    async fn token_user(&self) -> Result<Option<Arc<User>>, FlowError> {
        let outcome = match self.presented_token() {
            Some(token) => self.core().auth_tokens().user_of(self.context(), &token).await?,
            None => AuthOutcome::Refused(AuthFailure::Absent),
        };
        Ok(self.found(CredentialSource::Token, outcome))
    }

    /// Returns the auth token that the request carries: the first one present counts, good or bad.
    fn presented_token(&self) -> Option<String> {
        let carriers = &self.config().token;
        match self.token_place()? {
            TokenPlace::Body => match self.request().fields.object()?.get(&carriers.key)? {
                Value::String(token) => Some(token.clone()),
                other => Some(other.to_string()),
            },
            TokenPlace::Query => self.request().query_value(&carriers.key),
            TokenPlace::Header => {
                self.request().header(carriers.header.as_str()).map(str::to_owned)
            }
        }
    }

    fn token_place(&self) -> Option<TokenPlace> {
        let carriers = &self.config().token;
        let body = || self.request().fields.object();
        if carriers.json_body && body().is_some_and(|body| body.contains_key(&carriers.key)) {
            return Some(TokenPlace::Body);
        }
        if carriers.query && self.request().query_value(&carriers.key).is_some() {
            return Some(TokenPlace::Query);
        }
        self.request().header(carriers.header.as_str()).map(|_| TokenPlace::Header)
    }

    /// Name and password of HTTP Basic authentication (RFC 7617), in UTF-8.
    async fn basic_user(&self) -> Result<Option<Arc<User>>, FlowError> {
        let header = self.request().header(AUTHORIZATION);
        let outcome = match header.map(basic_credentials) {
            Some(Some((identity, password))) => {
                let core = self.core();
                match core.sign_in().check_credentials(self.context(), &identity, &password).await?
                {
                    CredentialsCheck::Accepted(user) => AuthOutcome::Authenticated(user),
                    CredentialsCheck::Refused(_) => AuthOutcome::Refused(AuthFailure::Wrong),
                }
            }
            Some(None) => AuthOutcome::Refused(AuthFailure::Invalid),
            None => AuthOutcome::Refused(AuthFailure::Absent),
        };
        Ok(self.found(CredentialSource::Basic, outcome))
    }
}
