//! Records of the state before a change of the password, second factors and sign-in methods, to
//! which an undo link returns.

use std::time::Duration;

use serde_json::Value;

use super::FlowError;
use super::undo_state::Before;
use crate::context::Context;
use crate::model::{CredentialKey, CredentialKind, CredentialRecord, User, UserField, UserId};
use crate::port::{Batch, Change, ExpectedCredential, MailKind};
use crate::secret::Secret;
use crate::security::Security;
use crate::token::{PasswordUndoToken, UndoToken};

const KIND: CredentialKind = CredentialKind::FactorUndo;

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

/// Returns the change that ends the links that undo a change of the password, since its owner
/// proved to be one by mail.
pub(super) fn no_password_undo(user: &UserId) -> Change {
    let kind = CredentialKind::PasswordUndo;
    Change::RemoveCredentialsOf { owner: user.clone(), kind, except: None }
}

/// Returns the guard of everything that an undo record holds. Each recorded change writes some of
/// it, so none is recorded between the read of `user` and the commit.
pub(super) fn recorded_state_still_so(user: &User) -> Change {
    let expect = Before::guards(user);
    Change::UpdateUser { user: user.id.clone(), expect, set: Vec::new() }
}

impl Security {
    /// Returns the period in which a change can be undone, or `None` if changes cannot be undone.
    pub(super) fn undo_within(&self) -> Option<Duration> {
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
        let name = self.undo_name()?;
        let earlier = self.undo_records(ctx, user).await?;
        let earlier = earlier.iter().filter_map(|record| self.open_state(record));
        let number = earlier.map(|state| state.number).max().map_or(0, |last| last + 1);
        let Some(sealed) = self.seal_state(&Before::of(user, number))? else {
            return Ok(None);
        };
        let put = self.undo_credential(ctx, user, (KIND, &name), Value::from(sealed), within);
        batch.push(put);
        batch.push_first(recorded_state_still_so(user));
        Ok(Some((UndoToken::issue(self.tokens(), &name, &user.email, ctx.now), within)))
    }

    /// Records the state before a change in the batch that changes it, and adds the notice that
    /// `kind` makes of the undo link, if `send` is set. Other notices lead back to the state as
    /// well.
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

    /// Adds the notice of a new password, if notices are enabled, with a link that undoes the
    /// change.
    ///
    /// An owner who did not change the password needs a link that works: the change ends the reset
    /// links that were sent before, and whoever made it may have used up the limit of reset mails.
    pub(super) fn notify_of_password(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
    ) -> Result<(), FlowError> {
        if !self.config().password_change.as_ref().is_some_and(|rules| rules.send_notice) {
            return Ok(());
        }
        let mut undo = None;
        if let Some(within) = self.undo_within() {
            let (kind, name) = (CredentialKind::PasswordUndo, self.undo_name()?);
            batch.push(self.undo_credential(ctx, user, (kind, &name), Value::Null, within));
            let token = PasswordUndoToken::issue(self.tokens(), &name, &user.email, ctx.now);
            undo = Some((token, within));
        }
        let undo = undo.as_ref().map(|(token, within)| (token.expose(), *within));
        batch.push(self.mail(ctx, user, MailKind::ChangeNotice { undo })?);
        Ok(())
    }

    /// Returns the records of changes of second factors and sign-in methods, newest first.
    pub(super) async fn undo_records(
        &self,
        ctx: &Context,
        user: &User,
    ) -> Result<Vec<CredentialRecord>, FlowError> {
        Ok(self.store().credentials_of(&user.id, KIND, ctx.now).await?)
    }

    /// Draws the name of a record, which is the secret of its link.
    fn undo_name(&self) -> Result<Secret, FlowError> {
        let random: [u8; 32] = self.random()?;
        Ok(Secret::from(data_encoding::HEXLOWER.encode(&random)))
    }

    /// Returns the change that stores a record.
    fn undo_credential(
        &self,
        ctx: &Context,
        user: &User,
        (kind, name): (CredentialKind, &Secret),
        value: Value,
        within: Duration,
    ) -> Change {
        let credential = CredentialRecord {
            key: CredentialKey::of(kind, name.expose()),
            kind,
            owner: user.id.clone(),
            value,
            created_at: ctx.now,
            used_at: None,
            // Ages are whole seconds, and the last one is included.
            expires_at: ctx.now.plus(within).plus(Duration::from_secs(1)),
            revision: 0,
        };
        let (credential, expect) = (Box::new(credential), ExpectedCredential::Absent);
        Change::PutCredential { credential, expect }
    }

    /// Returns the changes that keep an older undo link from restoring sign-in methods that a
    /// password reset removes. Second factors can still be restored.
    pub(super) async fn forget_methods_to_undo(
        &self,
        ctx: &Context,
        user: &User,
    ) -> Result<Vec<Change>, FlowError> {
        if !self.resets_end_methods() || self.undo_within().is_none() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        for record in self.undo_records(ctx, user).await? {
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

    pub(super) fn open_state(&self, record: &CredentialRecord) -> Option<Before> {
        let text = self.undo_sealer().open_text(record.value.as_str()?)?;
        serde_json::from_str(&text).ok()
    }
}
