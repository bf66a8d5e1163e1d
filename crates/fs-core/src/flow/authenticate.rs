//! Whose request it is: by session or by auth token.

use super::FlowError;
use super::establish::Remember;
use super::sign_out::forget;
use super::uniquifier::is_session_of;
use crate::authn::AuthFailure;
use crate::authz::Fresh;
use crate::freshness::{self, Freshness, FreshnessFacts};
use crate::model::{SessionKind, User};
use crate::port::Change;
use crate::second_factor::{Entry, Needed, method_of};
use crate::security::{Context, Security};
use crate::session::Session;
use crate::token::TokenProblem;

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
        session: &Session,
    ) -> Result<Option<User>, FlowError> {
        Ok(self.user_of_session(ctx, session).await?.ok())
    }

    /// The same, and why it is nobody.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn user_of_session(
        &self,
        ctx: &Context,
        session: &Session,
    ) -> Result<Result<User, AuthFailure>, FlowError> {
        let Some(sign_in) = session.sign_in() else {
            let begun = session.pending().is_some();
            return Ok(Err(if begun { AuthFailure::HalfWay } else { AuthFailure::Absent }));
        };
        let found = self.store().session(&sign_in.id.key(), ctx.now).await?;
        let found = found.filter(|(record, user)| {
            record.kind == SessionKind::SignIn && is_session_of(record, user)
        });
        Ok(self.admissible(found.map(|(_, user)| user)))
    }

    /// Who an auth token names: one read, none for a token that is not ours.
    /// [`user_of_token`](Self::user_of_token) says why it is nobody.
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
}

impl Security {
    /// Who was found, if they may act.
    pub(super) fn admissible(&self, user: Option<User>) -> Result<User, AuthFailure> {
        let user = user.ok_or(AuthFailure::Ended)?;
        match (user.active, self.owes_second_factor(&user)) {
            (false, _) => Err(AuthFailure::Deactivated),
            (true, true) => Err(AuthFailure::FactorMissing),
            (true, false) => Ok(user),
        }
    }

    /// Whether a second factor has become required, and the account has none.
    pub(super) fn owes_second_factor(&self, user: &User) -> bool {
        let rules = self.config().two_factor.as_ref();
        rules.is_some_and(|rules| rules.required && rules.strict) && method_of(user).is_none()
    }

    /// Begins to wait for a second factor in a session whose account must have one by now and has
    /// none: it can be set up, and nothing else can be done. A session that is not fresh ends, so
    /// that nobody sets one up with a copied cookie: its owner signs in again first.
    ///
    /// # Errors
    ///
    /// Returns an error if the database fails. The session stands, and admits nobody.
    pub async fn hold_for_second_factor(
        &self,
        ctx: &Context,
        session: &mut Session,
    ) -> Result<(), FlowError> {
        let Some(sign_in) = session.sign_in().cloned() else {
            return Ok(());
        };
        let key = sign_in.id.key();
        let found = self.store().session(&key, ctx.now).await?;
        let owner = found.map(|(_, user)| user);
        let Some(user) = owner.filter(|user| user.active && self.owes_second_factor(user)) else {
            return Ok(());
        };
        self.store().commit(Change::EndSession(key).into()).await?;
        forget(session);
        let facts = FreshnessFacts {
            authenticated_at: sign_in.authenticated_at,
            ..FreshnessFacts::default()
        };
        let rule = Fresh::default().rule(&self.config().freshness);
        if freshness::check(ctx.now, &facts, &rule).0 == Freshness::Fresh {
            let (entry, needed) = (Entry::Application, Needed::SetUp);
            let _ = self.challenge(ctx, session, &user, Remember::No, entry, needed).await?;
        }
        Ok(())
    }
}

/// What a token that is worth nothing proves.
pub(super) fn worthless<T>(problem: &TokenProblem<T>) -> AuthFailure {
    match problem {
        TokenProblem::Expired(_) => AuthFailure::Expired,
        TokenProblem::Invalid => AuthFailure::Invalid,
    }
}
