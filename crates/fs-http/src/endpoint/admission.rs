//! Enforces the requirement of an endpoint before it is called.

use std::sync::Arc;

use bytes::Bytes;
use fs_core::authn::Authentication;
use fs_core::authz::{Requirement, Who};
use fs_core::message::{Label, MessageKey};
use fs_core::model::User;
use http::{Response, StatusCode};

use crate::exchange::{CsrfStanding, Exchange};
use crate::pages::{LinkView, PageView};
use crate::refusal::Refusal;
use crate::route::Endpoint;

/// Returns the user of an endpoint that requires authentication. Returns `None` for an endpoint
/// that also admits unauthenticated requests, or only those.
///
/// # Errors
///
/// Returns the answer to a request that does not meet the requirement.
pub(super) async fn admit(
    exchange: &Exchange,
    endpoint: Endpoint,
) -> Result<Option<Authentication>, Box<Response<Bytes>>> {
    let core = exchange.core().config();
    let requirement = endpoint.requirement(&exchange.request().method, core, exchange.config());
    match (requirement.who(), endpoint) {
        (Who::Anyone, _) => Ok(None),
        (
            Who::Anonymous,
            Endpoint::ResetPassword | Endpoint::SignInLink | Endpoint::UnifiedLink,
        ) => exchange.only_strangers_of_link().await.map(|()| None),
        (Who::Anonymous, _) => exchange.only_strangers(endpoint).await.map(|()| None),
        // Whoever waits for a second factor may set one up: the flow decides.
        (Who::SignedIn, Endpoint::TwoFactorSetup) if exchange.session_caller().await?.is_none() => {
            Ok(None)
        }
        (Who::SignedIn, _) => exchange.caller_of(&requirement).await.map(Some),
    }
}

/// Returns the user that was admitted.
///
/// # Errors
///
/// Returns the answer to an unauthenticated request if there is none, which an endpoint that
/// requires authentication does not meet.
pub(super) fn known(
    exchange: &Exchange,
    caller: Option<Authentication>,
) -> Result<Authentication, Box<Response<Bytes>>> {
    caller.ok_or_else(|| Box::new(exchange.refuse(&Refusal::SignInFirst)))
}

impl Exchange {
    /// Returns the signed-in user, for an endpoint that also admits unauthenticated requests.
    pub(super) async fn caller(&self) -> Result<Option<Authentication>, Box<Response<Bytes>>> {
        self.current().await.map_err(|error| self.flow_failed(&error))
    }

    /// Returns the user of the browser's session, for an endpoint that changes the session.
    pub(super) async fn session_caller(&self) -> Result<Option<Arc<User>>, Box<Response<Bytes>>> {
        self.session_owner().await.map_err(|error| self.flow_failed(&error))
    }

    /// Returns the user of an endpoint that requires authentication. Call
    /// [`form_problems`](Self::form_problems) next: the CSRF token may be out of date.
    async fn caller_of(
        &self,
        requirement: &Requirement,
    ) -> Result<Authentication, Box<Response<Bytes>>> {
        let caller = match self.check_user(requirement).await {
            // What was typed is not lost: `csrf_problems` brings the form back, with a fresh token.
            Err(Refusal::Csrf(problem)) if !self.wants_json() => {
                let caller = self.caller().await?;
                self.state().csrf = CsrfStanding::Refused(problem);
                caller.ok_or(Refusal::Csrf(problem))
            }
            checked => checked,
        };
        let caller = caller.map_err(|refusal| Box::new(self.refuse(&refusal)))?;
        self.only_one_person(&caller).await?;
        Ok(caller)
    }

    /// Refuses to change something for a caller while the browser is signed in as somebody else.
    pub(super) async fn only_one_person(
        &self,
        caller: &Authentication,
    ) -> Result<(), Box<Response<Bytes>>> {
        let one = self.refuse_mixed(caller).await;
        one.map_err(|refusal| Box::new(self.refuse(&refusal)))
    }

    /// Sends away who is signed in, from an endpoint for those who are not.
    async fn only_strangers(&self, endpoint: Endpoint) -> Result<(), Box<Response<Bytes>>> {
        if self.caller().await?.is_none() {
            return Ok(());
        }
        let unified = match endpoint {
            Endpoint::UnifiedSignIn => true,
            Endpoint::SignIn => self.config().unified_replaces_sign_in,
            _ => false,
        };
        if unified && !self.wants_json() {
            let view = self.config().views.after_sign_in.as_deref();
            return Err(Box::new(self.redirect(&self.after(view))));
        }
        Err(Box::new(self.refuse(&Refusal::NotAnonymous)))
    }

    /// Sends away who is signed in and follows a link for strangers. Where links show a page first,
    /// it says why.
    async fn only_strangers_of_link(&self) -> Result<(), Box<Response<Bytes>>> {
        let explains = self.config().links_ask_first && !self.wants_json();
        if self.caller().await?.is_none() {
            return Ok(());
        }
        if !explains {
            return Err(Box::new(self.refuse(&Refusal::NotAnonymous)));
        }
        let mut page = PageView::notice(
            self.label(Label::YouAreSignedIn),
            self.text(MessageKey::SignOutFirst),
        );
        let view = self.config().views.after_sign_in.as_deref();
        page.links.push(LinkView { href: self.view(view, &[]), text: self.label(Label::GoOn) });
        Err(Box::new(self.page(StatusCode::OK, page)))
    }
}
