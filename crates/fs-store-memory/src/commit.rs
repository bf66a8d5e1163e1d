//! Atomic batches: each change is applied at once with an undo record, and all are undone if one
//! fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, Permissions, Role, SessionKey,
    SessionRecord, Uniquifier, UserField, UserId,
};
use fs_core::port::{
    AuditEntry, Batch, Change, CommitError, Counter, ExpectedCredential, Guard, OutboxEntry,
    OutboxId, OutgoingMessage, Receipt, SpentSecret, UniqueAttribute,
};
use fs_core::secret::Secret;

use crate::outbox::Waiting;
use crate::state::{AUDIT_ENTRIES, State};
use crate::users::Account;

/// Number of expired entries that a commit removes for each one that it adds.
const FORGET: usize = 4;

/// Applies all changes of the batch, or none.
pub(crate) fn commit(state: &mut State, batch: Batch) -> Result<Receipt, CommitError> {
    let mut work = Work { state, undo: Vec::new(), receipt: Receipt::default() };
    for change in batch.changes() {
        if let Err(error) = work.apply(change.clone()) {
            work.take_back();
            return Err(error);
        }
    }
    let (receipt, undo) = (work.receipt, work.undo);
    for changed in undo {
        // Read now, so that the first read by somebody else costs what every later one does.
        if let Undo::User(key, _) = changed {
            state.user(key);
        }
    }
    if let Some(now) = batch.present() {
        for change in batch.changes() {
            forget_expired(state, change, now);
        }
    }
    Ok(receipt)
}

/// Removes some expired entries of the kind that the change added. Memory stays bounded, and no
/// commit takes long.
fn forget_expired(state: &mut State, change: &Change, now: Timestamp) {
    match change {
        Change::InsertSession(_) => state.sessions.forget_expired(now, FORGET),
        Change::PutCredential { .. } => state.credentials.forget_expired(now, FORGET),
        Change::Count { .. } => state.counters.forget_expired(now, FORGET),
        Change::Spend { .. } => state.spent.forget_expired(now, FORGET),
        Change::Audit(_) => {
            while state.audit.len() > AUDIT_ENTRIES {
                state.audit.pop_front();
            }
        }
        _ => {}
    }
}

/// Undo record: the value that a change replaced.
enum Undo {
    User(u64, Option<Arc<Account>>),
    Role(String, Option<Role>),
    SessionAdded(SessionKey),
    SessionRemoved(Arc<SessionRecord>),
    Credential(CredentialKey, Option<Arc<CredentialRecord>>),
    Spent(SpentSecret),
    Counter(Counter, Option<(u32, Timestamp)>),
    Message(OutboxId, Option<Waiting>),
    Audit,
}

struct Work<'a> {
    state: &'a mut State,
    undo: Vec<Undo>,
    receipt: Receipt,
}

type Outcome = Result<(), CommitError>;

impl Work<'_> {
    fn apply(&mut self, change: Change) -> Outcome {
        match change {
            Change::InsertUser(user) => self.insert_user(*user),
            Change::UpdateUser { user, expect, set } => self.update_user(&user, &expect, set),
            Change::DeleteUser(user) => self.delete_user(&user),
            Change::InsertRole(role) => self.insert_role(role),
            Change::SetPermissions { role, expect, set } => {
                self.set_permissions(&role, &expect, set)
            }
            Change::DeleteRole(role) => self.delete_role(&role),
            Change::Grant { user, role } => self.grant(user, role),
            Change::Revoke { user, role } => self.revoke(user, role),
            Change::InsertSession(session) => self.insert_session(session),
            Change::EndSession(id) => self.end_sessions([id]),
            Change::EndLiveSession(id) => self.end_live_session(id),
            Change::EndSessionsOf { uniquifier, except } => {
                self.end_sessions_of(&uniquifier, except.as_ref())
            }
            Change::PutCredential { credential, expect } => {
                self.put_credential(*credential, expect)
            }
            Change::RemoveCredential { key, expect } => self.remove_credential(key, expect),
            Change::RemoveCredentialsOf { owner, kind, except } => {
                self.remove_credentials(&owner, Some(kind), except.as_ref())
            }
            Change::CredentialUsed { key, at } => self.credential_used(key, at),
            Change::Spend { secret, until } => self.spend(secret, until),
            Change::Count { counter, now, cap, window } => self.count(counter, now, cap, window),
            Change::Uncount(counter) => self.uncount(counter),
            Change::ResetCount(counter) => self.put_counter(counter, None),
            Change::Enqueue(entry) => self.enqueue(*entry),
            Change::Delivered(id) => self.put_message(id, None),
            Change::DeliveryFailed { message, due, reason: _ } => self.put_back(message, due),
            Change::Audit(entry) => self.audit(entry),
        }
    }

    fn take_back(self) {
        let state = self.state;
        for undo in self.undo.into_iter().rev() {
            match undo {
                Undo::User(key, before) => drop(state.users.put(key, before)),
                Undo::Role(name, None) => drop(state.roles.remove(&name)),
                Undo::Role(name, Some(role)) => drop(state.roles.insert(name, role)),
                Undo::SessionAdded(key) => drop(state.sessions.remove(&key)),
                Undo::SessionRemoved(record) => state.sessions.insert(record),
                Undo::Credential(key, before) => drop(state.credentials.put(key, before)),
                Undo::Spent(secret) => drop(state.spent.put(secret, None)),
                Undo::Counter(counter, before) => drop(state.counters.put(counter, before)),
                Undo::Message(id, before) => drop(state.outbox.put(id, before)),
                Undo::Audit => drop(state.audit.pop_back()),
            }
        }
    }

    fn insert_user(&mut self, new: NewUser) -> Outcome {
        let key = self.state.users.next_key();
        let id = UserId::new(key.to_string());
        let roles: BTreeSet<_> = new.roles.iter().cloned().collect();
        if let Some(unknown) = roles.iter().find(|name| !self.state.roles.contains_key(*name)) {
            return Err(CommitError::Stale(Guard::Role(unknown.clone())));
        }
        self.put_user(key, Account::new(new.into_user(id.clone()), roles))?;
        self.receipt.users.push(id);
        Ok(())
    }

    fn update_user(&mut self, id: &UserId, expect: &[UserField], set: Vec<UserField>) -> Outcome {
        let (key, mut account) = self.account(id)?;
        if !expect.iter().all(|field| field.holds(&account.user)) {
            return Err(CommitError::Stale(Guard::User(id.clone())));
        }
        for field in set {
            field.write(&mut account.user);
        }
        self.put_user(key, account)
    }

    fn delete_user(&mut self, id: &UserId) -> Outcome {
        let (key, account) = self.account(id)?;
        self.undo.push(Undo::User(key, self.state.users.put(key, None)));
        self.remove_credentials(id, None, None)?;
        self.end_sessions_of(&account.user.uniquifier, None)
    }

    fn insert_role(&mut self, role: Role) -> Outcome {
        if self.state.roles.contains_key(&role.name) {
            return Err(CommitError::Conflict(UniqueAttribute::RoleName));
        }
        self.put_role(role.name.clone(), Some(role));
        Ok(())
    }

    fn set_permissions(&mut self, name: &str, expect: &Permissions, set: Permissions) -> Outcome {
        match self.state.roles.get(name) {
            Some(role) if role.permissions == *expect => {
                let role = Role { permissions: set, ..role.clone() };
                self.put_role(name.to_owned(), Some(role));
                self.edit_holders(name, |_| ())
            }
            _ => Err(CommitError::Stale(Guard::Role(name.to_owned()))),
        }
    }

    fn delete_role(&mut self, name: &str) -> Outcome {
        self.expect_role(name)?;
        self.edit_holders(name, |account| {
            account.roles.remove(name);
        })?;
        self.put_role(name.to_owned(), None);
        Ok(())
    }

    /// Replaces the accounts that hold a role, so that they are read with its current state.
    fn edit_holders(&mut self, role: &str, edit: impl Fn(&mut Account)) -> Outcome {
        for key in self.state.users.holders(role) {
            if let Some(account) = self.state.users.get(key) {
                let mut account = account.to_edit();
                edit(&mut account);
                self.put_user(key, account)?;
            }
        }
        Ok(())
    }

    fn grant(&mut self, user: UserId, role: String) -> Outcome {
        let (key, mut account) = self.account(&user)?;
        self.expect_role(&role)?;
        if !account.roles.insert(role.clone()) {
            return Err(CommitError::Stale(Guard::Grant { user, role }));
        }
        self.put_user(key, account)
    }

    fn revoke(&mut self, user: UserId, role: String) -> Outcome {
        if let Ok((key, mut account)) = self.account(&user)
            && account.roles.remove(&role)
        {
            return self.put_user(key, account);
        }
        Err(CommitError::Stale(Guard::Grant { user, role }))
    }

    fn insert_session(&mut self, session: SessionRecord) -> Outcome {
        if self.state.sessions.get(&session.key).is_some() {
            return Err(CommitError::Stale(Guard::Session));
        }
        self.undo.push(Undo::SessionAdded(session.key.clone()));
        self.state.sessions.insert(Arc::new(session));
        Ok(())
    }

    fn end_sessions(&mut self, keys: impl IntoIterator<Item = SessionKey>) -> Outcome {
        for key in keys {
            self.undo.extend(self.state.sessions.remove(&key).map(Undo::SessionRemoved));
        }
        Ok(())
    }

    fn end_live_session(&mut self, key: SessionKey) -> Outcome {
        if self.state.sessions.get(&key).is_none() {
            return Err(CommitError::Stale(Guard::Session));
        }
        self.end_sessions([key])
    }

    fn end_sessions_of(&mut self, uniquifier: &Uniquifier, except: Option<&SessionKey>) -> Outcome {
        let keys = self.state.sessions.keys_of(uniquifier);
        self.end_sessions(keys.into_iter().filter(|key| Some(key) != except))
    }

    fn put_credential(&mut self, new: CredentialRecord, expect: ExpectedCredential) -> Outcome {
        self.account(&new.owner)?;
        let before = self.state.credentials.get(&new.key);
        let revision = match (before, expect) {
            (None, ExpectedCredential::Absent) => 1,
            (Some(before), ExpectedCredential::Revision(revision))
                if before.revision == revision
                    && before.kind == new.kind
                    && before.owner == new.owner =>
            {
                revision.saturating_add(1)
            }
            _ => return Err(CommitError::Stale(Guard::Credential(new.key))),
        };
        let key = new.key.clone();
        self.write_credential(key, Some(CredentialRecord { revision, ..new }));
        Ok(())
    }

    fn remove_credential(&mut self, key: CredentialKey, expect: Option<u32>) -> Outcome {
        let is = self.state.credentials.get(&key).map(|record| record.revision);
        if expect.is_some() && is != expect {
            return Err(CommitError::Stale(Guard::Credential(key)));
        }
        let children = self.state.sessions.keys_from(&key);
        self.write_credential(key, None);
        self.end_sessions(children)
    }

    fn remove_credentials(
        &mut self,
        owner: &UserId,
        kind: Option<CredentialKind>,
        except: Option<&CredentialKey>,
    ) -> Outcome {
        let keys = self.state.credentials.keys_of(owner, kind);
        for key in keys.into_iter().filter(|key| Some(key) != except) {
            self.remove_credential(key, None)?;
        }
        Ok(())
    }

    fn credential_used(&mut self, key: CredentialKey, at: Timestamp) -> Outcome {
        if let Some(record) =
            self.state.credentials.get(&key).map(|record| CredentialRecord::clone(record))
            && record.used_at < Some(at)
        {
            self.write_credential(key, Some(CredentialRecord { used_at: Some(at), ..record }));
        }
        Ok(())
    }

    fn write_credential(&mut self, key: CredentialKey, record: Option<CredentialRecord>) {
        let before = self.state.credentials.put(key.clone(), record.map(Arc::new));
        self.undo.push(Undo::Credential(key, before));
    }

    fn spend(&mut self, secret: SpentSecret, until: Timestamp) -> Outcome {
        if self.state.spent.get(&secret).is_some() {
            return Err(CommitError::Stale(Guard::Secret));
        }
        self.state.spent.put(secret.clone(), Some(((), until)));
        self.undo.push(Undo::Spent(secret));
        Ok(())
    }

    fn count(&mut self, counter: Counter, now: Timestamp, cap: u32, window: Duration) -> Outcome {
        let running = self.state.counters.get(&counter).filter(|(_, end)| *end > now);
        let (count, end) = running.copied().unwrap_or((0, now.plus(window)));
        if count >= cap {
            return Err(CommitError::Stale(Guard::Counter(counter)));
        }
        self.put_counter(counter, Some((count + 1, end)))
    }

    fn uncount(&mut self, counter: Counter) -> Outcome {
        match self.state.counters.get(&counter).copied() {
            Some((count, end)) => self.put_counter(counter, Some((count.saturating_sub(1), end))),
            None => Ok(()),
        }
    }

    fn enqueue(&mut self, entry: OutboxEntry) -> Outcome {
        if self.state.outbox.get(&entry.id).is_some() {
            return Ok(());
        }
        let number = self.state.outbox.next_number();
        let message = Waiting { message: entry.message, attempts: 0, due: entry.at, number };
        self.put_message(entry.id, Some(message))
    }

    fn put_back(&mut self, id: OutboxId, due: Timestamp) -> Outcome {
        let Some(mut waiting) = self.state.outbox.get(&id).cloned() else { return Ok(()) };
        if due == Timestamp::MAX {
            match &mut waiting.message {
                OutgoingMessage::Mail(mail) => (mail.text, mail.html) = (None, None),
                OutgoingMessage::Sms(sms) => sms.text = Secret::from(""),
            }
        }
        let attempts = waiting.attempts.saturating_add(1);
        self.put_message(id, Some(Waiting { attempts, due, ..waiting }))
    }

    fn audit(&mut self, entry: AuditEntry) -> Outcome {
        self.state.audit.push_back(entry);
        self.undo.push(Undo::Audit);
        Ok(())
    }

    fn account(&self, id: &UserId) -> Result<(u64, Account), CommitError> {
        let key = self.state.users.key(id);
        let found = key.and_then(|key| Some((key, self.state.users.get(key)?.to_edit())));
        found.ok_or_else(|| CommitError::Stale(Guard::User(id.clone())))
    }

    fn expect_role(&self, name: &str) -> Outcome {
        match self.state.roles.contains_key(name) {
            true => Ok(()),
            false => Err(CommitError::Stale(Guard::Role(name.to_owned()))),
        }
    }

    fn put_user(&mut self, key: u64, account: Account) -> Outcome {
        if let Some(attribute) = self.state.users.taken(key, &account.user) {
            return Err(CommitError::Conflict(attribute));
        }
        let before = self.state.users.put(key, Some(Arc::new(account)));
        self.undo.push(Undo::User(key, before));
        Ok(())
    }

    fn put_role(&mut self, name: String, role: Option<Role>) {
        let before = match role {
            Some(role) => self.state.roles.insert(name.clone(), role),
            None => self.state.roles.remove(&name),
        };
        self.undo.push(Undo::Role(name, before));
    }

    fn put_counter(&mut self, counter: Counter, count: Option<(u32, Timestamp)>) -> Outcome {
        let before = self.state.counters.put(counter.clone(), count);
        self.undo.push(Undo::Counter(counter, before));
        Ok(())
    }

    fn put_message(&mut self, id: OutboxId, message: Option<Waiting>) -> Outcome {
        let before = self.state.outbox.put(id.clone(), message);
        self.undo.push(Undo::Message(id, before));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_counts_marks_and_credentials_are_forgotten() {
        let mut state = State::default();
        let ann = NewUser::new("ann@example.com", Uniquifier::new("ann"));
        let made = commit(&mut state, Change::InsertUser(Box::new(ann)).into()).unwrap();
        let owner = made.users[0].clone();
        for number in 0..100_u8 {
            let now = Timestamp::from_secs(number.into());
            let window = Duration::from_secs(1);
            let batch = Batch::new()
                .and(Change::Count {
                    counter: Counter::new("c", &number.to_string()),
                    now,
                    cap: 1,
                    window,
                })
                .and(Change::Spend { secret: SpentSecret([number; 32]), until: now.plus(window) })
                .and(Change::PutCredential {
                    credential: Box::new(CredentialRecord {
                        key: CredentialKey::of(CredentialKind::AuthToken, &number.to_string()),
                        kind: CredentialKind::AuthToken,
                        owner: owner.clone(),
                        value: serde_json::Value::Null,
                        created_at: now,
                        used_at: None,
                        expires_at: now.plus(window),
                        revision: 0,
                    }),
                    expect: ExpectedCredential::Absent,
                });
            commit(&mut state, batch).unwrap();
        }
        let left = (state.counters.len(), state.spent.len(), state.credentials.len());
        assert_eq!(left, (1, 1, 1));
    }
}
