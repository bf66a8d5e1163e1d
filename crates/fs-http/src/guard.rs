//! Checks whether a request meets the requirements of a route.

use bytes::Bytes;
use fs_core::authn::{Authentication, Mechanism};
use fs_core::authz::{CsrfUse, Requirement, Who};
use fs_core::freshness::{self, Freshness, FreshnessFacts, FreshnessRule};
use http::Response;

use crate::credentials::USUAL;
use crate::exchange::Exchange;
use crate::refusal::Refusal;

impl Exchange {
    /// Returns the user of the request if it meets the requirement. `None` is an admitted
    /// unauthenticated request.
    ///
    /// # Errors
    ///
    /// Returns the answer to send instead: 401, 403, or a redirect to sign in or to verify the
    /// identity again.
    pub async fn authorize(
        &self,
        requirement: &Requirement,
    ) -> Result<Option<Authentication>, Box<Response<Bytes>>> {
        self.check(requirement).await.map_err(|refusal| Box::new(self.refuse(&refusal)))
    }

    /// Returns the user of the request if it meets the requirement, for handlers that need a user.
    ///
    /// # Errors
    ///
    /// Returns the [`Refusal`] if the requirement is not met. A requirement that admits only
    /// unauthenticated requests is never met here.
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

    /// Returns the user of the request if it meets the requirement. Like
    /// [`authorize`](Self::authorize), but with the reason instead of the answer, for adapters.
    ///
    /// The order is fixed: authentication, freshness, CSRF, roles and permissions.
    ///
    /// # Errors
    ///
    /// Returns the [`Refusal`] if the requirement is not met. [`refuse`](Self::refuse) makes the
    /// answer of it.
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
            Who::SignedIn => Some(self.authenticate_for(requirement).await?),
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

    async fn authenticate_for(&self, requirement: &Requirement) -> Result<Authentication, Refusal> {
        if requirement.redirects_always() {
            return self.current().await?.ok_or(Refusal::SignInFirst);
        }
        let caller = self.authenticate(requirement.mechanisms()).await?;
        caller.ok_or_else(|| unauthenticated(requirement))
    }

    async fn require_fresh(
        &self,
        rule: &FreshnessRule,
        caller: &Authentication,
    ) -> Result<(), Refusal> {
        // This comes first: it may restore a remembered browser, whose session is not fresh.
        let is_theirs = self.owns_session(caller).await?;
        let sign_in = self.with_session(|session| session.sign_in().cloned());
        let of_session = sign_in.filter(|sign_in| is_theirs && sign_in.user == caller.user.id);
        let facts = FreshnessFacts {
            authenticated_at: of_session.as_ref().and_then(|sign_in| sign_in.authenticated_at),
            grace_until: of_session.as_ref().and_then(|sign_in| sign_in.grace_until),
            exempt: caller.mechanism == Mechanism::Basic,
        };
        let (verdict, grace_until) = freshness::check(self.context().now, &facts, rule);
        if let Some(until) = grace_until {
            self.with_session(|session| session.set_grace(until));
        }
        match verdict {
            Freshness::Fresh => Ok(()),
            Freshness::Stale => {
                let age = facts.authenticated_at.map(|at| self.context().now.since(at));
                Err(Refusal::NotFresh { rule: *rule, age })
            }
        }
    }
}

fn unauthenticated(requirement: &Requirement) -> Refusal {
    Refusal::Unauthenticated {
        mechanisms: requirement.mechanisms().unwrap_or(&USUAL).to_vec(),
        realm: requirement.realm_name().map(str::to_owned),
    }
}
