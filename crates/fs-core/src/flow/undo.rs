//! Undoing changes of the password, second factors and sign-in methods, by a link in the notice of
//! the change.
//!
//! An intruder with access to a session can set up a second factor, which locks the owner out even
//! after a password reset. So every notice of a change contains a link that restores the previous
//! state for a limited time. The time is short because anybody with access to the mailbox can use
//! the link.
//!
//! The link of a changed password restores no second factor: an owner who replaced a lost phone in
//! the meantime would be locked out by it.

use std::sync::Arc;

use super::FlowError;
use super::groups::SecondFactorFlows;
use super::register::audit;
use super::sign_out::forget;
use super::undo_state::Before;
use crate::Timestamp;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{CredentialKey, CredentialKind, CredentialRecord, User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, UniqueAttribute};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;
use crate::token::{PasswordUndoToken, UndoToken};

/// Number of attempts if the account changes at the same moment.
const TRIES: usize = 3;

/// Changes that an undo link undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoKind {
    /// All changes of second factors, recovery codes and sign-in methods.
    Factors,
    /// A change of the password.
    Password,
}

/// Validity of an undo link.
#[derive(Debug)]
#[must_use]
pub enum UndoCheck {
    /// The link undoes changes.
    Good {
        /// Account whose changes are undone.
        user: Arc<User>,
        /// Changes that the link undoes.
        kind: UndoKind,
        /// Time of the first change that is undone.
        since: Timestamp,
    },
    /// The link was not issued by this application, was altered or used, or has expired.
    Invalid,
}

/// Outcome of undoing changes.
#[derive(Debug)]
#[must_use]
pub enum UndoOutcome {
    /// The changes are undone. Every session, remembered browser, token and link of the account is
    /// revoked, and its password is removed.
    Done {
        /// Account as it is now.
        user: Arc<User>,
        /// Token that resets the password. Redirect the user to the reset page at once.
        reset: Secret,
    },
    /// The link was not issued by this application, was altered or used, or has expired. Nothing
    /// was changed.
    Invalid,
}

/// Link that undoes changes, with what the store has about it.
struct UndoLink {
    kind: UndoKind,
    record: CredentialRecord,
    user: User,
}

impl SecondFactorFlows<'_> {
    /// Checks an undo link. Changes nothing.
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
    /// use fs_core::flow::UndoCheck;
    ///
    /// match security.second_factors().check_undo(&ctx, token).await? {
    ///     UndoCheck::Good { since, .. } => println!("undo the changes since {since:?}?"),
    ///     UndoCheck::Invalid => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check_undo(self, ctx: &Context, token: &str) -> Result<UndoCheck, FlowError> {
        let Some(UndoLink { kind, record, user }) = self.core.undo_link(ctx, token).await? else {
            return Ok(UndoCheck::Invalid);
        };
        let since = match kind {
            UndoKind::Factors => {
                let all = self.core.undo_records(ctx, &user).await?;
                all.iter().map(|record| record.created_at).min()
            }
            UndoKind::Password => None,
        };
        let since = since.unwrap_or(record.created_at);
        Ok(UndoCheck::Good { user: Arc::new(user), kind, since })
    }

    /// Undoes the changes of which the owner says that they were not theirs.
    ///
    /// The link of a changed second factor, recovery codes or sign-in method undoes all such
    /// changes, back to the first one that can still be undone, whichever notice the link is from.
    /// Otherwise an intruder's first change would become the state to which the second one is
    /// undone. The link of a changed password keeps second factors and recovery codes, and their
    /// undo links.
    ///
    /// In both cases, all sessions, remembered browsers, tokens and other links of the account are
    /// revoked. The password is removed and must be reset, since the intruder may know it. If
    /// [`end_with_reset`] is set, the sign-in methods are removed as well: they would be a way in
    /// before the reset.
    ///
    /// [`end_with_reset`]: crate::config::Unified::end_with_reset
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if the source of randomness fails, [`FlowError::Contended`]
    /// if concurrent changes prevented the commit, and [`FlowError::Store`] if the database fails.
    /// Nothing was changed, and the link still works.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, token: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::UndoOutcome;
    ///
    /// match security.second_factors().undo_changes(&ctx, &mut session, token).await? {
    ///     UndoOutcome::Done { reset, .. } => println!("redirect to /reset/{}", reset.expose()),
    ///     UndoOutcome::Invalid => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn undo_changes(
        self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
    ) -> Result<UndoOutcome, FlowError> {
        for _ in 0..TRIES {
            // Something else changed at the same moment, such as a session of the intruder.
            if let Some(outcome) = self.core.try_undo(ctx, session, token).await? {
                return Ok(outcome);
            }
        }
        Err(FlowError::Contended(CommitError::Stale(Guard::Session)))
    }
}

impl Security {
    /// Returns a link that still works, or `None`.
    async fn undo_link(&self, ctx: &Context, token: &str) -> Result<Option<UndoLink>, FlowError> {
        let Some(within) = self.undo_within() else {
            return Ok(None);
        };
        let of_factors = UndoToken::verify(self.tokens(), token, ctx.now, within).ok();
        let of_password = PasswordUndoToken::verify(self.tokens(), token, ctx.now, within).ok();
        let (kind, name) = match (&of_factors, &of_password) {
            (Some(token), _) => (UndoKind::Factors, &token.name),
            (None, Some(token)) => (UndoKind::Password, &token.name),
            (None, None) => return Ok(None),
        };
        let is_for = |email: &str| {
            of_factors.as_ref().is_some_and(|token| token.is_for(email))
                || of_password.as_ref().is_some_and(|token| token.is_for(email))
        };
        let key = CredentialKey::of(kind.credential(), name.expose());
        let found = self.store().credential(&key, ctx.now).await?;
        let found = found.filter(|(record, user)| {
            record.kind == kind.credential() && user.active && is_for(&user.email)
        });
        Ok(found.map(|(record, user)| UndoLink {
            kind,
            record: Arc::unwrap_or_clone(record),
            user: Arc::unwrap_or_clone(user),
        }))
    }

    /// Undoes the changes. Returns `None` if the account has changed since it was read.
    async fn try_undo(
        &self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
    ) -> Result<Option<UndoOutcome>, FlowError> {
        let Some(link) = self.undo_link(ctx, token).await? else {
            return Ok(Some(UndoOutcome::Invalid));
        };
        let done = match link.kind {
            UndoKind::Factors => self.undo_factors(ctx, &link).await,
            UndoKind::Password => self.undo_password(ctx, &link).await,
        };
        let (user, reset) = match done {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(Some(UndoOutcome::Invalid)),
            Err(FlowError::Contended(CommitError::Stale(_))) => return Ok(None),
            Err(error) => return Err(error),
        };
        if session.sign_in().is_some_and(|sign_in| sign_in.user == user.id) {
            forget(session);
        }
        let subject = Subject::of(&user);
        self.emit(
            ctx,
            match link.kind {
                UndoKind::Factors => Event::FactorChangesUndone { user: subject },
                UndoKind::Password => Event::PasswordChangeUndone { user: subject },
            },
        );
        Ok(Some(UndoOutcome::Done { user: Arc::new(user), reset }))
    }

    /// Restores the oldest recorded state. Returns the user after it and a reset token, or `None`
    /// if no state can be read.
    async fn undo_factors(
        &self,
        ctx: &Context,
        link: &UndoLink,
    ) -> Result<Option<(User, Secret)>, FlowError> {
        let user = &link.user;
        let all = self.undo_records(ctx, user).await?;
        let oldest_first = all.iter().rev();
        let mut states: Vec<_> =
            oldest_first.filter_map(|record| self.open_state(record)).collect();
        states.sort_by_key(|state| state.number);
        if states.is_empty() {
            return Ok(None);
        }
        let mut oldest = states.remove(0);
        if self.resets_end_methods() {
            oldest = oldest.without_methods();
        }
        states.push(Before::of(user, 0));
        let (batch, after) = self.undo_batch(ctx, link, oldest.fields(&states))?;
        // Drawn before the commit: a failure changes nothing.
        let reset = self.reset_link_token(ctx, &after)?;
        match self.store().commit(batch).await {
            Err(CommitError::Conflict(UniqueAttribute::Phone)) => {}
            written => return Ok(written.map(|_| Some((after, reset)))?),
        }
        // Another account has the phone number by now.
        let without_phone = oldest.without_phone().fields(&states);
        let (batch, after) = self.undo_batch(ctx, link, without_phone)?;
        let reset = self.reset_link_token(ctx, &after)?;
        self.store().commit(batch).await?;
        Ok(Some((after, reset)))
    }

    /// Removes the password, as the first half of a reset. Returns the user after it and a reset
    /// token.
    async fn undo_password(
        &self,
        ctx: &Context,
        link: &UndoLink,
    ) -> Result<Option<(User, Secret)>, FlowError> {
        let without_methods = self.without_methods(&link.user);
        let (mut batch, after) = self.undo_batch(ctx, link, without_methods)?;
        batch.extend(self.forget_methods_to_undo(ctx, &after).await?);
        let reset = self.reset_link_token(ctx, &after)?;
        self.store().commit(batch).await?;
        Ok(Some((after, reset)))
    }

    /// Returns the batch that writes `set` and revokes all access to the account, and the user
    /// after it.
    fn undo_batch(
        &self,
        ctx: &Context,
        link: &UndoLink,
        mut set: Vec<UserField>,
    ) -> Result<(Batch, User), FlowError> {
        let UndoLink { kind, record, user } = link;
        set.push(UserField::Password(None));
        set.push(UserField::Uniquifier(self.new_uniquifier()?));
        if user.token_uniquifier.is_some() {
            set.push(UserField::TokenUniquifier(Some(self.new_uniquifier()?)));
        }
        let mut after = user.clone();
        set.iter().cloned().for_each(|field| field.write(&mut after));
        let mut expect = Before::guards(user);
        expect.push(UserField::Active(true));
        expect.push(UserField::Uniquifier(user.uniquifier.clone()));
        let update = Change::UpdateUser { user: user.id.clone(), expect, set };
        // Of two concurrent requests, one succeeds.
        let spent =
            Change::RemoveCredential { key: record.key.clone(), expect: Some(record.revision) };
        let end = Change::EndSessionsOf { uniquifier: user.uniquifier.clone(), except: None };
        let mut batch = Batch::from(update).and(spent).and(end);
        let ended = CredentialKind::ALL.into_iter().filter(|ended| kind.ends(*ended));
        batch.extend(ended.map(|kind| Change::RemoveCredentialsOf {
            owner: user.id.clone(),
            kind,
            except: None,
        }));
        batch.extend(self.forget_changes(user));
        batch.extend(self.forget_reset_mails(user));
        let action = match kind {
            UndoKind::Factors => "factor_changes_undone",
            UndoKind::Password => "password_change_undone",
        };
        batch.push(audit(ctx, action, Some(&user.id)));
        Ok((batch, after))
    }
}

impl UndoKind {
    /// Returns the kind of the records behind the links.
    const fn credential(self) -> CredentialKind {
        match self {
            Self::Factors => CredentialKind::FactorUndo,
            Self::Password => CredentialKind::PasswordUndo,
        }
    }

    /// Checks whether an undo ends the credentials of a kind.
    fn ends(self, credential: CredentialKind) -> bool {
        self == Self::Factors || credential != CredentialKind::FactorUndo
    }
}
