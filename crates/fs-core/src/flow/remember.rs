//! Remembered browsers.
//!
//! In the native format, the remember cookie names a family ([`super::family`]): every use replaces
//! the cookie, and the reuse of an old one revokes the family with all sessions created from it. In
//! the itsdangerous format, the cookie contains the user's uniquifier, as Flask-Login's does, so
//! that both sides of a migration accept it. Such a cookie, and any copy of it, is valid until it
//! expires or the uniquifier changes.

use std::sync::Arc;
use std::time::Duration;

use super::FlowError;
use super::family::{self, FamilyCookie, Standing};
use super::holder::Holder;
use crate::Timestamp;
use crate::authn::AuthFailure;
use crate::context::Context;
use crate::csrf::CsrfSecret;
use crate::model::{CredentialKey, CredentialRecord, Uniquifier, User, UserId};
use crate::port::{Change, ExpectedCredential};
use crate::secret::Secret;
use crate::security::Security;
use crate::token::{RememberToken, TokenFormat};

/// Change of the remember cookie that the response must make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub enum RememberChange {
    /// The cookie stays as it is.
    #[default]
    Keep,
    /// The cookie must be set.
    Set {
        /// Value of the cookie. It is a credential: its holder is signed in.
        cookie: Secret,
        /// Time at which the cookie expires.
        expires_at: Timestamp,
    },
    /// The cookie must be removed.
    Clear,
}

/// Remembered browser that is prepared but not committed.
pub(super) struct NewRemembered {
    pub(super) record: Option<CredentialRecord>,
    pub(super) csrf: Option<CsrfSecret>,
    pub(super) cookie: Secret,
    pub(super) expires_at: Timestamp,
}

impl NewRemembered {
    /// Returns the key of its record, if it has one.
    pub(super) fn key(&self) -> Option<CredentialKey> {
        self.record.as_ref().map(|record| record.key.clone())
    }

    /// Returns the change that stores its record.
    pub(super) fn change(&self) -> Option<Change> {
        let credential = Box::new(self.record.clone()?);
        Some(Change::PutCredential { credential, expect: ExpectedCredential::Absent })
    }

    pub(super) fn into_change(self) -> RememberChange {
        RememberChange::Set { cookie: self.cookie, expires_at: self.expires_at }
    }
}

/// Remembered browser that a flow found, and whose cookie it replaces. `None` if it has no record.
pub(super) struct AtHand(Option<(CredentialKey, u32, Heir)>);

/// Remembered browser that takes the place of one with a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heir {
    /// Id of its family, derived from the id of the one before.
    id: [u8; 16],
    /// Expiry time of the one before, which is kept.
    until: Timestamp,
}

impl AtHand {
    /// Returns the change that revokes it, if it is unchanged.
    pub(super) fn end(&self) -> Option<Change> {
        let (key, revision, _) = self.0.clone()?;
        Some(Change::RemoveCredential { key, expect: Some(revision) })
    }

    /// Returns what its replacement takes over, if it has a record.
    pub(super) fn heir(&self) -> Option<Heir> {
        self.0.as_ref().map(|(.., heir)| *heir)
    }
}

impl Security {
    /// Prepares a remembered browser, in place of the one before if there is an `heir`. Returns
    /// `None` if browsers are not remembered, or if a record is required and the account has no key
    /// yet.
    pub(super) fn remember(
        &self,
        ctx: &Context,
        holder: Holder<'_>,
        heir: Option<Heir>,
    ) -> Result<Option<NewRemembered>, FlowError> {
        let Some(span) = self.config().sessions.remember else {
            return Ok(None);
        };
        let expires_at = ctx.now.plus(span);
        let expires_at = heir.map_or(expires_at, |heir| heir.until.min(expires_at));
        let (record, csrf, name) = match (self.config().token_format, holder.id) {
            (TokenFormat::Native, Some(owner)) => {
                let id = match heir {
                    Some(heir) => heir.id,
                    None => self.random()?,
                };
                let cookie = FamilyCookie::from_random(id, self.random()?);
                // Ages are whole seconds, and the last one is included.
                let until = expires_at.plus(Duration::from_secs(1));
                let record = family::begin(&cookie, owner, holder.uniquifier, ctx.now, until);
                (Some(record), Some(cookie.csrf(self.family_key())), cookie.to_text())
            }
            (TokenFormat::Native, None) => return Ok(None),
            (TokenFormat::Itsdangerous, _) => (None, None, holder.uniquifier.as_str().to_owned()),
        };
        let cookie = RememberToken::issue(self.tokens(), &name, ctx.now);
        Ok(Some(NewRemembered { record, csrf, cookie, expires_at }))
    }

    /// Remembers the browser in which an account was just created. The record needs the key of the
    /// account, which is known only after that commit. A failure does not affect the account.
    pub(super) async fn remember_new_account(&self, ctx: &Context, user: &User) -> RememberChange {
        let Ok(Some(new)) = self.remember(ctx, Holder::of(user), None) else {
            return RememberChange::Keep;
        };
        if let Some(change) = new.change()
            && self.store().commit(change.into()).await.is_err()
        {
            return RememberChange::Keep;
        }
        new.into_change()
    }

    /// Returns the owner of the family of a remember cookie, and its key. Returns `None` if the
    /// cookie has no family.
    pub(super) async fn family_of(
        &self,
        ctx: &Context,
        cookie: Option<&str>,
    ) -> Result<Option<(UserId, CredentialKey)>, FlowError> {
        let Some(cookie) = cookie.and_then(|cookie| self.family_cookie(ctx, cookie).ok()) else {
            return Ok(None);
        };
        let found = self.store().credential(&cookie.key(), ctx.now).await?;
        Ok(found.map(|(record, _)| (record.owner.clone(), record.key.clone())))
    }

    /// Returns the family cookie in a remember token of the native format.
    pub(super) fn family_cookie(
        &self,
        ctx: &Context,
        cookie: &str,
    ) -> Result<FamilyCookie, AuthFailure> {
        let name = self.remembered_name(ctx, cookie)?;
        match self.config().token_format {
            TokenFormat::Native => FamilyCookie::from_text(&name).ok_or(AuthFailure::Ended),
            TokenFormat::Itsdangerous => Err(AuthFailure::Invalid),
        }
    }

    fn remembered_name(&self, ctx: &Context, cookie: &str) -> Result<String, AuthFailure> {
        let max_age = self.config().sessions.remember.ok_or(AuthFailure::Invalid)?;
        let token = RememberToken::verify(self.tokens(), cookie, ctx.now, max_age);
        token.map(|token| token.name).map_err(|problem| AuthFailure::from(&problem))
    }

    pub(super) async fn user_of_lasting_cookie(
        &self,
        ctx: &Context,
        cookie: &str,
    ) -> Result<Result<Arc<User>, AuthFailure>, FlowError> {
        let name = match self.remembered_name(ctx, cookie) {
            Ok(name) => name,
            Err(failure) => return Ok(Err(failure)),
        };
        Ok(self.user_of_uniquifier(&Uniquifier::new(name)).await?.ok_or(AuthFailure::Ended))
    }

    /// Returns the remembered browser of `cookie`, if it belongs to `user`. To replace it, commit
    /// [`AtHand::end`] in the same batch, so that a concurrent revocation wins.
    pub(super) async fn remembered_as(
        &self,
        ctx: &Context,
        user: &User,
        cookie: Option<&str>,
    ) -> Result<Option<AtHand>, FlowError> {
        let Some(cookie) = cookie else {
            return Ok(None);
        };
        if self.config().token_format == TokenFormat::Itsdangerous {
            let owner = self.user_of_lasting_cookie(ctx, cookie).await?;
            return Ok(owner.is_ok_and(|owner| owner.id == user.id).then_some(AtHand(None)));
        }
        let Ok(cookie) = self.family_cookie(ctx, cookie) else {
            return Ok(None);
        };
        let found = self.store().credential(&cookie.key(), ctx.now).await?;
        let found = found.filter(|(record, owner)| {
            let standing = family::standing(record, owner, &cookie, ctx.now);
            owner.id == user.id && matches!(standing, Standing::Current | Standing::Late)
        });
        let id = cookie.heir_id(self.family_key());
        Ok(found.map(|(record, _)| {
            let heir = Heir { id, until: record.expires_at };
            AtHand(Some((record.key.clone(), record.revision, heir)))
        }))
    }
}
