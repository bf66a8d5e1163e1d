//! Counting attempts to sign in.

use std::time::Duration;

use super::FlowError;
use super::limits::network;
use crate::limit::{Network, Quota, Stranger};
use crate::model::User;
use crate::port::Change;
use crate::security::{Context, Security};

/// What an attempt to sign in counts.
pub(super) struct SignInQuota {
    /// At the password.
    pub(super) password: Quota,
    /// At codes.
    pub(super) code: Quota,
    /// Where a count is full that spares owners.
    pub(super) beyond: Quota,
    /// Whether the account's owner signed in from the same network lately.
    pub(super) at_home: bool,
}

impl SignInQuota {
    /// What an attempt of somebody who is signed in counts.
    pub(super) fn of_signed_in(password: Quota, code: Quota) -> Self {
        Self { password, code, beyond: Quota::default(), at_home: false }
    }

    /// An attempt that cannot be a code.
    pub(super) fn without_code(self) -> Self {
        Self { code: Quota::default(), ..self }
    }

    /// An attempt that cannot be a password.
    pub(super) fn without_password(self) -> Self {
        Self { password: Quota::default(), ..self }
    }
}

/// An attempt to sign in that was counted.
pub(super) struct CountedSignIn {
    password: Quota,
    code: Quota,
    beyond: Quota,
    at_home: bool,
    /// How long everybody waits but for an owner at home: a count is full that spares owners.
    full: Option<Duration>,
}

impl CountedSignIn {
    /// All that was counted.
    pub(super) fn all(&self) -> Quota {
        self.password.clone().and(self.code.clone()).and(self.beyond.clone())
    }

    /// What was counted at codes.
    pub(super) fn code(&self) -> &Quota {
        &self.code
    }

    /// What a right password changes.
    pub(super) fn by_password(&self) -> Vec<Change> {
        [self.password.success(), self.code.take_back(), self.beyond.take_back()].concat()
    }

    /// What a right code changes.
    pub(super) fn by_code(&self) -> Vec<Change> {
        [self.password.take_back(), self.code.success(), self.beyond.take_back()].concat()
    }

    /// Decides whether an attempt is answered by what came of it. `right` says whether the
    /// credential was right.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] where a count is full, unless an owner at home gave the right
    /// credential. The answer is the same for all others, so it tells nothing.
    pub(super) fn judge(&self, right: bool) -> Result<(), FlowError> {
        match self.full {
            Some(wait) if !(right && self.at_home) => Err(FlowError::TooMany(wait)),
            _ => Ok(()),
        }
    }
}

impl Security {
    /// What somebody counts who is not signed in, typed `identity`, and means `user` by it, if
    /// there is such an account.
    pub(super) fn sign_in_quota(
        &self,
        ctx: &Context,
        identity: &str,
        user: Option<&User>,
    ) -> SignInQuota {
        let network = network(ctx);
        let at_home = network.as_ref().is_some_and(|network| {
            let sign_ins = user.map(|user| &user.sign_ins);
            let known = sign_ins.map(|known| [&known.current_ip, &known.last_ip]);
            known.into_iter().flatten().flatten().any(|ip| Network::of(ip) == *network)
        });
        let identity = self.one_spelling(identity);
        let who = Stranger { identity: &identity, network: network.as_ref() };
        let (names, passwords) = (self.counters(), &self.limits().passwords);
        let beyond = network.as_ref().map(|network| passwords.beyond(names, network));
        SignInQuota {
            password: passwords.stranger(names, &who),
            code: self.limits().codes.stranger(names, &who),
            beyond: beyond.unwrap_or_default(),
            at_home,
        }
    }

    /// Counts an attempt to sign in. Where a count is full that spares owners, the credential is
    /// compared all the same: [`CountedSignIn::judge`] says for whom that makes a difference.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if the credential must not be compared.
    pub(super) async fn count_sign_in(
        &self,
        ctx: &Context,
        attempt: SignInQuota,
        user: Option<&User>,
    ) -> Result<CountedSignIn, FlowError> {
        let SignInQuota { password, code, beyond, at_home } = attempt;
        let all = password.clone().and(code.clone());
        let full = match self.try_count(ctx, &all, user).await? {
            None => {
                let beyond = Quota::default();
                return Ok(CountedSignIn { password, code, beyond, at_home, full: None });
            }
            Some(full) => full,
        };
        let (password, code) = (password.of_everybody(), code.of_everybody());
        let rest = password.clone().and(code.clone()).and(beyond.clone());
        if !full.spares_owner || rest.is_empty() {
            return Err(FlowError::TooMany(full.wait));
        }
        self.count(ctx, &rest, user).await?;
        Ok(CountedSignIn { password, code, beyond, at_home, full: Some(full.wait) })
    }
}
