//! Signing in with a remember cookie.

use std::sync::Arc;

use super::FlowError;
use super::establish::IssuedSession;
use super::family::{self, FamilyCookie, Standing, Use};
use super::groups::SessionFlows;
use super::register::audit;
use super::remember::RememberChange;
use super::sign_out::still_there;
use super::uniquifier::is_session_of;
use crate::authn::{AuthFailure, AuthOutcome};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{CredentialRecord, SessionKind, SessionRecord, User, UserField};
use crate::port::{Batch, Change, CommitError, ExpectedCredential, Guard, MailKind};
use crate::security::Security;
use crate::session::Session;
use crate::token::{RememberToken, TokenFormat};

/// Result of using a remember cookie.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub struct Restored {
    /// User that the session is signed in as now, or the reason why it is not signed in.
    pub outcome: AuthOutcome,
    /// Change of the remember cookie. The old one is used up: send this even if the request fails
    /// later.
    pub remember: RememberChange,
}

impl Restored {
    fn nobody(why: AuthFailure) -> Self {
        Self { outcome: AuthOutcome::Refused(why), remember: RememberChange::Keep }
    }
}

/// Maximum number of attempts to use a cookie while parallel requests use it.
const TRIES: usize = 4;

/// Result of one attempt to use a cookie.
enum Look {
    Again,
    Done(Box<Restored>),
}

impl Look {
    fn done(restored: Restored) -> Result<Self, FlowError> {
        Ok(Self::Done(Box::new(restored)))
    }
}

impl SessionFlows<'_> {
    /// Signs a remembered browser in. The session is never fresh. Otherwise it is like any other: a
    /// pending sign-in is discarded, and the CSRF secret is that of the remembered browser.
    ///
    /// The cookie is used up, and [`Restored::remember`] contains the next one. Requests with the
    /// same cookie that arrive at the same time, or within a minute, share one session and one next
    /// cookie. After that, a used cookie must be a copy: the remembered browser is revoked with
    /// every session created from it, and its owner is notified by mail.
    ///
    /// [`Restored::outcome`] is a refusal if the cookie is not valid, was revoked, has expired, or if
    /// its user may not sign in.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, and [`FlowError::Contended`] if parallel
    /// requests used the cookie repeatedly at the same time. The cookie is still valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, cookie: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::authn::AuthOutcome;
    ///
    /// let restored = security.sessions().restore_remembered(&ctx, &mut session, cookie).await?;
    /// match &restored.outcome {
    ///     AuthOutcome::Authenticated(user) => println!("signed in as {}", user.email),
    ///     AuthOutcome::Refused(failure) => println!("not signed in: {failure}"),
    /// }
    /// // In both cases, change the cookie as `restored.remember` says.
    /// # Ok(())
    /// # }
    /// ```
    pub async fn restore_remembered(
        self,
        ctx: &Context,
        session: &mut Session,
        cookie: &str,
    ) -> Result<Restored, FlowError> {
        if self.core.config().token_format == TokenFormat::Itsdangerous {
            return self.core.restore_by_uniquifier(ctx, session, cookie).await;
        }
        let cookie = match self.core.family_cookie(ctx, cookie) {
            Ok(cookie) => cookie,
            Err(failure) => return Ok(Restored::nobody(failure)),
        };
        for _ in 0..TRIES {
            if let Look::Done(restored) = self.core.use_cookie(ctx, session, &cookie).await? {
                return Ok(*restored);
            }
        }
        Err(FlowError::Contended(CommitError::Stale(Guard::Credential(cookie.key()))))
    }
}

impl Security {
    async fn use_cookie(
        &self,
        ctx: &Context,
        session: &mut Session,
        cookie: &FamilyCookie,
    ) -> Result<Look, FlowError> {
        let found = self.store().credential(&cookie.key(), ctx.now).await?;
        let Some((record, user)) = found else {
            return Look::done(Restored::nobody(AuthFailure::Ended));
        };
        match family::standing(&record, &user, cookie, ctx.now) {
            Standing::Ended => Look::done(Restored::nobody(AuthFailure::Ended)),
            Standing::Reused => self.end_reused(ctx, &record, &user).await,
            _ if !user.active => Look::done(Restored::nobody(AuthFailure::Deactivated)),
            _ if self.owes_second_factor(&user) => {
                Look::done(Restored::nobody(AuthFailure::FactorMissing))
            }
            Standing::Current => self.rotate(ctx, session, cookie, &record, user).await,
            Standing::Late => self.share(ctx, session, cookie, &record, user).await,
        }
    }

    /// Uses the newest cookie of a family.
    async fn rotate(
        &self,
        ctx: &Context,
        session: &mut Session,
        cookie: &FamilyCookie,
        before: &CredentialRecord,
        user: Arc<User>,
    ) -> Result<Look, FlowError> {
        let nonce = self.random()?;
        let rotated = family::rotate(before, cookie, self.family_key(), nonce, ctx.now);
        let Some((rotated, used)) = rotated else {
            return Look::done(Restored::nobody(AuthFailure::Ended));
        };
        let expires_at = ctx.now.plus(self.config().sessions.lifetime);
        let (kind, of) = (SessionKind::SignIn, &user.uniquifier);
        let record = self.record_of(ctx, &used.session, kind, of, expires_at);
        let record = SessionRecord {
            authenticated_at: None,
            expires_at: record.expires_at.min(rotated.expires_at),
            parent: Some(rotated.key.clone()),
            ..record
        };
        let expect = ExpectedCredential::Revision(before.revision);
        let batch = Batch::from(still_trusted(&user))
            .and(Change::PutCredential { credential: Box::new(rotated), expect })
            .and(Change::InsertSession(record));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Credential(_))) => return Ok(Look::Again),
            Err(CommitError::Stale(Guard::User(_))) => {
                return Look::done(Restored::nobody(AuthFailure::Ended));
            }
            Err(error) => return Err(error.into()),
        }
        Look::done(self.resume(session, cookie, before, used, user))
    }

    /// Gives a parallel request of the same browser the same result as the first one.
    async fn share(
        &self,
        ctx: &Context,
        session: &mut Session,
        cookie: &FamilyCookie,
        record: &CredentialRecord,
        user: Arc<User>,
    ) -> Result<Look, FlowError> {
        let Some(used) = family::last_use(record, cookie, self.family_key()) else {
            return Look::done(Restored::nobody(AuthFailure::Ended));
        };
        let found = self.store().session(&used.session.key(), ctx.now).await?;
        Look::done(match found {
            Some((current, owner)) if owner.id == user.id && is_session_of(&current, &owner) => {
                self.resume(session, cookie, record, used, owner)
            }
            // The session was revoked in the meantime, and with it this browser.
            _ => Restored::nobody(AuthFailure::Ended),
        })
    }

    /// Signs the browser in after a use.
    fn resume(
        &self,
        session: &mut Session,
        cookie: &FamilyCookie,
        record: &CredentialRecord,
        used: Use,
        user: Arc<User>,
    ) -> Restored {
        let renews = self.config().sessions.renew_csrf_at_sign_in;
        let lasts = used.at.plus(self.config().sessions.lifetime);
        let issued = IssuedSession {
            id: used.session,
            authenticated_at: None,
            factor_at: None,
            csrf: renews.then(|| cookie.csrf(self.family_key())),
            parent: Some(record.key.clone()),
            until: lasts.min(record.expires_at),
        };
        issued.take(session, &user);
        let remember = match used.next {
            Some(next) => RememberChange::Set {
                // Parallel requests get exactly the same cookie.
                cookie: RememberToken::issue(self.tokens(), &next.to_text(), used.at),
                expires_at: record.expires_at,
            },
            None => RememberChange::Keep,
        };
        Restored { outcome: AuthOutcome::Authenticated(user), remember }
    }

    /// Revokes a family whose cookie was reused, and notifies its owner.
    async fn end_reused(
        &self,
        ctx: &Context,
        record: &CredentialRecord,
        user: &User,
    ) -> Result<Look, FlowError> {
        let (key, expect) = (record.key.clone(), Some(record.revision));
        let batch = Batch::from(still_there(&user.id))
            .and(Change::RemoveCredential { key, expect })
            .and(audit(ctx, "remember_cookie_reused", Some(&user.id)))
            .and(self.mail(ctx, user, MailKind::RememberedBrowserEnded)?);
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(_)) => return Ok(Look::Again),
            Err(error) => return Err(error.into()),
        }
        self.mail_waits();
        self.emit(ctx, Event::RememberCookieReused { user: Subject::of(user) });
        Look::done(Restored {
            outcome: AuthOutcome::Refused(AuthFailure::Ended),
            remember: RememberChange::Clear,
        })
    }

    /// Signs in with a cookie that contains the uniquifier.
    async fn restore_by_uniquifier(
        &self,
        ctx: &Context,
        session: &mut Session,
        cookie: &str,
    ) -> Result<Restored, FlowError> {
        let user = match self.user_of_lasting_cookie(ctx, cookie).await? {
            Ok(user) if user.active && self.owes_second_factor(&user) => {
                return Ok(Restored::nobody(AuthFailure::FactorMissing));
            }
            Ok(user) if user.active => user,
            Ok(_) => return Ok(Restored::nobody(AuthFailure::Deactivated)),
            Err(failure) => return Ok(Restored::nobody(failure)),
        };
        let expires_at = ctx.now.plus(self.config().sessions.lifetime);
        let (id, mut record) =
            self.session_record(ctx, SessionKind::SignIn, &user.uniquifier, expires_at)?;
        record.authenticated_at = None;
        let issued = self.issued(id, &record)?;
        let batch = Batch::from(still_trusted(&user)).and(Change::InsertSession(record));
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::User(_))) => {
                return Ok(Restored::nobody(AuthFailure::Ended));
            }
            Err(error) => return Err(error.into()),
        }
        issued.take(session, &user);
        let outcome = AuthOutcome::Authenticated(user);
        Ok(Restored { outcome, remember: RememberChange::Keep })
    }
}

/// Returns the guard that the account is still active and has the same uniquifier.
fn still_trusted(user: &User) -> Change {
    Change::UpdateUser {
        user: user.id.clone(),
        expect: vec![UserField::Active(true), UserField::Uniquifier(user.uniquifier.clone())],
        set: Vec::new(),
    }
}
