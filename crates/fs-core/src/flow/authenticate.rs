//! Authenticating a request by its session or its auth token.

use std::sync::Arc;

use super::FlowError;
use super::establish::Remember;
use super::groups::{AuthTokenFlows, SessionFlows, SignInFlows};
use super::sign_out::forget;
use super::uniquifier::is_session_of;
use crate::authn::{AuthFailure, AuthOutcome};
use crate::authz::Fresh;
use crate::context::Context;
use crate::freshness::{self, Freshness, FreshnessFacts};
use crate::model::{SessionKind, User};
use crate::port::{Change, StoreError};
use crate::second_factor::{Entry, Needed, Pending, method_of};
use crate::security::Security;
use crate::session::Session;

impl SessionFlows<'_> {
    /// Returns the user that the session is signed in as. Reads the database once.
    ///
    /// Returns `None` if the session was revoked or has expired, if the user's uniquifier changed,
    /// or if the account is deactivated.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// match security.sessions().authenticate(&ctx, &session).await? {
    ///     Some(user) => println!("signed in as {}", user.email),
    ///     None => println!("not signed in"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authenticate(
        self,
        ctx: &Context,
        session: &Session,
    ) -> Result<Option<Arc<User>>, FlowError> {
        Ok(self.user_of(ctx, session).await?.user())
    }

    /// Returns the user that the session is signed in as, or the reason why it authenticates
    /// nobody.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::authn::{AuthFailure, AuthOutcome};
    ///
    /// match security.sessions().user_of(&ctx, &session).await? {
    ///     AuthOutcome::Authenticated(user) => println!("signed in as {}", user.email),
    ///     AuthOutcome::Refused(AuthFailure::HalfWay) => println!("the second factor is missing"),
    ///     AuthOutcome::Refused(failure) => println!("not signed in: {failure}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn user_of(self, ctx: &Context, session: &Session) -> Result<AuthOutcome, FlowError> {
        let Some(sign_in) = session.sign_in() else {
            let begun = session.pending().is_some();
            let failure = if begun { AuthFailure::HalfWay } else { AuthFailure::Absent };
            return Ok(AuthOutcome::Refused(failure));
        };
        let found = match self.core.store().session(&sign_in.id.key(), ctx.now).await {
            // Only this browser is affected. Otherwise it could open no page, not even to sign out.
            Err(StoreError::Unreadable(_)) => None,
            found => found?,
        };
        // The cookie names the account, too: if two accounts have one uniquifier, because an index
        // was removed while the application runs, a session does not change its owner.
        let found = found.filter(|(record, user)| {
            record.kind == SessionKind::SignIn
                && is_session_of(record, user)
                && user.id == sign_in.user
        });
        Ok(self.core.admissible(found.map(|(_, user)| user)))
    }
}

impl AuthTokenFlows<'_> {
    /// Returns the user of an auth token, or `None` if the token is not valid. Reads the database
    /// once, and not at all if the text cannot be a token. [`user_of`](Self::user_of)
    /// returns the reason as well.
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
    /// match security.auth_tokens().authenticate(&ctx, token).await? {
    ///     Some(user) => println!("request of {}", user.email),
    ///     None => println!("answer 401"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn authenticate(
        self,
        ctx: &Context,
        token: &str,
    ) -> Result<Option<Arc<User>>, FlowError> {
        Ok(self.user_of(ctx, token).await?.user())
    }
}

impl SignInFlows<'_> {
    /// Replaces a session whose account must set up a second factor by a pending sign-in, in which
    /// the user can set one up and do nothing else. Does nothing if the account owes no second
    /// factor.
    ///
    /// A session that is not fresh only ends, so that a stolen cookie cannot be used to set up a
    /// factor. The user has to sign in again first.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, and other errors if the pending sign-in
    /// cannot be started. In either case, nobody is signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::authn::AuthFailure;
    ///
    /// let outcome = security.sessions().user_of(&ctx, &session).await?;
    /// if outcome.failure() == Some(AuthFailure::FactorMissing) {
    ///     security.sign_in().hold_for_second_factor(&ctx, &mut session).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn hold_for_second_factor(
        self,
        ctx: &Context,
        session: &mut Session,
    ) -> Result<(), FlowError> {
        let Some(sign_in) = session.sign_in().cloned() else {
            return Ok(());
        };
        let key = sign_in.id.key();
        let found = self.core.store().session(&key, ctx.now).await?;
        let owner = found.map(|(_, user)| user);
        let Some(user) = owner.filter(|user| user.active && self.core.owes_second_factor(user))
        else {
            return Ok(());
        };
        forget(session);
        let facts = FreshnessFacts {
            authenticated_at: sign_in.authenticated_at,
            ..FreshnessFacts::default()
        };
        let rule = Fresh::default().rule(&self.core.config().freshness);
        if freshness::check(ctx.now, &facts, &rule).0 == Freshness::Fresh {
            let (entry, needed) = (Entry::Application, Needed::SetUp);
            let _ = self.core.challenge(ctx, session, &user, Remember::No, entry, needed).await?;
            // The session stays, without rights, so that whatever ends it ends this as well.
            let held = |pending: &Pending| Pending {
                session: Some(key.as_str().to_owned()),
                ..pending.clone()
            };
            session.set_pending(session.pending().map(held));
        } else {
            self.core.store().commit(Change::EndSession(key).into()).await?;
        }
        Ok(())
    }
}

impl Security {
    /// Returns the user that was found, or the reason why the account may not act.
    pub(super) fn admissible(&self, user: Option<Arc<User>>) -> AuthOutcome {
        let Some(user) = user else {
            return AuthOutcome::Refused(AuthFailure::Ended);
        };
        match (user.active, self.owes_second_factor(&user)) {
            (false, _) => AuthOutcome::Refused(AuthFailure::Deactivated),
            (true, true) => AuthOutcome::Refused(AuthFailure::FactorMissing),
            (true, false) => AuthOutcome::Authenticated(user),
        }
    }

    /// Checks whether a second factor is required and the account has none.
    pub(super) fn owes_second_factor(&self, user: &User) -> bool {
        let rules = self.config().two_factor.as_ref();
        rules.is_some_and(|rules| rules.required && rules.strict) && method_of(user).is_none()
    }
}
