//! Browsers that are remembered.
//!
//! In the native format the cookie names a record of its own, so that one browser can be forgotten
//! without the others. In the itsdangerous format it names the user's uniquifier, as Flask-Login's
//! does, so that both sides of a migration accept it.

use super::FlowError;
use super::authenticate::worthless;
use super::uniquifier::is_session_of;
use crate::Timestamp;
use crate::authn::Unproven;
use crate::model::{
    SessionId, SessionKey, SessionKind, SessionRecord, Uniquifier, User, UserField,
};
use crate::port::{Batch, Change, CommitError, Guard};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Visit;
use crate::token::{RememberToken, TokenFormat};

/// What is to happen to the cookie of a remembered browser.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum RememberChange {
    /// Nothing.
    Keep,
    /// It is set.
    Set {
        /// Its value: whoever has it is signed in.
        cookie: Secret,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// It is taken away.
    Clear,
}

/// A remembered browser that is about to be.
pub(super) struct NewRemembered {
    pub(super) record: Option<SessionRecord>,
    pub(super) cookie: Secret,
    pub(super) expires_at: Timestamp,
}

impl Security {
    /// Prepares a remembered browser; nothing when browsers are not remembered.
    pub(super) fn remember(
        &self,
        ctx: &Context,
        uniquifier: &Uniquifier,
    ) -> Result<Option<NewRemembered>, FlowError> {
        let Some(span) = self.config().sessions.remember else {
            return Ok(None);
        };
        let expires_at = ctx.now.plus(span);
        let (record, name) = match self.config().token_format {
            TokenFormat::Native => {
                let (id, record) =
                    self.session_record(ctx, SessionKind::Remember, uniquifier, expires_at)?;
                (Some(record), id.as_str().to_owned())
            }
            TokenFormat::Itsdangerous => (None, uniquifier.as_str().to_owned()),
        };
        let cookie = RememberToken::issue(self.tokens(), &name, ctx.now);
        Ok(Some(NewRemembered { record, cookie, expires_at }))
    }

    /// The key of the record that a remember cookie names, if it names one.
    pub(super) fn remembered_record(&self, ctx: &Context, cookie: &str) -> Option<SessionKey> {
        let name = self.remembered_name(ctx, cookie).ok()?;
        (self.config().token_format == TokenFormat::Native).then(|| SessionId::new(name).key())
    }

    fn remembered_name(&self, ctx: &Context, cookie: &str) -> Result<String, Unproven> {
        let max_age = self.config().sessions.remember.ok_or(Unproven::Invalid)?;
        let token = RememberToken::verify(self.tokens(), cookie, ctx.now, max_age);
        token.map(|token| token.name).map_err(|problem| worthless(&problem))
    }

    /// Signs a remembered browser in again: a session of its own that is never fresh. Otherwise it
    /// is as after every sign-in: a pending one is forgotten, and CSRF tokens are new.
    ///
    /// Nobody when the cookie is not ours, was ended, has expired, or its user may not sign in.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn restore_remembered(
        &self,
        ctx: &Context,
        visit: &mut Visit,
        cookie: &str,
    ) -> Result<Result<User, Unproven>, FlowError> {
        let (user, expires_at) = match self.load_remembered(ctx, cookie).await? {
            Ok((user, _)) if user.active && self.owes_second_factor(&user) => {
                return Ok(Err(Unproven::FactorMissing));
            }
            Ok((user, expires_at)) if user.active => (user, expires_at),
            Ok(_) => return Ok(Err(Unproven::Deactivated)),
            Err(unproven) => return Ok(Err(unproven)),
        };
        let expires_at = expires_at.min(ctx.now.plus(self.config().sessions.lifetime));
        let (id, mut record) =
            self.session_record(ctx, SessionKind::SignIn, &user.uniquifier, expires_at)?;
        record.authenticated_at = None;
        let seat = self.seat(id, &record)?;
        let still_so = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::Active(true), UserField::Uniquifier(user.uniquifier.clone())],
            set: Vec::new(),
        };
        let batch = Batch::from(still_so).and(Change::InsertSession(record));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::User(_))) => return Ok(Err(Unproven::Ended)),
            Err(error) => return Err(error.into()),
        }
        seat.take(visit, &user);
        Ok(Ok(user))
    }

    /// Whether `cookie`, which the browser sent, is one that remembers `user`.
    pub(super) async fn is_remembered(
        &self,
        ctx: &Context,
        user: &User,
        cookie: Option<&str>,
    ) -> Result<bool, FlowError> {
        let Some(cookie) = cookie else {
            return Ok(false);
        };
        let found = self.load_remembered(ctx, cookie).await?;
        Ok(found.is_ok_and(|(owner, _)| owner.id == user.id))
    }

    async fn load_remembered(
        &self,
        ctx: &Context,
        cookie: &str,
    ) -> Result<Result<(User, Timestamp), Unproven>, FlowError> {
        let name = match self.remembered_name(ctx, cookie) {
            Ok(name) => name,
            Err(unproven) => return Ok(Err(unproven)),
        };
        let found = match self.config().token_format {
            TokenFormat::Native => {
                let found = self.store().session(&SessionId::new(name).key(), ctx.now).await?;
                let found = found.filter(|(record, user)| {
                    record.kind == SessionKind::Remember && is_session_of(record, user)
                });
                found.map(|(record, user)| (user, record.expires_at))
            }
            TokenFormat::Itsdangerous => {
                let found = self.user_of_uniquifier(&Uniquifier::new(name)).await?;
                found.map(|user| (user, Timestamp::MAX))
            }
        };
        Ok(found.ok_or(Unproven::Ended))
    }
}
