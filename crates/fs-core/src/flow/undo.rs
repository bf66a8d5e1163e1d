//! Undoing changes of second factors and sign-in methods, by a link in the notice of the change.
//!
//! An intruder with access to a session can set up a second factor, which locks the owner out even
//! after a password reset. So every notice of a change contains a link that restores the previous
//! state for a limited time. The time is short because anybody with access to the mailbox can use
//! the link.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::FlowError;
use super::groups::SecondFactorFlows;
use super::register::audit;
use super::sign_out::forget;
use super::undo_state::Before;
use crate::Timestamp;
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::model::{CredentialKey, CredentialKind, CredentialRecord, User, UserField, UserId};
use crate::port::{
    Batch, Change, CommitError, ExpectedCredential, Guard, MailKind, UniqueAttribute,
};
use crate::secret::Secret;
use crate::security::Security;
use crate::session::Session;
use crate::token::UndoToken;

/// Number of attempts if the account changes at the same moment.
const TRIES: usize = 3;

const KIND: CredentialKind = CredentialKind::FactorUndo;

/// Validity of an undo link.
#[derive(Debug)]
#[must_use]
pub enum UndoCheck {
    /// The link undoes changes.
    Good {
        /// Account whose changes are undone.
        user: Box<User>,
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
    /// Second factor, recovery codes and sign-in methods are as they were before the first change.
    /// Every session, remembered browser, token and link of the account is revoked, and its
    /// password is removed.
    Done {
        /// Account as it is now.
        user: Box<User>,
        /// Token that resets the password. Redirect the user to the reset page at once.
        reset: Secret,
    },
    /// The link was not issued by this application, was altered or used, or has expired. Nothing
    /// was changed.
    Invalid,
}

/// Returns the changes by which somebody other than the owner changes second factors and sign-in
/// methods: an administrator, or whoever proves to be the owner of the mailbox of an account that
/// somebody else registered. They end the undo links of the account: what is removed here must not
/// be brought back, and what was used before a replacement must not be forgotten.
pub(super) fn changed_by_another(
    user: &UserId,
    expect: Vec<UserField>,
    set: Vec<UserField>,
) -> [Change; 2] {
    [
        Change::UpdateUser { user: user.clone(), expect, set },
        Change::RemoveCredentialsOf { owner: user.clone(), kind: KIND, except: None },
    ]
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
        Ok(match self.core.undo_records(ctx, token).await? {
            Some((record, user, all)) => {
                let times = all.iter().map(|record| record.created_at);
                let since = times.min().unwrap_or(record.created_at);
                UndoCheck::Good { user: Box::new(user), since }
            }
            None => UndoCheck::Invalid,
        })
    }

    /// Undoes all changes of the second factor and the sign-in methods, back to the first one that
    /// can still be undone, whichever notice the link is from. Otherwise an intruder's first change
    /// would become the state to which the second one is undone.
    ///
    /// All sessions, remembered browsers, tokens and links of the account are revoked, including
    /// all other undo links. The password is removed and must be reset, since the intruder may know
    /// it.
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

/// Returns the guard of everything that an undo record holds. Each recorded change writes some of
/// it, so none is recorded between the read of `user` and the commit.
pub(super) fn recorded_state_still_so(user: &User) -> Change {
    let expect = Before::guards(user);
    Change::UpdateUser { user: user.id.clone(), expect, set: Vec::new() }
}

impl Security {
    /// Returns the period in which a change can be undone, or `None` if changes cannot be undone.
    fn undo_within(&self) -> Option<Duration> {
        self.config().recovery.as_ref()?.undo_within
    }

    /// Records the state of `user` before a change, in the batch of the change. Returns the token
    /// of the link for the notice and its validity period, or `None` if changes cannot be undone.
    ///
    /// The batch is refused if the state has changed since `user` was read. Otherwise a recovery
    /// code that is used at the same moment would be recorded as unused.
    ///
    /// Records are numbered, since clocks of several nodes differ. As the state is guarded, two
    /// changes with the same number leave the account as it was between them.
    async fn note_undo(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
    ) -> Result<Option<(Secret, Duration)>, FlowError> {
        let Some(within) = self.undo_within() else {
            return Ok(None);
        };
        let random: [u8; 32] = self.random()?;
        let name = Secret::from(data_encoding::HEXLOWER.encode(&random));
        let earlier = self.store().credentials_of(&user.id, KIND, ctx.now).await?;
        let earlier = earlier.iter().filter_map(|record| self.open_state(record));
        let number = earlier.map(|state| state.number).max().map_or(0, |last| last + 1);
        let Some(sealed) = self.seal_state(&Before::of(user, number))? else {
            return Ok(None);
        };
        let credential = CredentialRecord {
            key: CredentialKey::of(KIND, name.expose()),
            kind: KIND,
            owner: user.id.clone(),
            value: Value::from(sealed),
            created_at: ctx.now,
            used_at: None,
            // Ages are whole seconds, and the last one is included.
            expires_at: ctx.now.plus(within).plus(Duration::from_secs(1)),
            revision: 0,
        };
        let (credential, expect) = (Box::new(credential), ExpectedCredential::Absent);
        batch.push(Change::PutCredential { credential, expect });
        batch.push_first(recorded_state_still_so(user));
        Ok(Some((UndoToken::issue(self.tokens(), &name, ctx.now), within)))
    }

    /// Records the state before a change in the batch that changes it, and adds the notice that
    /// `kind` makes of the undo link, if `send` is set. Other notices lead back to the state as well.
    pub(super) async fn notify_of_change(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
        send: bool,
        kind: impl for<'a> FnOnce(Option<(&'a str, Duration)>) -> MailKind<'a>,
    ) -> Result<(), FlowError> {
        let undo = self.note_undo(ctx, batch, user).await?;
        if send {
            let undo = undo.as_ref().map(|(token, within)| (token.expose(), *within));
            batch.push(self.mail(ctx, user, kind(undo))?);
        }
        Ok(())
    }

    /// Returns the changes that keep an older undo link from restoring sign-in methods that a
    /// password reset removes. Second factors can still be restored.
    pub(super) async fn forget_methods_to_undo(
        &self,
        ctx: &Context,
        user: &User,
    ) -> Result<Vec<Change>, FlowError> {
        let ends = self.config().unified.as_ref().is_some_and(|rules| rules.end_with_reset);
        if !ends || self.undo_within().is_none() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        for record in self.store().credentials_of(&user.id, KIND, ctx.now).await? {
            let state = self.open_state(&record);
            let Some(state) = state.filter(Before::has_methods) else {
                continue;
            };
            let Some(sealed) = self.seal_state(&state.without_methods())? else { continue };
            let expect = ExpectedCredential::Revision(record.revision);
            let credential = Box::new(CredentialRecord { value: Value::from(sealed), ..record });
            changes.push(Change::PutCredential { credential, expect });
        }
        Ok(changes)
    }

    fn seal_state(&self, state: &Before) -> Result<Option<String>, FlowError> {
        let text = serde_json::to_string(state).unwrap_or_default();
        Ok(self.undo_sealer().seal_text(&text, self.random()?))
    }

    fn open_state(&self, record: &CredentialRecord) -> Option<Before> {
        let text = self.undo_sealer().open_text(record.value.as_str()?)?;
        serde_json::from_str(&text).ok()
    }

    /// Returns the record of a link, its owner, and all undo records of the owner.
    async fn undo_records(
        &self,
        ctx: &Context,
        token: &str,
    ) -> Result<Option<(CredentialRecord, User, Vec<CredentialRecord>)>, FlowError> {
        let Some(within) = self.undo_within() else {
            return Ok(None);
        };
        let Ok(token) = UndoToken::verify(self.tokens(), token, ctx.now, within) else {
            return Ok(None);
        };
        let key = CredentialKey::of(KIND, token.name.expose());
        let found = self.store().credential(&key, ctx.now).await?;
        let found = found.filter(|(record, user)| record.kind == KIND && user.active);
        let Some((record, user)) = found else {
            return Ok(None);
        };
        let all = self.store().credentials_of(&user.id, KIND, ctx.now).await?;
        Ok(Some((Arc::unwrap_or_clone(record), Arc::unwrap_or_clone(user), all)))
    }

    /// Undoes the changes. Returns `None` if the account has changed since it was read.
    async fn try_undo(
        &self,
        ctx: &Context,
        session: &mut Session,
        token: &str,
    ) -> Result<Option<UndoOutcome>, FlowError> {
        let Some((record, user, all)) = self.undo_records(ctx, token).await? else {
            return Ok(Some(UndoOutcome::Invalid));
        };
        let oldest_first = all.iter().rev();
        let mut states: Vec<_> =
            oldest_first.filter_map(|record| self.open_state(record)).collect();
        states.sort_by_key(|state| state.number);
        if states.is_empty() {
            return Ok(Some(UndoOutcome::Invalid));
        }
        let oldest = states.remove(0);
        states.push(Before::of(&user, 0));
        let restored = oldest.fields(&states);
        let (batch, mut after) = self.undo_batch(ctx, &record, &user, restored)?;
        // Drawn before the commit: a failure changes nothing.
        let mut reset = self.reset_link_token(ctx, &after)?;
        let mut written = self.store().commit(batch).await;
        if matches!(written, Err(CommitError::Conflict(UniqueAttribute::Phone))) {
            // Another account has the phone number by now.
            let without_phone = oldest.without_phone().fields(&states);
            let (batch, without) = self.undo_batch(ctx, &record, &user, without_phone)?;
            reset = self.reset_link_token(ctx, &without)?;
            written = self.store().commit(batch).await;
            after = without;
        }
        match written {
            Ok(_) => {}
            Err(CommitError::Stale(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let user = after;
        if session.sign_in().is_some_and(|sign_in| sign_in.user == user.id) {
            forget(session);
        }
        self.emit(ctx, Event::FactorChangesUndone { user: Subject::of(&user) });
        Ok(Some(UndoOutcome::Done { user: Box::new(user), reset }))
    }

    /// Returns the batch that undoes the changes, and the user after it.
    fn undo_batch(
        &self,
        ctx: &Context,
        record: &CredentialRecord,
        user: &User,
        mut set: Vec<UserField>,
    ) -> Result<(Batch, User), FlowError> {
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
        batch.extend(CredentialKind::ALL.map(|kind| Change::RemoveCredentialsOf {
            owner: user.id.clone(),
            kind,
            except: None,
        }));
        batch.extend(self.forget_changes(user));
        batch.push(audit(ctx, "factor_changes_undone", Some(&user.id)));
        Ok((batch, after))
    }
}
