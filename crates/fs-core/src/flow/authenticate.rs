//! Whose request it is: by session or by auth token.

use super::FlowError;
use super::uniquifier::is_session_of;
use crate::authn::Unproven;
use crate::model::{SessionKind, Uniquifier, User, UserField};
use crate::port::{Change, CommitError, UserLookup};
use crate::secret::Secret;
use crate::security::{Context, Security};
use crate::session::Visit;
use crate::token::{AuthToken, TokenProblem};

impl Security {
    /// Who the browser's session is signed in as: one read. Nobody when the record was ended or
    /// has expired, when the user's uniquifier changed, or when the account is deactivated.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn authenticate_session(
        &self,
        ctx: &Context,
        visit: &Visit,
    ) -> Result<Option<User>, FlowError> {
        Ok(self.user_of_session(ctx, visit).await?.ok())
    }

    /// The same, and why it is nobody.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn user_of_session(
        &self,
        ctx: &Context,
        visit: &Visit,
    ) -> Result<Result<User, Unproven>, FlowError> {
        let Some(sign_in) = visit.sign_in() else {
            let begun = visit.pending().is_some();
            return Ok(Err(if begun { Unproven::HalfWay } else { Unproven::Absent }));
        };
        let found = self.store().session(&sign_in.id.key(), ctx.now).await?;
        let found = found.filter(|(record, user)| {
            record.kind == SessionKind::SignIn && is_session_of(record, user)
        });
        Ok(active(found.map(|(_, user)| user)))
    }

    /// Who an auth token names: one read, none for a token that is not ours.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn authenticate_token(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<Option<User>, FlowError> {
        Ok(self.user_of_token(ctx, token).await?.ok())
    }

    /// The same, and why it is nobody.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn user_of_token(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<Result<User, Unproven>, FlowError> {
        let rules = &self.config().auth_tokens;
        let token = match AuthToken::verify(self.tokens(), token, ctx.now, rules.max_age) {
            Ok(token) => token,
            Err(problem) => return Ok(Err(worthless(&problem))),
        };
        let uniquifier = token.uniquifier;
        if !rules.own_uniquifier {
            return Ok(active(self.user_of_uniquifier(&uniquifier).await?));
        }
        if uniquifier.is_empty() {
            return Ok(Err(Unproven::Ended));
        }
        let found = self.store().user(&UserLookup::TokenUniquifier(uniquifier.clone())).await?;
        Ok(active(found.filter(|user| user.token_uniquifier.as_ref() == Some(&uniquifier))))
    }

    /// An auth token for the user (Flask-Security's `get_auth_token`).
    ///
    /// Where tokens have a uniquifier of their own and the user has none yet, it is made and
    /// stored; the user in hand gets it as well.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn issue_auth_token(
        &self,
        ctx: &Context,
        user: &mut User,
    ) -> Result<Secret, FlowError> {
        if !self.config().auth_tokens.own_uniquifier {
            if user.uniquifier.is_empty() {
                *user = self.with_uniquifier(user.clone()).await?;
            }
            return Ok(AuthToken::issue(self.tokens(), &user.uniquifier, ctx.now));
        }
        let uniquifier = match &user.token_uniquifier {
            Some(uniquifier) => uniquifier.clone(),
            None => {
                let fresh = self.new_uniquifier()?;
                self.fill_token_uniquifier(user, &fresh).await?;
                user.token_uniquifier.clone().unwrap_or(fresh)
            }
        };
        Ok(AuthToken::issue(self.tokens(), &uniquifier, ctx.now))
    }

    async fn fill_token_uniquifier(
        &self,
        user: &mut User,
        fresh: &Uniquifier,
    ) -> Result<(), FlowError> {
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::TokenUniquifier(None)],
            set: vec![UserField::TokenUniquifier(Some(fresh.clone()))],
        };
        match self.store().commit(change.into()).await {
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

/// What a token that is worth nothing proves.
pub(super) fn worthless<T>(problem: &TokenProblem<T>) -> Unproven {
    match problem {
        TokenProblem::Expired(_) => Unproven::Expired,
        TokenProblem::Invalid => Unproven::Invalid,
    }
}

/// Who was found, if they may act.
pub(super) fn active(user: Option<User>) -> Result<User, Unproven> {
    let user = user.ok_or(Unproven::Ended)?;
    if user.active { Ok(user) } else { Err(Unproven::Deactivated) }
}
