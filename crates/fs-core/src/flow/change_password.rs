//! Changing the password while signed in.

use std::sync::Arc;

use super::establish::{Clearance, Prepared, Remember};
use super::groups::AccountFlows;
use super::holder::Holder;
use super::password::Attempt;
use super::remember::AtHand;
use super::sign_out::forget;
use super::{FlowError, Problem, RememberChange};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::PasswordChooser;
use crate::message::MessageKey;
use crate::model::User;
use crate::port::{Batch, Change, CommitError, Guard};
use crate::secret::Secret;
use crate::session::Session;

/// New password, typed twice.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewPassword {
    /// Password, as typed first.
    pub password: Secret,
    /// Password, as typed again. `None` if the form asks once.
    pub repeated: Option<Secret>,
}

impl NewPassword {
    /// Creates the input. `repeated` is `None` if the form asks once.
    pub fn new(password: Secret, repeated: Option<Secret>) -> Self {
        Self { password, repeated }
    }
}

/// Maximum number of attempts to commit while the session or the remembered browser changes.
const TRIES: usize = 3;

/// Outcome of a password change.
#[derive(Debug)]
#[must_use]
pub enum ChangeOutcome {
    /// The password is changed. All other sessions of the account are revoked; this one continues
    /// if it is the user's.
    Done {
        /// User with the new password.
        user: Arc<User>,
        /// Change of the remember cookie.
        remember: RememberChange,
    },
    /// The input is invalid. The password is unchanged.
    Refused(Vec<Problem>),
}

impl NewPassword {
    /// Returns the password, if it was typed and its repetition is the same.
    pub(super) fn check(
        self,
        field: &'static str,
        repeated_field: &'static str,
    ) -> Result<Secret, Vec<Problem>> {
        let missing = |text: &Secret| text.expose().trim().is_empty();
        let mut problems = Vec::new();
        if missing(&self.password) {
            problems.push(Problem::new(field, MessageKey::PasswordNotProvided));
        }
        match &self.repeated {
            Some(repeated) if missing(repeated) => {
                problems.push(Problem::new(repeated_field, MessageKey::PasswordNotProvided));
            }
            Some(repeated) if *repeated != self.password => {
                problems.push(Problem::new(repeated_field, MessageKey::RetypePasswordMismatch));
            }
            _ => {}
        }
        if problems.is_empty() { Ok(self.password) } else { Err(problems) }
    }
}

impl AccountFlows<'_> {
    /// Changes the password of `user`, which revokes every session of the account. If the session
    /// is the user's, it continues under a new id; otherwise it stays as it is.
    ///
    /// `remember_cookie` is the remember cookie of the request. If it belongs to the user, it is
    /// replaced as well.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong passwords were typed, [`FlowError::Busy`]
    /// if the hashing threads are busy, [`FlowError::Contended`] if concurrent changes prevented
    /// the commit repeatedly, and an [error of a port](FlowError#errors-of-ports) if one fails. The
    /// password is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # use fs_core::{model::User, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User, current: Secret,
    /// #     new: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{ChangeOutcome, NewPassword};
    ///
    /// let new = NewPassword::new(new, None);
    /// match security.accounts().change_password(&ctx, &mut session, &user, &current, new, None).await? {
    ///     ChangeOutcome::Done { user, .. } => println!("{} has a new password", user.email),
    ///     ChangeOutcome::Refused(problems) => println!("{problems:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change_password(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        current: &Secret,
        new: NewPassword,
        remember_cookie: Option<&str>,
    ) -> Result<ChangeOutcome, FlowError> {
        let mut problems = Vec::new();
        if current.expose().trim().is_empty() {
            problems.push(Problem::new("password", MessageKey::PasswordNotProvided));
        }
        let new = match new.check("new_password", "new_password_confirm") {
            Ok(new) if problems.is_empty() => new,
            Ok(_) => return Ok(ChangeOutcome::Refused(problems)),
            Err(more) => {
                problems.extend(more);
                return Ok(ChangeOutcome::Refused(problems));
            }
        };
        let quota = self.core.signed_in_quota(ctx, user);
        self.core.count(ctx, &quota, Some(user)).await?;
        let lane = self.core.lane(ctx, user.id.as_str());
        let attempt = Attempt { lane: lane.clone(), quota: &quota };
        let check = self.core.check_password(attempt, Some(user), current).await?;
        let refused = |key| Ok(ChangeOutcome::Refused(vec![Problem::new("password", key)]));
        if !check.matched {
            let (user, reason) = (Some(Subject::of(user)), "wrong_password");
            self.core.emit(ctx, Event::AuthenticationFailed { user, reason });
            return refused(MessageKey::InvalidPassword);
        }
        if self.core.read_password(current) == self.core.read_password(&new) {
            self.core.settle(quota.success()).await?;
            return refused(MessageKey::PasswordIsTheSame);
        }
        // The attempt at the current password is settled. The new password has a limit of its own.
        let of_new = self.core.new_password_quota(user, PasswordChooser::SignedIn);
        let batch = quota.success().into_iter().fold(Batch::new(), Batch::and);
        self.core.commit_counted(ctx, batch, &of_new, Some(user)).await?;
        let hash =
            match self.core.hash_new_password(ctx, "new_password", user, &new, &of_new).await? {
                Ok(hash) => hash,
                Err(problems) => return Ok(ChangeOutcome::Refused(problems)),
            };
        // A caller with a token or HTTP Basic credentials has no session that could continue.
        let mut goes_on =
            session.is_of(user) && self.core.is_session_of(ctx, session, user).await?;
        let had_session = goes_on;
        let tracked = self
            .core
            .config()
            .password_change
            .as_ref()
            .is_some_and(|rules| rules.counts_as_sign_in);
        let before = user;
        let mut last = None;
        for _ in 0..TRIES {
            let at_hand = self.core.remembered_as(ctx, before, remember_cookie).await?;
            let ended = session.sign_in().filter(|_| goes_on).map(|before| before.id.key());
            let remember = match &at_hand {
                Some(at_hand) => at_hand.heir().map_or(Remember::Yes, Remember::Again),
                None => Remember::No,
            };
            let mut user = before.clone();
            let replaced = ended.map(Change::EndLiveSession);
            let replaced = replaced.into_iter().chain(at_hand.as_ref().and_then(AtHand::end));
            let mut batch =
                self.core.replace_password(ctx, &mut user, hash.clone(), tracked, replaced)?;
            of_new.success().into_iter().for_each(|change| batch.push(change));
            let prepared = goes_on.then(|| {
                let clearance = Clearance::by_session(&user);
                self.core.prepare_session(ctx, session, Holder::of(&user), remember, clearance)
            });
            let prepared = prepared.transpose()?;
            let changes = prepared.iter().flat_map(Prepared::changes);
            changes.for_each(|change| batch.push(change));
            self.core.notify_of_password(ctx, &mut batch, before)?;
            match self.core.commit_change(ctx, batch, before).await {
                Ok(()) => {}
                // The remembered browser was revoked, or another tab used its cookie, at the same
                // time.
                Err(FlowError::Contended(CommitError::Stale(guard @ Guard::Credential(_)))) => {
                    last = Some(guard);
                    continue;
                }
                // Another tab signed out, or made the session fresh. The password is changed
                // anyway, and the browser is signed out.
                Err(FlowError::Contended(CommitError::Stale(guard @ Guard::Session))) => {
                    goes_on = false;
                    last = Some(guard);
                    continue;
                }
                // The password was replaced, or the user signed out everywhere.
                Err(FlowError::Contended(CommitError::Stale(_))) => {
                    return refused(MessageKey::InvalidPassword);
                }
                Err(error) => return Err(error),
            }
            self.core.mail_waits();
            let remember = match prepared {
                Some(prepared) => prepared.settle(self.core, ctx, session, &user).await?,
                None => {
                    if had_session {
                        forget(session);
                    }
                    RememberChange::Keep
                }
            };
            self.core.emit(ctx, Event::PasswordChanged { user: Subject::of(&user) });
            return Ok(ChangeOutcome::Done { user: Arc::new(user), remember });
        }
        Err(FlowError::Contended(CommitError::Stale(last.unwrap_or(Guard::Session))))
    }
}
