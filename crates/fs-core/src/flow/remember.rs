//! Browsers that are remembered.
//!
//! In the native format the cookie names a record of its own, so that one browser can be forgotten
//! without the others. In the itsdangerous format it names the user's uniquifier, as Flask-Login's
//! does, so that both sides of a migration accept it.

use super::FlowError;
use crate::Timestamp;
use crate::model::{
    SessionId, SessionKey, SessionKind, SessionRecord, Uniquifier, User, UserField,
};
use crate::port::{Batch, Change, CommitError, Guard, UserLookup};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::{CrumbState, Visit, VisitSignIn};
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
        let name = self.remembered_name(ctx, cookie)?;
        (self.config().token_format == TokenFormat::Native).then(|| SessionId::new(name).key())
    }

    fn remembered_name(&self, ctx: &Context, cookie: &str) -> Option<String> {
        let max_age = self.config().sessions.remember?;
        let token = RememberToken::verify(self.tokens(), cookie, ctx.now, max_age);
        token.ok().map(|token| token.name)
    }

    /// Signs a remembered browser in again: a session of its own that is never fresh.
    ///
    /// Nothing when the cookie is not ours, was ended, has expired, or its user may not sign in.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn restore_remembered(
        &self,
        ctx: &Context,
        visit: &mut Visit,
        cookie: &str,
    ) -> Result<Option<User>, FlowError> {
        let Some((user, expires_at)) = self.load_remembered(ctx, cookie).await? else {
            return Ok(None);
        };
        if !user.active {
            return Ok(None);
        }
        let expires_at = expires_at.min(ctx.now.plus(self.config().sessions.lifetime));
        let (id, mut record) =
            self.session_record(ctx, SessionKind::SignIn, &user.uniquifier, expires_at)?;
        record.authenticated_at = None;
        let still_so = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::Active(true), UserField::Uniquifier(user.uniquifier.clone())],
            set: Vec::new(),
        };
        let batch = Batch::from(still_so).and(Change::InsertSession(record));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::User(_))) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        visit.set_sign_in(Some(VisitSignIn { id, authenticated_at: None, grace_until: None }));
        visit.set_crumb(CrumbState::Due);
        Ok(Some(user))
    }

    async fn load_remembered(
        &self,
        ctx: &Context,
        cookie: &str,
    ) -> Result<Option<(User, Timestamp)>, FlowError> {
        if let Some(key) = self.remembered_record(ctx, cookie) {
            let found = self.store().session(&key, ctx.now).await?;
            return Ok(found
                .filter(|(record, _)| record.kind == SessionKind::Remember)
                .map(|(record, user)| (user, record.expires_at)));
        }
        if self.config().token_format != TokenFormat::Itsdangerous {
            return Ok(None);
        }
        let Some(name) = self.remembered_name(ctx, cookie) else {
            return Ok(None);
        };
        let by = UserLookup::Uniquifier(Uniquifier::new(name));
        Ok(self.store().user(&by).await?.map(|user| (user, Timestamp::MAX)))
    }
}
