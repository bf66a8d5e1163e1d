//! Signing out.

use super::family::{FamilyCookie, GRACE};
use super::groups::SessionFlows;
use super::{FlowError, RememberChange};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{CredentialKey, SessionRecord, User, UserId};
use crate::port::{Batch, Change, CommitError, Guard, UserLookup};
use crate::second_factor::Pending;
use crate::security::Security;
use crate::session::{CsrfCookieState, Session, SessionSignIn};

/// Number of changes after each other through which a sign-out follows a session.
const CHANGES: usize = 64;

/// Number of rounds in which replaced sessions are ended.
const ROUNDS: usize = 5;

impl SessionFlows<'_> {
    /// Signs out: ends the session and revokes the remembered browser. This also ends every session
    /// of the same sign-in, such as one that a copy of the cookie made fresh, and every session
    /// created from the remember cookie or a copy of it. The application's own values in the
    /// session are removed as well, so that the next person at the browser does not see them.
    ///
    /// `user` is the signed-in user, for the event, and `remember_cookie` the remember cookie of
    /// the request.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails. The session is still valid; do not tell
    /// the user otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// #     cookie: Option<&str>,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::RememberChange;
    ///
    /// let change = security.sessions().sign_out(&ctx, &mut session, Some(&user), cookie).await?;
    /// if change == RememberChange::Clear {
    ///     println!("remove the remember cookie");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sign_out(
        self,
        ctx: &Context,
        session: &mut Session,
        user: Option<&User>,
        remember_cookie: Option<&str>,
    ) -> Result<RememberChange, FlowError> {
        let family = remember_cookie.and_then(|cookie| self.core.family_cookie(ctx, cookie).ok());
        let sign_in = session.sign_in();
        let parent = sign_in.and_then(|sign_in| sign_in.parent.clone());
        let parents: Vec<_> =
            parent.into_iter().chain(family.as_ref().map(FamilyCookie::key)).collect();
        let end = |key| Change::RemoveCredential { key, expect: None };
        let mut batch = Batch::new();
        // A copy of the session that renews itself at this moment comes first or fails.
        batch.extend(sign_in.map(|sign_in| still_there(&sign_in.user)));
        batch.extend(sign_in.map(|sign_in| Change::EndLiveSession(sign_in.id.key())));
        batch.extend(parents.iter().cloned().map(end));
        let waiting = session.pending().and_then(Pending::waiting_session);
        batch.extend(waiting.map(Change::EndSession));
        // A copy of the cookie must not complete the sign-in that is given up here. This comes first:
        // if it fails, the session is still as it was.
        if let Some(pending) = session.pending() {
            match self.core.store().commit(self.core.spend_pending(pending).into()).await {
                Ok(_) | Err(CommitError::Stale(Guard::Secret)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let remembered = self.core.family_of(ctx, remember_cookie).await?;
        let remembered =
            remembered.filter(|(owner, _)| sign_in.is_none_or(|sign_in| sign_in.user != *owner));
        if !batch.is_empty() {
            match (self.core.store().commit(batch).await, sign_in) {
                // The session was replaced, in another tab or by a copy of the cookie; or the account
                // was deleted, and its sessions with it.
                (Err(CommitError::Stale(Guard::Session | Guard::User(_))), Some(sign_in)) => {
                    self.core.end_replaced(ctx, sign_in, family.as_ref(), parents).await?;
                }
                (committed, _) => drop(committed?),
            }
        }
        if let Some((owner, family)) = remembered {
            self.core.end_lineage(&owner, family).await?;
        }
        forget(session);
        if let Some(user) = user {
            self.core.emit(ctx, Event::UserSignedOut { user: Subject::of(user) });
        }
        Ok(match remember_cookie {
            Some(_) => RememberChange::Clear,
            None => RememberChange::Keep,
        })
    }
}

impl Security {
    /// Ends what took the place of a session that no longer exists.
    async fn end_replaced(
        &self,
        ctx: &Context,
        sign_in: &SessionSignIn,
        family: Option<&FamilyCookie>,
        mut parents: Vec<CredentialKey>,
    ) -> Result<(), FlowError> {
        let heir_of = |key: &CredentialKey| Some(key.heir());
        let of_session = sign_in.parent.as_ref().map(CredentialKey::heir);
        let of_session = std::iter::successors(of_session, heir_of).take(CHANGES);
        let of_family =
            family.into_iter().flat_map(|family| family.heirs(self.family_key()).take(CHANGES));
        let heirs: Vec<_> = of_session.chain(of_family).collect();
        // A copy may replace its session once more while this one ends it.
        for round in 0..ROUNDS {
            let by = UserLookup::Id(sign_in.user.clone());
            // The sessions and credentials of a deleted account are deleted with it.
            let Some(user) = self.store().user(&by).await? else { break };
            let sessions = self.store().sessions_of(&user.uniquifier, ctx.now).await?;
            let made_by =
                |key: &CredentialKey, record: &SessionRecord| record.parent.as_ref() == Some(key);
            // A change was committed while the browser asked to be signed out. Only a change of
            // this moment counts: an old cookie must not end later sessions.
            let recent = |heir: &&CredentialKey| {
                let mut of_heir = sessions.iter().filter(|record| made_by(heir, record));
                of_heir.any(|record| ctx.now.since(record.created_at) <= GRACE)
            };
            let found: Vec<_> = heirs.iter().filter(recent).cloned().collect();
            parents.extend(found);
            // The first round revokes a remembered browser as well, which may have no session.
            let any = sessions.iter().any(|record| parents.iter().any(|key| made_by(key, record)));
            if round > 0 && !any {
                break;
            }
            let end = |key| Change::RemoveCredential { key, expect: None };
            let mut batch = Batch::from(still_there(&user.id));
            batch.extend(parents.iter().cloned().map(end));
            match self.store().commit(batch).await {
                Ok(_) | Err(CommitError::Stale(Guard::User(_))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Security {
    /// Ends the sessions of the same sign-in as a session that was ended already. A copy may have
    /// renewed itself in the meantime, since the commit that ended it did not write its account.
    pub(super) async fn end_copies(&self, left: &SessionSignIn) -> Result<(), FlowError> {
        match left.parent.clone() {
            Some(parent) => self.end_lineage(&left.user, parent).await,
            None => Ok(()),
        }
    }

    /// Ends all sessions of a sign-in or of a remembered browser of `owner`.
    pub(super) async fn end_lineage(
        &self,
        owner: &UserId,
        key: CredentialKey,
    ) -> Result<(), FlowError> {
        let batch =
            Batch::from(still_there(owner)).and(Change::RemoveCredential { key, expect: None });
        match self.store().commit(batch).await {
            // The sessions of a deleted account are deleted with it.
            Ok(_) | Err(CommitError::Stale(Guard::User(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the guard of an account that exists. Everything that renews a session writes the account
/// first, so a commit with this guard does not run beside a renewal.
pub(super) fn still_there(user: &UserId) -> Change {
    Change::UpdateUser { user: user.clone(), expect: Vec::new(), set: Vec::new() }
}

/// Removes from a browser's session what belongs to the user who was signed in.
pub(super) fn forget(session: &mut Session) {
    session.set_pending(None);
    session.set_enrolment(None);
    session.set_registered(None);
    if session.sign_in().is_some() {
        session.set_sign_in(None);
        session.set_csrf(None);
        if session.csrf_cookie() != CsrfCookieState::Absent {
            session.set_csrf_cookie(CsrfCookieState::Clear);
        }
    }
}
