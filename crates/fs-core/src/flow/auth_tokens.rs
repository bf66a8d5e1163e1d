//! Auth tokens: made, checked, listed, ended.
//!
//! In the native format a token is a random text, and its digest is a credential record with a name.
//! In the itsdangerous format it is Flask-Security's: a signed text that names the uniquifier, of
//! which the database knows nothing.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::FlowError;
use super::authenticate::worthless;
use super::register::audit;
use crate::Timestamp;
use crate::authn::AuthFailure;
use crate::model::{CredentialKey, CredentialKind, CredentialRecord, Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, ExpectedCredential, Guard, UserLookup};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::token::{AuthToken, TokenFormat};

/// Auth tokens begin with it, so that scanners find those that were published by accident.
const PREFIX: &str = "fsat_";
/// Characters of a token after the prefix: 32 octets in base64url.
const LENGTH: usize = 43;
/// Characters of a name that are kept.
const NAME: usize = 100;
/// How often making a token starts over when the account changes under it.
const TRIES: usize = 2;

/// An auth token as its owner sees it. It does not contain the token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthTokenInfo {
    /// Names the token where it is ended. It is no secret.
    pub id: CredentialKey,
    /// What it was made for, in the words of whoever made it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, rounded down to the hour; `None` if it never was.
    pub used_at: Option<Timestamp>,
    /// From when on it is refused; `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// The value of a token's record.
#[derive(Serialize, Deserialize)]
struct State {
    /// Names the trust that the token belongs to: it ends with the uniquifier.
    stamp: String,
    name: String,
}

impl Security {
    /// Whether auth tokens are rows that can be listed and ended one by one. In the format of
    /// itsdangerous they are not: there a token is good until it expires or the uniquifier
    /// changes.
    pub fn lists_auth_tokens(&self) -> bool {
        self.config().token_format == TokenFormat::Native
    }

    /// Makes an auth token for the user (Flask-Security's `get_auth_token`), named after the
    /// program that asks ([`Context::user_agent`]).
    ///
    /// Where tokens have a uniquifier of their own and the user has none yet, it is made and
    /// stored; the user in hand gets it as well.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database failed, and [`FlowError::Contended`] if the
    /// account was removed at the same moment. No token was made.
    pub async fn issue_auth_token(
        &self,
        ctx: &Context,
        user: &mut User,
    ) -> Result<Secret, FlowError> {
        let name = ctx.user_agent.as_deref().unwrap_or_default();
        self.issue_named_auth_token(ctx, user, name).await
    }

    /// Makes an auth token with a name that its owner will recognise in the list of
    /// [`auth_tokens`](Self::auth_tokens). 100 characters of the name are kept.
    ///
    /// # Errors
    ///
    /// As [`issue_auth_token`](Self::issue_auth_token).
    pub async fn issue_named_auth_token(
        &self,
        ctx: &Context,
        user: &mut User,
        name: &str,
    ) -> Result<Secret, FlowError> {
        if !self.config().auth_tokens.own_uniquifier && user.uniquifier.is_empty() {
            *user = self.with_uniquifier(user.clone()).await?;
        }
        if !self.lists_auth_tokens() {
            let uniquifier = self.token_uniquifier(user).await?;
            return Ok(AuthToken::issue(self.tokens(), &uniquifier, ctx.now));
        }
        let token = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&self.random::<32>()?));
        let mut stale = None;
        for _ in 0..TRIES {
            let (uniquifier, fill) = self.token_stamp(user)?;
            let mut batch = Batch::new();
            fill.iter().for_each(|change| batch.push(change.clone()));
            batch.push(self.new_token(ctx, user, &token, name, &uniquifier));
            match self.store().commit(batch).await {
                Ok(_) => {
                    if fill.is_some() {
                        user.token_uniquifier = Some(uniquifier);
                    }
                    return Ok(Secret::from(token));
                }
                // Another caller made the uniquifier at the same moment.
                Err(CommitError::Stale(guard)) if fill.is_some() => stale = Some(guard),
                Err(error) => return Err(error.into()),
            }
            if let Some(now) = self.store().user(&UserLookup::Id(user.id.clone())).await? {
                *user = now;
            }
        }
        let guard = stale.unwrap_or_else(|| Guard::User(user.id.clone()));
        Err(FlowError::Contended(CommitError::Stale(guard)))
    }

    /// The change that makes a token.
    fn new_token(
        &self,
        ctx: &Context,
        user: &User,
        token: &str,
        name: &str,
        uniquifier: &Uniquifier,
    ) -> Change {
        let name = name.chars().filter(|letter| !letter.is_control()).take(NAME).collect();
        let state = State { stamp: uniquifier.stamp(), name };
        let max_age = self.config().auth_tokens.max_age;
        let credential = Box::new(CredentialRecord {
            key: key(token),
            kind: CredentialKind::AuthToken,
            owner: user.id.clone(),
            value: serde_json::to_value(&state).unwrap_or_default(),
            created_at: ctx.now,
            used_at: None,
            expires_at: max_age.map_or(Timestamp::MAX, |age| ctx.now.plus(age)),
            revision: 0,
        });
        Change::PutCredential { credential, expect: ExpectedCredential::Absent }
    }

    /// The uniquifier that a new token ends with, and the change that makes it where the user has
    /// none yet.
    fn token_stamp(&self, user: &User) -> Result<(Uniquifier, Option<Change>), FlowError> {
        if !self.config().auth_tokens.own_uniquifier {
            return Ok((user.uniquifier.clone(), None));
        }
        if let Some(uniquifier) = &user.token_uniquifier {
            return Ok((uniquifier.clone(), None));
        }
        let fresh = self.new_uniquifier()?;
        Ok((fresh.clone(), Some(fill(user, fresh))))
    }

    /// The user that an auth token names: one read, and none for a text that is no token. Its use is
    /// noted, and written later ([`write_token_uses`](Self::write_token_uses)).
    ///
    /// The inner error says why it names nobody.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database failed.
    pub async fn user_of_token(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<Result<User, AuthFailure>, FlowError> {
        if !self.lists_auth_tokens() {
            return self.user_of_signed_token(ctx, token).await;
        }
        if !is_token(token) {
            return Ok(Err(AuthFailure::Invalid));
        }
        let found = self.store().credential(&key(token), ctx.now).await?;
        let Some((record, user)) = found else {
            return Ok(Err(AuthFailure::Ended));
        };
        if let Some(max_age) = self.config().auth_tokens.max_age
            && ctx.now.since(record.created_at) >= max_age
        {
            return Ok(Err(AuthFailure::Expired));
        }
        if self.living(&user, &record).is_none() {
            return Ok(Err(AuthFailure::Ended));
        }
        let who = self.admissible(Some(user));
        if who.is_ok() {
            self.token_uses().note(&record, ctx.now);
        }
        Ok(who)
    }

    async fn user_of_signed_token(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<Result<User, AuthFailure>, FlowError> {
        let rules = &self.config().auth_tokens;
        let token = match AuthToken::verify(self.tokens(), token, ctx.now, rules.max_age) {
            Ok(token) => token,
            Err(problem) => return Ok(Err(worthless(&problem))),
        };
        let uniquifier = token.uniquifier;
        if !rules.own_uniquifier {
            return Ok(self.admissible(self.user_of_uniquifier(&uniquifier).await?));
        }
        if uniquifier.is_empty() {
            return Ok(Err(AuthFailure::Ended));
        }
        let found = self.store().user(&UserLookup::TokenUniquifier(uniquifier.clone())).await?;
        let found = found.filter(|user| user.token_uniquifier.as_ref() == Some(&uniquifier));
        Ok(self.admissible(found))
    }

    /// The user's auth tokens that are good, newest first. There are none in the format of
    /// itsdangerous ([`lists_auth_tokens`](Self::lists_auth_tokens)).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database failed.
    pub async fn auth_tokens(
        &self,
        ctx: &Context,
        user: &User,
    ) -> Result<Vec<AuthTokenInfo>, FlowError> {
        let kind = CredentialKind::AuthToken;
        let records = self.store().credentials_of(&user.id, kind, ctx.now).await?;
        Ok(records.iter().filter_map(|record| self.living(user, record)).collect())
    }

    /// Ends one auth token of the user; `false` if the user has no such token.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database failed. The token is as good as before.
    pub async fn end_auth_token(
        &self,
        ctx: &Context,
        user: &User,
        id: &CredentialKey,
    ) -> Result<bool, FlowError> {
        let kind = CredentialKind::AuthToken;
        let records = self.store().credentials_of(&user.id, kind, ctx.now).await?;
        let Some(record) = records.into_iter().find(|record| record.key == *id) else {
            return Ok(false);
        };
        let end = Change::RemoveCredential { key: record.key, expect: Some(record.revision) };
        let batch = Batch::from(end).and(audit(ctx, "auth_token_ended", Some(&user.id)));
        match self.store().commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Stale(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends all auth tokens of the user. Sessions go on.
    ///
    /// In the format of itsdangerous this ends nothing: give the user a new uniquifier there.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database failed. The tokens are as good as before.
    pub async fn end_auth_tokens(&self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        let (owner, kind) = (user.id.clone(), CredentialKind::AuthToken);
        let end = Change::RemoveCredentialsOf { owner, kind, except: None };
        let batch = Batch::from(end).and(audit(ctx, "auth_tokens_ended", Some(&user.id)));
        self.store().commit(batch).await?;
        Ok(())
    }

    /// The token of a record, if it belongs to the user's present trust.
    fn living(&self, user: &User, record: &CredentialRecord) -> Option<AuthTokenInfo> {
        let uniquifier = match self.config().auth_tokens.own_uniquifier {
            true => user.token_uniquifier.as_ref()?,
            false => &user.uniquifier,
        };
        let state = State::deserialize(&record.value).ok()?;
        let is_token = record.kind == CredentialKind::AuthToken;
        (is_token && uniquifier.is_stamped(&state.stamp)).then(|| AuthTokenInfo {
            id: record.key.clone(),
            name: state.name,
            created_at: record.created_at,
            used_at: record.used_at,
            expires_at: Some(record.expires_at).filter(|moment| *moment != Timestamp::MAX),
        })
    }

    /// The uniquifier that auth tokens end with. It is made where there is none.
    async fn token_uniquifier(&self, user: &mut User) -> Result<Uniquifier, FlowError> {
        if !self.config().auth_tokens.own_uniquifier {
            return Ok(user.uniquifier.clone());
        }
        if let Some(uniquifier) = &user.token_uniquifier {
            return Ok(uniquifier.clone());
        }
        let fresh = self.new_uniquifier()?;
        self.fill_token_uniquifier(user, &fresh).await?;
        Ok(user.token_uniquifier.clone().unwrap_or(fresh))
    }

    async fn fill_token_uniquifier(
        &self,
        user: &mut User,
        fresh: &Uniquifier,
    ) -> Result<(), FlowError> {
        match self.store().commit(fill(user, fresh.clone()).into()).await {
            Ok(_) => user.token_uniquifier = Some(fresh.clone()),
            Err(CommitError::Stale(_)) => {
                if let Some(now) = self.store().user(&UserLookup::Id(user.id.clone())).await? {
                    *user = now;
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// The change that gives a user a uniquifier of auth tokens.
fn fill(user: &User, fresh: Uniquifier) -> Change {
    Change::UpdateUser {
        user: user.id.clone(),
        expect: vec![UserField::TokenUniquifier(None)],
        set: vec![UserField::TokenUniquifier(Some(fresh))],
    }
}

fn key(token: &str) -> CredentialKey {
    CredentialKey::of(CredentialKind::AuthToken, token)
}

/// Whether a text can be a token of ours, without asking the database.
fn is_token(text: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    text.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_token_costs_no_read() {
        let token = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&[0xff; 32]));
        assert!(is_token(&token));
        for other in [
            "",
            "fsat_",
            token.trim_start_matches('f'),
            &format!("{token}A"),
            &token.replace('_', "é"),
        ] {
            assert!(!is_token(other), "{other}");
        }
    }
}
