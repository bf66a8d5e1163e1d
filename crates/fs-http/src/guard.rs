//! Holding a request against what a route asks for.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fs_core::authn::{Authentication, Mechanism, Unproven};
use fs_core::authz::{CsrfUse, Requirement, Who};
use fs_core::flow::FlowError;
use fs_core::freshness::{self, Freshness, FreshnessFacts, FreshnessRule};
use fs_core::message::MessageKey;
use fs_core::secret::Secret;
use http::Response;

use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::trace::Way;

/// The order in which mechanisms are tried.
const ORDER: [Mechanism; 3] = [Mechanism::Token, Mechanism::Session, Mechanism::Basic];
/// What a route accepts that names no mechanisms.
pub(crate) const USUAL: [Mechanism; 2] = [Mechanism::Token, Mechanism::Session];

impl Exchange {
    /// Who calls, if the requirement lets them.
    ///
    /// # Errors
    ///
    /// The answer to send instead: 401, 403, a redirect to sign in or to prove again who one is.
    pub async fn authorize(
        &self,
        requirement: &Requirement,
    ) -> Result<Option<Authentication>, Box<Response<Bytes>>> {
        self.check(requirement).await.map_err(|refusal| Box::new(self.refuse(&refusal)))
    }

    /// Who calls, if the requirement lets them and they are somebody: for handlers that need a
    /// user.
    ///
    /// # Errors
    ///
    /// Why not. A requirement for strangers lets nobody through here.
    pub async fn check_user(&self, requirement: &Requirement) -> Result<Authentication, Refusal> {
        match self.check(requirement).await? {
            Some(caller) => Ok(caller),
            None => {
                let refusal = unauthenticated(requirement);
                self.note(&refusal);
                Err(refusal)
            }
        }
    }

    /// Who calls, if the requirement lets them. [`authorize`](Self::authorize) with the reason in
    /// place of the answer, for adapters.
    ///
    /// The order is fixed: authentication, freshness, CSRF, roles and permissions.
    ///
    /// # Errors
    ///
    /// Why not; [`refuse`](Self::refuse) makes the answer of it.
    pub async fn check(
        &self,
        requirement: &Requirement,
    ) -> Result<Option<Authentication>, Refusal> {
        // Boxed: a handler's own future stays small, which frameworks move and allocate.
        let held = Box::pin(self.hold_against(requirement)).await;
        held.inspect_err(|refusal| self.note(refusal))
    }

    async fn hold_against(
        &self,
        requirement: &Requirement,
    ) -> Result<Option<Authentication>, Refusal> {
        let caller = match requirement.who() {
            Who::Anyone => self.current().await?,
            Who::Anonymous => match self.current().await? {
                Some(_) => return Err(Refusal::NotAnonymous),
                None => None,
            },
            Who::SignedIn => Some(self.authenticate(requirement).await?),
        };
        if let (Some(rule), Some(caller)) = (requirement.freshness(), &caller) {
            let rule = rule.rule(&self.core().config().freshness);
            self.require_fresh(&rule, caller).await?;
        }
        match (&caller, requirement.csrf()) {
            (_, CsrfUse::Strangers) if requirement.who() != Who::SignedIn => {
                self.csrf_of_stranger(caller.is_some()).map_err(Refusal::Csrf)?;
            }
            (Some(caller), _) => {
                self.csrf_of_mechanism(caller.mechanism).map_err(Refusal::Csrf)?;
            }
            (None, _) => {}
        }
        let user = caller.as_ref().map(|caller| &*caller.user);
        match requirement.missing(user) {
            Some(rule) => Err(Refusal::Missing(rule.clone())),
            None => Ok(caller),
        }
    }

    async fn authenticate(&self, requirement: &Requirement) -> Result<Authentication, Refusal> {
        if requirement.redirects_always() {
            return self.current().await?.ok_or(Refusal::SignInFirst);
        }
        let accepted = requirement.mechanisms().unwrap_or(&USUAL);
        for mechanism in ORDER.into_iter().filter(|mechanism| accepted.contains(mechanism)) {
            if let Some(caller) = self.try_mechanism(mechanism).await? {
                return Ok(caller);
            }
        }
        Err(unauthenticated(requirement))
    }

    async fn try_mechanism(
        &self,
        mechanism: Mechanism,
    ) -> Result<Option<Authentication>, FlowError> {
        let user = match mechanism {
            Mechanism::Session => {
                let caller = self.current().await?;
                return Ok(caller.filter(|caller| caller.mechanism == Mechanism::Session));
            }
            Mechanism::Token => self.token_user().await?,
            Mechanism::Basic => Box::pin(self.basic_user()).await?,
        };
        let Some(user) = user else {
            return Ok(None);
        };
        let caller = Authentication { user: Arc::new(user), mechanism };
        self.set_current(Some(caller.clone())).await;
        Ok(Some(caller))
    }

    /// Name and password of HTTP Basic authentication (RFC 7617), in UTF-8.
    async fn basic_user(&self) -> Result<Option<fs_core::model::User>, FlowError> {
        let header = self.request().header(http::header::AUTHORIZATION);
        let credentials = header.ok_or(Unproven::Absent);
        let found = match credentials
            .and_then(|header| basic_credentials(header).ok_or(Unproven::Invalid))
        {
            Ok((identity, password)) => {
                let checked = self.core().check_credentials(self.context(), &identity, &password);
                checked.await?.map_err(|_| Unproven::Wrong)
            }
            Err(unproven) => Err(unproven),
        };
        Ok(self.found(Way::Basic, found))
    }

    async fn require_fresh(
        &self,
        rule: &FreshnessRule,
        caller: &Authentication,
    ) -> Result<(), Refusal> {
        let sign_in = self.session(|visit| visit.sign_in().cloned());
        let is_theirs = self.session_is_of(caller).await?;
        let of_session = sign_in.filter(|_| is_theirs);
        let facts = FreshnessFacts {
            authenticated_at: of_session.as_ref().and_then(|sign_in| sign_in.authenticated_at),
            grace_until: of_session.as_ref().and_then(|sign_in| sign_in.grace_until),
            exempt: caller.mechanism == Mechanism::Basic,
        };
        let (verdict, grace_until) = freshness::check(self.context().now, &facts, rule);
        if let Some(until) = grace_until {
            self.session(|visit| visit.set_grace(until));
        }
        match verdict {
            Freshness::Fresh => Ok(()),
            Freshness::Stale => {
                let age = facts.authenticated_at.map(|at| self.context().now.since(at));
                Err(Refusal::NotFresh { rule: *rule, age })
            }
        }
    }

    /// Whether the session's freshness says anything about this caller.
    async fn session_is_of(&self, caller: &Authentication) -> Result<bool, FlowError> {
        if caller.mechanism == Mechanism::Session {
            return Ok(true);
        }
        let visit = self.visit();
        let owner = self.core().authenticate_session(self.context(), &visit).await?;
        Ok(owner.is_some_and(|owner| owner.id == caller.user.id))
    }

    pub(crate) fn not_anonymous(&self) -> Response<Bytes> {
        if self.wants_json() {
            return self
                .refusal(http::StatusCode::BAD_REQUEST, MessageKey::AnonymousUserRequired.into());
        }
        self.redirect(&self.view(self.config().views.after_sign_in.as_deref(), &[]))
    }
}

fn unauthenticated(requirement: &Requirement) -> Refusal {
    Refusal::Unauthenticated {
        mechanisms: requirement.mechanisms().unwrap_or(&USUAL).to_vec(),
        realm: requirement.realm_name().map(str::to_owned),
    }
}

fn basic_credentials(header: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (identity, password) = decoded.split_once(':')?;
    Some((identity.to_owned(), Secret::from(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_basic_credentials() {
        let header = format!("basic {}", STANDARD.encode("zoe:a:b"));
        let (identity, password) = basic_credentials(&header).unwrap();
        assert_eq!((identity.as_str(), password.expose()), ("zoe", "a:b"));
        for bad in ["", "Basic", "Basic !!!", "Bearer em9lOmE=", "Basic em9l", "Basic /////w=="] {
            assert!(basic_credentials(bad).is_none(), "{bad}");
        }
    }
}
