//! Issuing, verifying, listing and revoking auth tokens.
//!
//! In the native format, a token is random text, and its digest is the key of a credential record
//! with a name. In the itsdangerous format, a token is Flask-Security's signed text with the
//! uniquifier, and the database holds no record of it.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::FlowError;
use super::groups::AuthTokenFlows;
use super::register::audit;
use crate::Timestamp;
use crate::authn::{AuthFailure, AuthOutcome};
use crate::context::Context;
use crate::model::{CredentialKey, CredentialKind, CredentialRecord, Uniquifier, User, UserField};
use crate::port::{Batch, Change, CommitError, ExpectedCredential, Guard, UserLookup};
use crate::secret::Secret;
use crate::security::Security;
use crate::token::{AuthToken, TokenFormat};

/// Prefix of auth tokens, by which secret scanners find tokens that were published by accident.
const PREFIX: &str = "fsat_";
/// Length of a token after the prefix, in characters: 32 bytes in base64url.
const LENGTH: usize = 43;
/// Maximum length of a name, in characters. Longer names are truncated.
const NAME: usize = 100;
/// Maximum number of attempts to issue a token while the account changes.
const TRIES: usize = 2;

/// Description of an auth token for its owner. It does not contain the token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthTokenInfo {
    /// Identifier of the token, by which it is revoked. Not a secret.
    pub id: CredentialKey,
    /// Name that was given to the token when it was issued.
    pub name: String,
    /// Time at which the token was issued.
    pub created_at: Timestamp,
    /// Time of the last use, rounded down to the hour. `None` if the token was never used.
    pub used_at: Option<Timestamp>,
    /// Time from which the token is refused. `None` if it does not expire.
    pub expires_at: Option<Timestamp>,
}

/// Value of a token's record.
#[derive(Serialize, Deserialize)]
struct State {
    /// Stamp of the uniquifier that the token is bound to. Replacing the uniquifier revokes the
    /// token.
    stamp: String,
    name: String,
}

impl AuthTokenFlows<'_> {
    /// Checks whether auth tokens are stored, so that they can be listed and revoked one by one.
    /// Tokens in the itsdangerous format are not: they are valid until they expire or the
    /// uniquifier changes.
    pub fn are_listed(self) -> bool {
        self.core.config().token_format == TokenFormat::Native
    }

    /// Issues an auth token for the user (Flask-Security's `get_auth_token`), named after the
    /// client that requests it ([`Context::user_agent`]).
    ///
    /// If auth tokens have a uniquifier of their own and the user has none yet, this stores one and
    /// updates `user`.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, [`FlowError::Entropy`] if the source of
    /// randomness fails, and [`FlowError::Contended`] if the account was removed at the same time.
    /// No token was issued.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut user: User,
    /// # ) -> Result<(), FlowError> {
    /// let token = security.auth_tokens().issue(&ctx, &mut user).await?;
    /// // Show the token once: it cannot be read back.
    /// println!("{}", token.expose());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn issue(self, ctx: &Context, user: &mut User) -> Result<Secret, FlowError> {
        let name = ctx.user_agent.as_deref().unwrap_or_default();
        self.issue_named(ctx, user, name).await
    }

    /// Issues an auth token with a name that its owner recognizes in the list of
    /// [`list`](Self::list). The name is truncated to 100 characters.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`issue`](Self::issue).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut user: User,
    /// # ) -> Result<(), FlowError> {
    /// let token = security.auth_tokens().issue_named(&ctx, &mut user, "backup script").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn issue_named(
        self,
        ctx: &Context,
        user: &mut User,
        name: &str,
    ) -> Result<Secret, FlowError> {
        if !self.core.config().auth_tokens.own_uniquifier && user.uniquifier.is_empty() {
            *user = self.core.with_uniquifier(user).await?.into_owned();
        }
        if !self.are_listed() {
            let uniquifier = self.core.token_uniquifier(user).await?;
            return Ok(AuthToken::issue(self.core.tokens(), &uniquifier, ctx.now));
        }
        let token = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&self.core.random::<32>()?));
        let mut stale = None;
        for _ in 0..TRIES {
            let (uniquifier, fill) = self.core.token_stamp(user)?;
            let mut batch = Batch::new();
            fill.iter().for_each(|change| batch.push(change.clone()));
            batch.push(self.core.new_token(ctx, user, &token, name, &uniquifier));
            match self.core.store().commit(batch).await {
                Ok(_) => {
                    if fill.is_some() {
                        user.token_uniquifier = Some(uniquifier);
                    }
                    return Ok(Secret::from(token));
                }
                // Another caller stored a uniquifier at the same time.
                Err(CommitError::Stale(guard)) if fill.is_some() => stale = Some(guard),
                Err(error) => return Err(error.into()),
            }
            if let Some(now) = self.core.store().user(&UserLookup::Id(user.id.clone())).await? {
                *user = Arc::unwrap_or_clone(now);
            }
        }
        let guard = stale.unwrap_or_else(|| Guard::User(user.id.clone()));
        Err(FlowError::Contended(CommitError::Stale(guard)))
    }

    /// Returns the user of an auth token. Reads the database once, and not at all if the text
    /// cannot be a token. The use is recorded in memory, and written later by
    /// [`write_token_uses`](Security::write_token_uses).
    ///
    /// The inner error says why the token authenticates nobody.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError};
    /// # async fn example(
    /// #     security: Security, ctx: Context, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::authn::AuthOutcome;
    ///
    /// match security.auth_tokens().user_of(&ctx, token).await? {
    ///     AuthOutcome::Authenticated(user) => println!("request of {}", user.email),
    ///     AuthOutcome::Refused(failure) => println!("token refused: {failure}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn user_of(self, ctx: &Context, token: &str) -> Result<AuthOutcome, FlowError> {
        if !self.are_listed() {
            return self.core.user_of_signed_token(ctx, token).await;
        }
        if !is_token(token) {
            return Ok(AuthOutcome::Refused(AuthFailure::Invalid));
        }
        let found = self.core.store().credential(&key(token), ctx.now).await?;
        let Some((record, user)) = found else {
            return Ok(AuthOutcome::Refused(AuthFailure::Ended));
        };
        if let Some(max_age) = self.core.config().auth_tokens.max_age
            && ctx.now.since(record.created_at) >= max_age
        {
            return Ok(AuthOutcome::Refused(AuthFailure::Expired));
        }
        if self.core.living(&user, &record).is_none() {
            return Ok(AuthOutcome::Refused(AuthFailure::Ended));
        }
        let outcome = self.core.admissible(Some(user));
        if outcome.is_authenticated() {
            self.core.token_uses().note(&record, ctx.now);
        }
        Ok(outcome)
    }

    /// Returns the user's valid auth tokens, newest first. Returns an empty `Vec` if the format
    /// does not store tokens ([`are_listed`](Self::are_listed)).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// for token in security.auth_tokens().list(&ctx, &user).await? {
    ///     println!("{} of {:?}", token.name, token.created_at);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(self, ctx: &Context, user: &User) -> Result<Vec<AuthTokenInfo>, FlowError> {
        let kind = CredentialKind::AuthToken;
        let records = self.core.store().credentials_of(&user.id, kind, ctx.now).await?;
        Ok(records.iter().filter_map(|record| self.core.living(user, record)).collect())
    }

    /// Revokes one auth token of the user. Returns `false` if the user has no such token.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails. The token is still valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// for token in security.auth_tokens().list(&ctx, &user).await? {
    ///     if token.name == "backup script" {
    ///         security.auth_tokens().end(&ctx, &user, &token.id).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn end(
        self,
        ctx: &Context,
        user: &User,
        id: &CredentialKey,
    ) -> Result<bool, FlowError> {
        let kind = CredentialKind::AuthToken;
        let records = self.core.store().credentials_of(&user.id, kind, ctx.now).await?;
        let Some(record) = records.into_iter().find(|record| record.key == *id) else {
            return Ok(false);
        };
        let end = Change::RemoveCredential { key: record.key, expect: Some(record.revision) };
        let batch = Batch::from(end).and(audit(ctx, "auth_token_ended", Some(&user.id)));
        match self.core.store().commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Stale(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Revokes all auth tokens of the user. Sessions stay signed in.
    ///
    /// Does nothing to tokens in the itsdangerous format; replace the user's uniquifier instead.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails. The tokens are still valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// security.auth_tokens().end_all(&ctx, &user).await?;
    /// assert!(security.auth_tokens().list(&ctx, &user).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn end_all(self, ctx: &Context, user: &User) -> Result<(), FlowError> {
        let (owner, kind) = (user.id.clone(), CredentialKind::AuthToken);
        let end = Change::RemoveCredentialsOf { owner, kind, except: None };
        let batch = Batch::from(end).and(audit(ctx, "auth_tokens_ended", Some(&user.id)));
        self.core.store().commit(batch).await?;
        Ok(())
    }
}

impl Security {
    /// Returns the change that stores a token.
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

    /// Returns the uniquifier that a new token is bound to, and the change that stores it if the
    /// user has none yet.
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

    async fn user_of_signed_token(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<AuthOutcome, FlowError> {
        let rules = &self.config().auth_tokens;
        let token = match AuthToken::verify(self.tokens(), token, ctx.now, rules.max_age) {
            Ok(token) => token,
            Err(problem) => return Ok(AuthOutcome::Refused(AuthFailure::from(&problem))),
        };
        let uniquifier = token.uniquifier;
        if !rules.own_uniquifier {
            return Ok(self.admissible(self.user_of_uniquifier(&uniquifier).await?));
        }
        if uniquifier.is_empty() {
            return Ok(AuthOutcome::Refused(AuthFailure::Ended));
        }
        let found = self.store().user(&UserLookup::TokenUniquifier(uniquifier.clone())).await?;
        let found = found.filter(|user| user.token_uniquifier.as_ref() == Some(&uniquifier));
        Ok(self.admissible(found))
    }

    /// Returns the description of a token, unless it was revoked with the uniquifier.
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

    /// Returns the uniquifier that auth tokens are bound to. Stores one if the user has none.
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
                    *user = Arc::unwrap_or_clone(now);
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Returns the change that stores a uniquifier of auth tokens.
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

/// Checks whether a text has the form of a token, without reading the database.
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
