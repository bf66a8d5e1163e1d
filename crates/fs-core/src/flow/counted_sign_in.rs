//! Rate limits of sign-in attempts.

use std::time::Duration;

use super::FlowError;
use super::limits::{network, place};
use crate::context::Context;
use crate::limit::{Place, Quota, Stranger};
use crate::model::User;
use crate::port::Change;
use crate::security::Security;

/// Rate limits charged to a sign-in attempt.
pub(super) struct SignInQuota {
    /// Limits of password attempts.
    pub(super) password: Quota,
    /// Limits of code attempts.
    pub(super) code: Quota,
    /// Limits charged instead if a limit is reached that exempts account owners.
    pub(super) beyond: Quota,
}

impl SignInQuota {
    /// Creates the limits of an attempt by a signed-in user.
    pub(super) fn of_signed_in(password: Quota, code: Quota) -> Self {
        Self { password, code, beyond: Quota::default() }
    }

    /// Removes the limits of code attempts, if the input cannot be a code.
    pub(super) fn without_code(self) -> Self {
        Self { code: Quota::default(), ..self }
    }

    /// Removes the limits of password attempts, if the input cannot be a password.
    pub(super) fn without_password(self) -> Self {
        Self { password: Quota::default(), ..self }
    }
}

/// Sign-in attempt that was counted.
pub(super) struct CountedSignIn {
    password: Quota,
    code: Quota,
    beyond: Quota,
    /// Whether the user of the account signed in from the same network recently.
    at_home: bool,
    /// Maximum time to wait, for everybody but an owner at home. Set if a limit is reached that
    /// exempts account owners.
    full: Option<Duration>,
}

impl CountedSignIn {
    /// Returns all limits that were charged.
    pub(super) fn all(&self) -> Quota {
        self.password.clone().and(self.code.clone()).and(self.beyond.clone())
    }

    /// Returns the limits of code attempts that were charged.
    pub(super) fn code(&self) -> &Quota {
        &self.code
    }

    /// Returns the changes to the counts after a right password.
    pub(super) fn by_password(&self) -> Vec<Change> {
        [self.password.success(), self.code.take_back(), self.beyond.take_back()].concat()
    }

    /// Returns the changes to the counts after a right code.
    pub(super) fn by_code(&self) -> Vec<Change> {
        [self.password.take_back(), self.code.success(), self.beyond.take_back()].concat()
    }

    /// Notes the account that was found for the attempt.
    pub(super) fn found(&mut self, ctx: &Context, user: Option<&User>) {
        self.at_home = place(ctx, user) == Place::Known;
    }

    /// Decides whether the result of an attempt may be used. `right` is whether the credential was
    /// right.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a limit is reached, unless an owner at home gave the right
    /// credential. Everybody else gets the same answer, so it reveals nothing.
    pub(super) fn judge(&self, right: bool) -> Result<(), FlowError> {
        match self.full {
            Some(wait) if !(right && self.at_home) => Err(FlowError::TooMany(wait)),
            _ => Ok(()),
        }
    }
}

impl Security {
    /// Returns the rate limits charged to an unauthenticated attempt, by the typed identity and the
    /// network of the client.
    pub(super) fn sign_in_quota(&self, ctx: &Context, identity: &str) -> SignInQuota {
        let network = network(ctx);
        let identity = self.one_spelling(identity);
        let who = Stranger { identity: &identity, network: network.as_ref() };
        let (names, passwords) = (self.counters(), &self.limits().passwords);
        let beyond = network.as_ref().map(|network| passwords.beyond(names, network));
        SignInQuota {
            password: passwords.stranger(names, &who),
            code: self.limits().codes.stranger(names, &who),
            beyond: beyond.unwrap_or_default(),
        }
    }

    /// Counts a sign-in attempt. If a limit is reached that exempts account owners, the credential
    /// is still compared, and [`CountedSignIn::judge`] decides whether the result may be used.
    ///
    /// Of an unauthenticated attempt, count before the account is looked up: otherwise attempts that
    /// are refused, which nothing limits, would measure that look-up.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the credential must not be compared, and other errors if
    /// the database fails.
    pub(super) async fn count_sign_in(
        &self,
        ctx: &Context,
        attempt: SignInQuota,
        user: Option<&User>,
    ) -> Result<CountedSignIn, FlowError> {
        let SignInQuota { password, code, beyond } = attempt;
        let all = password.clone().and(code.clone());
        let full = match self.try_count(ctx, &all, user).await? {
            None => {
                let beyond = Quota::default();
                return Ok(CountedSignIn { password, code, beyond, at_home: false, full: None });
            }
            Some(full) => full,
        };
        let (password, code) = (password.of_everybody(), code.of_everybody());
        let rest = password.clone().and(code.clone()).and(beyond.clone());
        if !full.spares_owner || rest.is_empty() {
            return Err(FlowError::TooMany(full.wait));
        }
        self.count(ctx, &rest, user).await?;
        Ok(CountedSignIn { password, code, beyond, at_home: false, full: Some(full.wait) })
    }
}
