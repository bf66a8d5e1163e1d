//! Holding a typed password against an account, and a new one against the rules.

use std::sync::Arc;

use super::{FlowError, Problem};
use crate::limit::Quota;
use crate::message::{Message, MessageKey};
use crate::model::{PasswordHash, User, UserField};
use crate::password::{BreachFinding, BreachQuery, HashLane};
use crate::port::{Change, CommitError};
use crate::secret::Secret;
use crate::security::{Context, Security};

/// A new password that fulfils the rules, normalised.
#[derive(Debug)]
pub struct ValidPassword(pub(crate) Secret);

/// What came of holding a typed password against an account.
pub(super) struct PasswordCheck {
    /// Whether it is the account's.
    pub(super) matched: bool,
    /// The spelling that the stored hash is to be replaced by a hash of.
    renew: Option<Secret>,
    /// Where a new hash is made.
    lane: HashLane,
}

/// An attempt at a password that was counted.
pub(super) struct Attempt<'a> {
    /// Where it waits to be compared.
    pub(super) lane: HashLane,
    /// What it counted.
    pub(super) quota: &'a Quota,
}

impl Security {
    /// Whether `typed` is the user's password (Flask-Security's `verify_and_update_password`). A
    /// hash that is outdated is replaced; the user in hand gets the new one as well.
    ///
    /// That is all: nobody is signed in, no second factor is asked for, no attempt is counted, and
    /// no event tells of it. To sign somebody in, use [`sign_in`](Self::sign_in).
    ///
    /// # Errors
    ///
    /// Nothing was decided.
    pub async fn verify_and_update_password(
        &self,
        user: &mut User,
        typed: &Secret,
    ) -> Result<bool, FlowError> {
        let lane = HashLane::of(None, user.id.as_str());
        let attempt = Attempt { lane, quota: &Quota::default() };
        let check = self.check_password(attempt, Some(user), typed).await?;
        if !check.matched {
            return Ok(false);
        }
        let Some(hash) = self.renewed(check).await else {
            return Ok(true);
        };
        let before = UserField::Password(user.password.clone());
        let set = vec![UserField::Password(Some(hash.clone()))];
        let change = Change::UpdateUser { user: user.id.clone(), expect: vec![before], set };
        match self.store().commit(change.into()).await {
            Ok(_) => {
                user.password = Some(hash);
                Ok(true)
            }
            // It was the password until a moment ago.
            Err(CommitError::Stale(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares a typed password with the account's hash, and does the same work where there is no
    /// account or no hash.
    ///
    /// Flask-Security spells passwords in another Unicode form before it hashes them. So where the
    /// two spellings of what was typed differ, both are compared. Whether there is a second depends
    /// on the configuration and on what was typed, so that its time tells nothing of the account.
    /// Which hashes were taken over need not be known.
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
        // Two texts that only look alike stay two passwords: the hash goes over to our spelling
        // where both spellings are of one text.
        let same_text = self.read_password(&imported) == spelled;
        let renew = match (first.matched, second.matched, same_text) {
            (true, ..) => first.outdated.then_some(spelled),
            (false, true, true) => Some(spelled),
            (false, true, false) => second.outdated.then_some(imported),
            (false, false, _) => None,
        };
        Ok(PasswordCheck { matched: first.matched || second.matched, renew, lane })
    }

    /// The hash to store after a check, where the stored one is outdated. A right password is not
    /// refused because its hash cannot be renewed now.
    pub(super) async fn renewed(&self, check: PasswordCheck) -> Option<PasswordHash> {
        match check.renew {
            Some(spelling) => self.hash_in(check.lane, spelling).await.ok(),
            None => None,
        }
    }

    /// Normalises a new password and holds it against the rules: length, breaches, complexity.
    /// `words` are what an attacker would try first: the address, the name, the product.
    ///
    /// How easily one is guessed takes as long as a hash, and is worked out on the same threads.
    ///
    /// # Errors
    ///
    /// The outer error means that no answer was found; the inner one holds what is wrong.
    pub async fn check_new_password(
        &self,
        field: &'static str,
        typed: &Secret,
        words: &[&str],
    ) -> Result<Result<ValidPassword, Vec<Problem>>, FlowError> {
        self.check_new_password_in(HashLane::application(), field, typed, words).await
    }

    /// Checks a new password of `user` and hashes it, in the lane of whoever chose it. Count it
    /// first: both take time.
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
        self.or_uncount(&self.new_password_quota(user), hash.await).await
    }

    /// Checks a new password in the lane of whoever chose it.
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
