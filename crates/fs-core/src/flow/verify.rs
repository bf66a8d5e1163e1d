//! Proving again who one is (re-authentication).

use super::password::Attempt;
use super::{FlowError, Problem};
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{SessionKind, User, UserField};
use crate::port::{Batch, Change, CommitError};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::{Session, SessionSignIn};

/// What was given to make a session fresh again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// The password, or a passcode.
    FirstFactor,
    /// The second factor, or a recovery code.
    SecondFactor,
}

/// What came of it.
#[derive(Debug)]
#[must_use]
pub enum VerifyOutcome {
    /// The session is fresh again.
    Done,
    /// The password was not right.
    Refused(Problem),
}

impl Security {
    /// Makes the session of `user` fresh again with the password. The session gets a new id, so
    /// that an older copy of it does not become fresh with it. A session that is not the user's
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// Nothing was decided.
    pub async fn verify(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        password: &Secret,
    ) -> Result<VerifyOutcome, FlowError> {
        let quota = self.signed_in_quota(user);
        self.count(ctx, &quota, Some(user)).await?;
        let attempt = Attempt { lane: self.lane(ctx, user.id.as_str()), quota: &quota };
        let check = self.check_password(attempt, Some(user), password).await?;
        if !check.matched {
            let (user, reason) = (Some(Subject::of(user)), "wrong_password");
            self.emit(Event::AuthenticationFailed { user, reason });
            let wrong = Problem::new("password", MessageKey::InvalidPassword);
            return Ok(VerifyOutcome::Refused(wrong));
        }
        let renewed = self.renewed(check).await;
        let set = renewed.map(|hash| UserField::Password(Some(hash))).into_iter().collect();
        Ok(
            match self
                .renew_session(ctx, session, user, Renewal::FirstFactor, set, quota.success())
                .await?
            {
                true => VerifyOutcome::Done,
                false => {
                    VerifyOutcome::Refused(Problem::new("password", MessageKey::InvalidPassword))
                }
            },
        )
    }

    /// Makes the session of `user` fresh, under a new id; false when the account changed at the
    /// same moment, or the code that paid for it was used before. `with` is written with it.
    pub(super) async fn renew_session(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        renewal: Renewal,
        set: Vec<UserField>,
        with: Vec<Change>,
    ) -> Result<bool, FlowError> {
        // The comparison of a password takes a while, in which the session may have been ended.
        if session.is_of(user) && !self.is_session_of(ctx, session, user).await? {
            return Ok(false);
        }
        let kind = SessionKind::SignIn;
        let expires_at = ctx.now.plus(self.config().sessions.lifetime);
        let (id, mut record) = self.session_record(ctx, kind, &user.uniquifier, expires_at)?;
        let before = session.sign_in().filter(|before| before.user == user.id);
        // A new proof of one factor does not move its end.
        if let Some(end) = before.and_then(|before| before.until) {
            record.expires_at = record.expires_at.min(end);
        }
        record.parent = before.and_then(|before| before.parent.clone());
        let mut sign_in = SessionSignIn {
            id,
            user: user.id.clone(),
            authenticated_at: before.and_then(|before| before.authenticated_at),
            grace_until: session.sign_in().and_then(|sign_in| sign_in.grace_until),
            factor_at: before.and_then(|before| before.factor_at),
            parent: record.parent.clone(),
            until: Some(record.expires_at),
        };
        match renewal {
            Renewal::FirstFactor => sign_in.authenticated_at = Some(ctx.now),
            Renewal::SecondFactor => sign_in.factor_at = Some(ctx.now),
        }
        record.authenticated_at = sign_in.authenticated_at;
        // The session of somebody else stays as it is.
        let before =
            session.sign_in().filter(|_| session.is_of(user)).map(|before| before.id.key());
        let mut batch = Batch::from(Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![
                UserField::Active(true),
                UserField::Uniquifier(user.uniquifier.clone()),
                UserField::Password(user.password.clone()),
            ],
            set,
        });
        batch.extend(before.clone().map(Change::EndLiveSession));
        batch.extend(with);
        batch.extend(before.as_ref().map(|_| Change::InsertSession(record)));
        match self.store().commit(batch).await {
            Ok(_) => {
                if before.is_some() {
                    session.set_sign_in(Some(sign_in));
                }
                Ok(true)
            }
            Err(CommitError::Stale(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
