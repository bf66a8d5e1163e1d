//! Browsers that are remembered.
//!
//! In the native format the cookie names a family ([`super::family`]): every use replaces the
//! cookie, and a use of an old one ends the family with all sessions made from it. In the
//! itsdangerous format it names the user's uniquifier, as Flask-Login's does, so that both sides of
//! a migration accept it: such a cookie is good until it expires or the uniquifier changes, and a
//! copy of it as well.

use std::time::Duration;

use super::FlowError;
use super::authenticate::worthless;
use super::establish::Holder;
use super::family::{self, FamilyCookie, Standing};
use crate::Timestamp;
use crate::authn::AuthFailure;
use crate::csrf::CsrfSecret;
use crate::model::{CredentialKey, CredentialRecord, Uniquifier, User};
use crate::port::{Change, ExpectedCredential};
use crate::secret::Secret;
use crate::security::{Context, Security};
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
    pub(super) record: Option<CredentialRecord>,
    pub(super) csrf: Option<CsrfSecret>,
    pub(super) cookie: Secret,
    pub(super) expires_at: Timestamp,
}

impl NewRemembered {
    /// The key of its record, if it has one.
    pub(super) fn key(&self) -> Option<CredentialKey> {
        self.record.as_ref().map(|record| record.key.clone())
    }

    /// The change that makes its record.
    pub(super) fn change(&self) -> Option<Change> {
        let credential = Box::new(self.record.clone()?);
        Some(Change::PutCredential { credential, expect: ExpectedCredential::Absent })
    }

    pub(super) fn into_change(self) -> RememberChange {
        RememberChange::Set { cookie: self.cookie, expires_at: self.expires_at }
    }
}

/// A remembered browser that a flow found, and whose cookie it replaces.
pub(super) struct AtHand(Option<(CredentialKey, u32, Timestamp)>);

impl AtHand {
    /// The change that ends it, if it is still what was found.
    pub(super) fn end(&self) -> Option<Change> {
        let (key, revision, _) = self.0.clone()?;
        Some(Change::RemoveCredential { key, expect: Some(revision) })
    }

    /// When it ends, where it has a record. Whatever takes its place ends then too.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|(.., until)| *until)
    }
}

impl Security {
    /// Prepares a remembered browser, until `end` at most. `None` if browsers are not remembered, or if
    /// it would need a record and the account has no key yet.
    pub(super) fn remember(
        &self,
        ctx: &Context,
        holder: Holder<'_>,
        end: Option<Timestamp>,
    ) -> Result<Option<NewRemembered>, FlowError> {
        let Some(span) = self.config().sessions.remember else {
            return Ok(None);
        };
        let expires_at = ctx.now.plus(span);
        let expires_at = end.map_or(expires_at, |end| end.min(expires_at));
        let (record, csrf, name) = match (self.config().token_format, holder.id) {
            (TokenFormat::Native, Some(owner)) => {
                let cookie = FamilyCookie::from_random(self.random()?, self.random()?);
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

    /// Remembers the browser in which an account was made just now: its key is only known after that
    /// commit. The account stands, whether this succeeds or not.
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

    /// The change that ends the family that a remember cookie names, with all its sessions; nothing
    /// where it names none.
    pub(super) fn end_remembered(&self, ctx: &Context, cookie: &str) -> Option<Change> {
        let cookie = self.family_cookie(ctx, cookie).ok()?;
        Some(Change::RemoveCredential { key: cookie.key(), expect: None })
    }

    /// The family cookie in a remember token of the native format.
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
        token.map(|token| token.name).map_err(|problem| worthless(&problem))
    }

    pub(super) async fn user_of_lasting_cookie(
        &self,
        ctx: &Context,
        cookie: &str,
    ) -> Result<Result<User, AuthFailure>, FlowError> {
        let name = match self.remembered_name(ctx, cookie) {
            Ok(name) => name,
            Err(failure) => return Ok(Err(failure)),
        };
        Ok(self.user_of_uniquifier(&Uniquifier::new(name)).await?.ok_or(AuthFailure::Ended))
    }

    /// The remembered browser that `cookie` names, if it is one of `user`. Whoever makes it anew
    /// writes [`AtHand::end`] with it, so that a browser that was forgotten meanwhile stays so.
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
        Ok(found.map(|(record, _)| AtHand(Some((record.key, record.revision, record.expires_at)))))
    }
}
