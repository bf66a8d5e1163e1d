//! Changing a password while signed in.

use super::establish::{Clearance, Holder, Prepared, Remember};
use super::password::Attempt;
use super::remember::AtHand;
use super::sign_out::forget;
use super::{FlowError, Problem, RememberChange};
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::User;
use crate::port::{Batch, Change, CommitError, Guard, MailKind};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Session;

/// A new password, typed twice.
#[derive(Debug)]
pub struct NewPassword {
    /// The first time.
    pub password: Secret,
    /// The second time; nothing where a form asks once.
    pub repeated: Option<Secret>,
}

/// How often a change starts over when the remembered browser changes under it.
const TRIES: usize = 3;

/// What came of a change.
#[derive(Debug)]
#[must_use]
pub enum ChangeOutcome {
    /// The password is changed. Every other session of the account has ended; this one goes on, if
    /// it is the user's.
    Done {
        /// Whose.
        user: Box<User>,
        /// What happens to the cookie of a remembered browser.
        remember: RememberChange,
    },
    /// Something is wrong with what was typed.
    Refused(Vec<Problem>),
}

impl NewPassword {
    /// The password, if it was typed and both times the same.
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

impl Security {
    /// Changes the password of `user`, which ends every session of the account. If the session is
    /// the user's, the browser is signed in anew; otherwise the session stays as it is.
    ///
    /// `remember_cookie` is the one that the browser sent. If it remembers this user, it is made anew
    /// as well.
    ///
    /// # Errors
    ///
    /// The password stays.
    pub async fn change_password(
        &self,
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
        let quota = self.signed_in_quota(user);
        self.count(ctx, &quota, Some(user)).await?;
        let lane = self.lane(ctx, user.id.as_str());
        let attempt = Attempt { lane: lane.clone(), quota: &quota };
        let check = self.check_password(attempt, Some(user), current).await?;
        let refused = |key| Ok(ChangeOutcome::Refused(vec![Problem::new("password", key)]));
        if !check.matched {
            let (user, reason) = (Some(Subject::of(user)), "wrong_password");
            self.emit(Event::AuthenticationFailed { user, reason });
            return refused(MessageKey::InvalidPassword);
        }
        if self.read_password(current) == self.read_password(&new) {
            self.settle(quota.success()).await?;
            return refused(MessageKey::PasswordIsTheSame);
        }
        // The attempt at the current password is over; the new one is counted by itself.
        let of_new = self.new_password_quota(user);
        let batch = quota.success().into_iter().fold(Batch::new(), Batch::and);
        self.commit_counted(ctx, batch, &of_new, Some(user)).await?;
        let hash = match self.hash_new_password(ctx, "new_password", user, &new).await? {
            Ok(hash) => hash,
            Err(problems) => return Ok(ChangeOutcome::Refused(problems)),
        };
        // Whoever calls by a token or with a password has no session here that could go on.
        let mut goes_on = session.is_of(user) && self.is_session_of(ctx, session, user).await?;
        let had_session = goes_on;
        let mut last = None;
        for _ in 0..TRIES {
            let at_hand = self.remembered_as(ctx, user, remember_cookie).await?;
            let ended = session.sign_in().filter(|_| goes_on).map(|before| before.id.key());
            let remember = match &at_hand {
                Some(at_hand) => at_hand.until().map_or(Remember::Yes, Remember::Until),
                None => Remember::No,
            };
            let mut user = user.clone();
            let replaced = ended.map(Change::EndLiveSession);
            let replaced = replaced.into_iter().chain(at_hand.as_ref().and_then(AtHand::end));
            let mut batch = self.replace_password(ctx, &mut user, hash.clone(), true, replaced)?;
            of_new.success().into_iter().for_each(|change| batch.push(change));
            let prepared = goes_on.then(|| {
                let clearance = Clearance::by_session(&user);
                self.prepare_session(ctx, session, Holder::of(&user), remember, clearance)
            });
            let prepared = prepared.transpose()?;
            let changes = prepared.iter().flat_map(Prepared::changes);
            changes.for_each(|change| batch.push(change));
            if self.config().password_change.as_ref().is_some_and(|rules| rules.send_notice) {
                batch.push(self.mail(ctx, &user, MailKind::ChangeNotice)?);
            }
            match self.store().commit(batch).await {
                Ok(_) => {}
                // The browser was forgotten at the same moment, or another tab used its cookie.
                Err(CommitError::Stale(guard @ Guard::Credential(_))) => {
                    last = Some(guard);
                    continue;
                }
                // Somebody signed out in another tab, or it made the session fresh: the password
                // changes all the same, and the browser is signed out.
                Err(CommitError::Stale(guard @ Guard::Session)) => {
                    goes_on = false;
                    last = Some(guard);
                    continue;
                }
                Err(CommitError::Stale(_)) => return refused(MessageKey::InvalidPassword),
                Err(error) => return Err(error.into()),
            }
            self.mail_waits();
            let remember = match prepared {
                Some(prepared) => prepared.settle(self, session, &user),
                None => {
                    if had_session {
                        forget(session);
                    }
                    RememberChange::Keep
                }
            };
            self.emit(Event::PasswordChanged { user: Subject::of(&user) });
            return Ok(ChangeOutcome::Done { user: Box::new(user), remember });
        }
        Err(FlowError::Contended(CommitError::Stale(last.unwrap_or(Guard::Session))))
    }
}
