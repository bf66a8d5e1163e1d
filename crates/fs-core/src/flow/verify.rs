//! Re-authentication of a signed-in user.

use super::groups::SessionFlows;
use super::password::Attempt;
use super::{FlowError, Problem};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::message::MessageKey;
use crate::model::{CredentialKey, SessionKind, User, UserField};
use crate::port::{Batch, Change, CommitError};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::{Session, SessionSignIn};

/// Factor by which a session is renewed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// Password or passcode.
    FirstFactor,
    /// Second factor or recovery code.
    SecondFactor,
}

/// Outcome of a re-authentication.
#[derive(Debug)]
#[must_use]
pub enum VerifyOutcome {
    /// The session is fresh again.
    Done,
    /// The credential is wrong. The session is unchanged.
    Refused(Problem),
}

impl SessionFlows<'_> {
    /// Makes the session of `user` fresh again with the password. The session gets a new id, so
    /// that an older copy of it does not become fresh as well. A session of another user is not
    /// changed.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong passwords were typed, [`FlowError::Busy`]
    /// if the hashing threads are busy, and an [error of a port](FlowError#errors-of-ports) if one
    /// fails. The session is not fresh.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # use fs_core::{model::User, secret::Secret, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// #     password: Secret,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::VerifyOutcome;
    ///
    /// match security.sessions().verify(&ctx, &mut session, &user, &password).await? {
    ///     VerifyOutcome::Done => println!("fresh"),
    ///     VerifyOutcome::Refused(problem) => println!("{problem:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(
        self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        password: &Secret,
    ) -> Result<VerifyOutcome, FlowError> {
        let quota = self.core.signed_in_quota(ctx, user);
        self.core.count(ctx, &quota, Some(user)).await?;
        let attempt = Attempt { lane: self.core.lane(ctx, user.id.as_str()), quota: &quota };
        let check = self.core.check_password(attempt, Some(user), password).await?;
        if !check.matched {
            let (user, reason) = (Some(Subject::of(user)), "wrong_password");
            self.core.emit(ctx, Event::AuthenticationFailed { user, reason });
            let wrong = Problem::new("password", MessageKey::InvalidPassword);
            return Ok(VerifyOutcome::Refused(wrong));
        }
        let renewed = self.core.renewed(check).await;
        let set = renewed.map(|hash| UserField::Password(Some(hash))).into_iter().collect();
        Ok(
            match self
                .core
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
}

impl Security {
    /// Renews the session of `user` under a new id, and commits `with` in the same batch. Returns
    /// `false` if the account or the session changed at the same time, or if the code was used
    /// before.
    pub(super) async fn renew_session(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        renewal: Renewal,
        set: Vec<UserField>,
        with: Vec<Change>,
    ) -> Result<bool, FlowError> {
        // The session may have been ended while the password was compared.
        if session.is_of(user) && !self.is_session_of(ctx, session, user).await? {
            return Ok(false);
        }
        let kind = SessionKind::SignIn;
        let expires_at = ctx.now.plus(self.config().sessions.lifetime);
        let (id, mut record) = self.session_record(ctx, kind, &user.uniquifier, expires_at)?;
        let before = session.sign_in().filter(|before| before.user == user.id);
        // Re-authentication does not extend the lifetime of the session.
        if let Some(end) = before.and_then(|before| before.until) {
            record.expires_at = record.expires_at.min(end);
        }
        let parent = before.and_then(|before| before.parent.clone());
        record.parent = Some(parent.unwrap_or_else(|| CredentialKey::of_sign_in(&record.key)));
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
        // The session of another user stays as it is.
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
