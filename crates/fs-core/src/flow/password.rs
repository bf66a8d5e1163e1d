//! Comparing a typed password with that of an account, and checking a new one against the rules.

use std::sync::Arc;

use super::groups::AccountFlows;
use super::{FlowError, Problem};
use crate::context::Context;
use crate::limit::Quota;
use crate::message::{Message, MessageKey};
use crate::model::{PasswordHash, User, UserField};
use crate::password::{BreachFinding, BreachQuery, HashLane};
use crate::port::{Change, CommitError};
use crate::secret::Secret;
use crate::security::Security;

/// New password that fulfils the rules, normalized.
#[derive(Debug)]
pub struct ValidPassword(pub(crate) Secret);

/// Result of comparing a typed password with that of an account.
pub(super) struct PasswordCheck {
    /// Whether the password is right.
    pub(super) matched: bool,
    /// Spelling to hash, if the stored hash must be replaced.
    renew: Option<Secret>,
    /// Hashing lane for the new hash.
    lane: HashLane,
}

/// Password attempt that was counted.
pub(super) struct Attempt<'a> {
    /// Hashing lane of the comparison.
    pub(super) lane: HashLane,
    /// Rate limits that were charged.
    pub(super) quota: &'a Quota,
}

/// Result of checking a new password.
#[derive(Debug)]
#[must_use]
pub enum NewPasswordCheck {
    /// The password meets the rules.
    Accepted(ValidPassword),
    /// The password was refused, with its problems.
    Refused(Vec<Problem>),
}

impl NewPasswordCheck {
    /// Checks whether the password was accepted.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

impl AccountFlows<'_> {
    /// Checks whether `typed` is the user's password (Flask-Security's
    /// `verify_and_update_password`). Replaces an outdated hash, in the database and in `user`.
    ///
    /// This is a comparison only: it signs nobody in, asks for no second factor, charges no rate
    /// limit and emits no event. To sign a user in, use
    /// [`with_password`](crate::flow::SignInFlows::with_password).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] or [`FlowError::HashPool`] if the hashing threads cannot do the
    /// work, and [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError, model::User, secret::Secret};
    /// # async fn example(
    /// #     security: Security, mut user: User, typed: Secret,
    /// # ) -> Result<(), FlowError> {
    /// if !security.accounts().verify_and_update_password(&mut user, &typed).await? {
    ///     println!("wrong password");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify_and_update_password(
        self,
        user: &mut User,
        typed: &Secret,
    ) -> Result<bool, FlowError> {
        let lane = HashLane::of(None, user.id.as_str());
        let attempt = Attempt { lane, quota: &Quota::default() };
        let check = self.core.check_password(attempt, Some(user), typed).await?;
        if !check.matched {
            return Ok(false);
        }
        let Some(hash) = self.core.renewed(check).await else {
            return Ok(true);
        };
        let before = UserField::Password(user.password.clone());
        let set = vec![UserField::Password(Some(hash.clone()))];
        let change = Change::UpdateUser { user: user.id.clone(), expect: vec![before], set };
        match self.core.store().commit(change.into()).await {
            Ok(_) => {
                user.password = Some(hash);
                Ok(true)
            }
            // The password changed at the same time.
            Err(CommitError::Stale(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Normalizes a new password and checks it against the rules: length, breaches, complexity.
    /// `words` are what an attacker would try first: the address, the name, the product.
    ///
    /// Estimating the strength takes as long as a hash, and runs on the hashing threads.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] or [`FlowError::HashPool`] if the hashing threads cannot do the
    /// work.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError, secret::Secret};
    /// # async fn example(security: Security, typed: Secret) -> Result<(), FlowError> {
    /// use fs_core::flow::NewPasswordCheck;
    ///
    /// match security.accounts().check_new_password("password", &typed, &["ann@example.com"]).await? {
    ///     NewPasswordCheck::Accepted(valid) => println!("{valid:?} may be used"),
    ///     NewPasswordCheck::Refused(problems) => println!("{problems:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_new_password(
        self,
        field: &'static str,
        typed: &Secret,
        words: &[&str],
    ) -> Result<NewPasswordCheck, FlowError> {
        let lane = HashLane::application();
        Ok(match self.core.check_new_password_in(lane, field, typed, words).await? {
            Ok(valid) => NewPasswordCheck::Accepted(valid),
            Err(problems) => NewPasswordCheck::Refused(problems),
        })
    }
}

impl Security {
    /// Compares a typed password with the account's hash, and does the same work if there is no
    /// account or no hash.
    ///
    /// Flask-Security normalizes passwords to another Unicode form before it hashes them. If the
    /// two forms of the typed text differ, both are compared. Whether they differ depends on the
    /// configuration and the typed text only, so the time reveals nothing about the account. It
    /// need not be known which hashes were imported.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] if the comparison was refused; then the attempt is not counted.
    pub(super) async fn check_password(
        &self,
        attempt: Attempt<'_>,
        user: Option<&User>,
        typed: &Secret,
    ) -> Result<PasswordCheck, FlowError> {
        let Attempt { lane, quota } = attempt;
        let stored = user.and_then(|user| user.password.clone());
        let spelled = self.read_password(typed);
        let Some(imported) = self.config().password.imported_spelling(typed.expose()) else {
            let verified = self.verify_in(lane.clone(), spelled.clone(), stored).await;
            let verified = self.or_uncount(quota, verified).await?;
            let renew = (verified.matched && verified.outdated).then_some(spelled);
            return Ok(PasswordCheck { matched: verified.matched, renew, lane });
        };
        let spellings = [spelled.clone(), imported.clone()];
        let verified = self.verify_both_in(lane.clone(), spellings, stored).await;
        let [first, second] = self.or_uncount(quota, verified).await?;
        // Rehash with our Unicode form only if both forms are of one text. Two texts that merely
        // look alike stay two passwords.
        let same_text = self.read_password(&imported) == spelled;
        let renew = match (first.matched, second.matched, same_text) {
            (true, ..) => first.outdated.then_some(spelled),
            (false, true, true) => Some(spelled),
            (false, true, false) => second.outdated.then_some(imported),
            (false, false, _) => None,
        };
        Ok(PasswordCheck { matched: first.matched || second.matched, renew, lane })
    }

    /// Returns the hash that replaces an outdated one. Returns `None` if hashing fails now: that is
    /// no reason to refuse a right password.
    pub(super) async fn renewed(&self, check: PasswordCheck) -> Option<PasswordHash> {
        match check.renew {
            Some(spelling) => self.hash_in(check.lane, spelling).await.ok(),
            None => None,
        }
    }

    /// Checks a new password of `user` and hashes it, in the hashing lane of the client. Charge the
    /// rate limit `counted` first: both take time.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Busy`] if the work was refused; then the password is not counted.
    pub(super) async fn hash_new_password(
        &self,
        ctx: &Context,
        field: &'static str,
        user: &User,
        typed: &Secret,
        counted: &Quota,
    ) -> Result<Result<PasswordHash, Vec<Problem>>, FlowError> {
        let lane = self.lane(ctx, user.id.as_str());
        let words = user.words();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let hash = async {
            match self.check_new_password_in(lane.clone(), field, typed, &words).await? {
                Ok(ValidPassword(password)) => Ok(Ok(self.hash_in(lane, password).await?)),
                Err(problems) => Ok(Err(problems)),
            }
        };
        self.or_uncount(counted, hash.await).await
    }

    /// Checks a new password in the given hashing lane.
    pub(super) async fn check_new_password_in(
        &self,
        lane: HashLane,
        field: &'static str,
        typed: &Secret,
        words: &[&str],
    ) -> Result<Result<ValidPassword, Vec<Problem>>, FlowError> {
        let rules = self.config().password.clone();
        let normalised = self.read_password(typed);
        if normalised.expose().contains('\0') {
            return Ok(Err(vec![Problem::new(field, MessageKey::InvalidInput)]));
        }
        if let Some(limit) = self.config().hashing.limit_of(&normalised) {
            let too_long = Message::new(MessageKey::PasswordTooManyBytes).with("max", limit);
            return Ok(Err(vec![Problem::new(field, too_long)]));
        }
        let breached = match &self.ports().breaches {
            Some(checker) if rules.asks_breach_list(&normalised) => {
                BreachQuery::ask(&**checker, &normalised).await
            }
            _ => BreachFinding::NotAsked,
        };
        let reader = Arc::clone(&self.config().readers.password);
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let password = normalised.clone();
        let judge = move || {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            reader.validate(&rules, &password, &words, breached)
        };
        Ok(match self.run_slow(lane, 1, judge).await? {
            Ok(()) => Ok(ValidPassword(normalised)),
            Err(wrong) => Err(wrong.into_iter().map(|wrong| Problem::new(field, wrong)).collect()),
        })
    }
}
