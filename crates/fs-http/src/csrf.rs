//! Where the CSRF token is asked for.
//!
//! Three places can ask: the layer, for every unsafe request; a guard, once the mechanism of
//! authentication is known; and a form of ours, when it is read. What the first one accepted is
//! not asked for again.

use bytes::Bytes;
use fs_core::authn::Mechanism;
use fs_core::csrf::CsrfProblem;
use fs_core::flow::FlowError;
use fs_core::message::MessageKey;
use http::Response;

use crate::config::CsrfScope;
use crate::exchange::{CsrfStanding, Exchange};
use crate::fields::FieldValue;
use crate::refusal::Refusal;

impl Exchange {
    /// Checks every unsafe request if the scope is everything. The layer calls it.
    pub(crate) fn csrf_for_everything(&self) -> Result<(), Box<Response<Bytes>>> {
        let csrf = &self.config().csrf;
        if !csrf.enabled || csrf.scope != CsrfScope::Everything || !self.request().is_unsafe() {
            return Ok(());
        }
        self.csrf_of_request().map_err(|problem| Box::new(self.refuse(&Refusal::Csrf(problem))))
    }

    /// Checks a request that was authenticated by `mechanism`. Guards call it.
    pub(crate) fn csrf_for_mechanism(
        &self,
        mechanism: Mechanism,
    ) -> Result<(), Box<Response<Bytes>>> {
        let checked = self.csrf_of_mechanism(mechanism);
        checked.map_err(|problem| Box::new(self.refuse(&Refusal::Csrf(problem))))
    }

    pub(crate) fn csrf_of_mechanism(&self, mechanism: Mechanism) -> Result<(), CsrfProblem> {
        let csrf = &self.config().csrf;
        let CsrfScope::Mechanisms(listed) = &csrf.scope else {
            return Ok(());
        };
        if !csrf.enabled || !self.request().is_unsafe() || listed.is_empty() {
            return Ok(());
        }
        if listed.contains(&mechanism) {
            return self.csrf_of_request();
        }
        self.state().csrf = CsrfStanding::NotNeeded;
        Ok(())
    }

    /// Checks a request to a route that admits unauthenticated callers.
    pub(crate) fn csrf_of_stranger(&self, signed_in: bool) -> Result<(), CsrfProblem> {
        let csrf = &self.config().csrf;
        if !csrf.enabled || !self.request().is_unsafe() {
            return Ok(());
        }
        if csrf.ignore_strangers && !signed_in {
            self.state().csrf = CsrfStanding::NotNeeded;
            return Ok(());
        }
        match csrf.scope {
            CsrfScope::Forms => Ok(()),
            _ => self.csrf_of_request(),
        }
    }

    /// Returns the problem with the token of a form of this library. A token in a header counts
    /// where the scope is such that headers are looked at.
    ///
    /// # Errors
    ///
    /// There was no randomness.
    pub(crate) fn csrf_of_form(&self, signed_in: bool) -> Result<Option<MessageKey>, FlowError> {
        if !self.config().csrf.enabled || !self.request().is_unsafe() {
            return Ok(None);
        }
        let standing = self.state().csrf;
        if standing == CsrfStanding::Unchecked {
            let _ = self.csrf_of_stranger(signed_in);
        }
        let standing = self.state().csrf;
        if matches!(standing, CsrfStanding::Good | CsrfStanding::NotNeeded) {
            return Ok(None);
        }
        // Whoever shows a form has a secret by then.
        self.csrf_secret()?;
        if let CsrfStanding::Refused(problem) = standing {
            return Ok(Some(key(&problem)));
        }
        Ok(self.check_token(self.token_in_field(true)).err().map(|problem| key(&problem)))
    }

    /// Checks a request whose token may be in a form field or a header, never in JSON.
    fn csrf_of_request(&self) -> Result<(), CsrfProblem> {
        self.check_token(self.sent_csrf_token())
    }

    /// Returns the token of the request, from a form field or a header.
    pub(crate) fn sent_csrf_token(&self) -> Option<String> {
        let in_header = || {
            self.config()
                .csrf_headers()
                .find_map(|name| self.request().header(name))
                .map(str::to_owned)
        };
        self.token_in_field(false).or_else(in_header)
    }

    fn check_token(&self, token: Option<String>) -> Result<(), CsrfProblem> {
        let secret = self.with_session(|session| session.csrf().cloned());
        let (now, limit) = (self.context().now, self.config().csrf.time_limit);
        let token = token.as_deref().filter(|token| !token.is_empty());
        self.core().csrf().check(token, secret.as_ref(), now, limit)?;
        self.state().csrf = CsrfStanding::Good;
        Ok(())
    }

    fn token_in_field(&self, json: bool) -> Option<String> {
        let fields = &self.request().fields;
        if !json && fields.object().is_some() {
            return None;
        }
        match fields.get(&self.config().csrf.field)? {
            FieldValue::Text(token) => Some(token),
            FieldValue::Other(_) => None,
        }
    }
}

pub(crate) fn key(problem: &CsrfProblem) -> MessageKey {
    match problem {
        CsrfProblem::TokenMissing => MessageKey::CsrfTokenMissing,
        CsrfProblem::SessionMissing => MessageKey::CsrfSessionTokenMissing,
        CsrfProblem::Expired => MessageKey::CsrfTokenExpired,
        CsrfProblem::Invalid => MessageKey::CsrfTokenInvalid,
        CsrfProblem::Mismatch => MessageKey::CsrfTokensDoNotMatch,
    }
}
