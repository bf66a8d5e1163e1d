//! Effects of each change on the rows. A guard that does not hold ends the batch.

use std::collections::BTreeSet;
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::model::{
    NewUser, Permissions, Role, SessionKey, SessionRecord, Uniquifier, UserField, UserId,
};
use fs_core::port::{
    AuditEntry, Change, CommitError, Counter, Guard, OutboxEntry, OutboxId, Receipt, SpentSecret,
    StoreError, UniqueAttribute,
};

use crate::rows::{AuditRow, MessageRow, RoleRow, SessionRow, Table, UserRow};
use crate::work::{Work, listed};

/// Number of audit log lines that are kept.
const AUDIT_LINES: u64 = 10_000;

type Outcome = Result<(), CommitError>;

impl Work<'_> {
    pub(crate) fn apply(&mut self, change: Change, receipt: &mut Receipt) -> Outcome {
        match change {
            Change::InsertUser(user) => receipt.users.push(self.insert_user(*user)?),
            Change::UpdateUser { user, expect, set } => self.update_user(&user, &expect, set)?,
            Change::DeleteUser(user) => self.delete_user(&user)?,
            Change::InsertRole(role) => self.insert_role(&role)?,
            Change::SetPermissions { role, expect, set } => {
                self.set_permissions(&role, &expect, set)?;
            }
            Change::DeleteRole(role) => self.delete_role(&role)?,
            Change::Grant { user, role } => self.grant(user, role)?,
            Change::Revoke { user, role } => self.revoke(user, role)?,
            Change::InsertSession(session) => self.insert_session(session)?,
            Change::EndSession(key) => self.end_session(&key)?,
            Change::EndLiveSession(key) => match self.session(&key)? {
                Some(_) => self.end_session(&key)?,
                None => return Err(CommitError::Stale(Guard::Session)),
            },
            Change::EndSessionsOf { uniquifier, except } => {
                self.end_sessions_of(&uniquifier, except.as_ref())?;
            }
            Change::PutCredential { credential, expect } => {
                self.replace_credential(*credential, expect)?;
            }
            Change::RemoveCredential { key, expect } => self.remove_credential(&key, expect)?,
            Change::RemoveCredentialsOf { owner, kind, except } => {
                self.remove_credentials(&owner, Some(kind), except.as_ref())?;
            }
            Change::CredentialUsed { key, at } => self.credential_used(&key, at)?,
            Change::Spend { secret, until } => self.spend(&secret, until)?,
            Change::Count { counter, now, cap, window } => self.count(counter, now, cap, window)?,
            Change::Uncount(counter) => self.uncount(&counter)?,
            Change::ResetCount(counter) => self.take_away(Table::Counters, counter.as_str()),
            Change::Enqueue(entry) => self.enqueue(*entry)?,
            Change::Delivered(id) => self.take_away(Table::Mails, &id.0),
            Change::DeliveryFailed { message, due, reason } => {
                self.put_back(&message, due, &reason)?
            }
            Change::Audit(entry) => self.audit(entry)?,
        }
        Ok(())
    }

    fn insert_user(&mut self, new: NewUser) -> Result<UserId, CommitError> {
        for role in &new.roles {
            self.expect_role(role)?;
        }
        let number = self.next("user")?;
        self.put_user(number, None, Some(UserRow::of_new(new)))?;
        Ok(UserId::new(number.to_string()))
    }

    fn update_user(&mut self, id: &UserId, expect: &[UserField], set: Vec<UserField>) -> Outcome {
        let (number, before) = self.expect_user(id)?;
        let mut user = before.clone().into_user(id.as_str(), Vec::new());
        if !expect.iter().all(|field| field.holds(&user)) {
            return Err(CommitError::Stale(Guard::User(id.clone())));
        }
        if set.is_empty() {
            return Ok(());
        }
        for field in set {
            field.write(&mut user);
        }
        let after = UserRow::of(user, before.roles.clone());
        self.put_user(number, Some(&before), Some(after))
    }

    fn delete_user(&mut self, id: &UserId) -> Outcome {
        let (number, before) = self.expect_user(id)?;
        self.put_user(number, Some(&before), None)?;
        self.remove_credentials(id, None, None)?;
        self.end_sessions_of(&Uniquifier::new(before.uniquifier), None)
    }

    /// Writes a user and the user's index entries.
    fn put_user(&mut self, number: u64, was: Option<&UserRow>, is: Option<UserRow>) -> Outcome {
        let (alone, shared) = was.map(UserRow::index).unwrap_or_default();
        for (table, name) in alone.into_iter().chain(shared) {
            let mut owners = self.owners(table, &name)?;
            owners.remove(&number);
            self.list(table, &name, &owners)?;
        }
        let key = number.to_string();
        let Some(is) = is else {
            self.take_away(Table::Users, &key);
            return Ok(());
        };
        let (alone, shared) = is.index();
        for (table, name) in alone {
            if !self.owners(table, &name)?.is_empty() {
                return Err(CommitError::Conflict(attribute(table)));
            }
            self.list(table, &name, &[number].into())?;
        }
        for (table, name) in shared {
            let mut owners = self.owners(table, &name)?;
            owners.insert(number);
            self.list(table, &name, &owners)?;
        }
        Ok(self.put(Table::Users, &key, is)?)
    }

    fn list(&mut self, table: Table, name: &str, owners: &BTreeSet<u64>) -> Result<(), StoreError> {
        match owners.is_empty() {
            true => self.take_away(table, name),
            false => self.put(table, name, owners)?,
        }
        Ok(())
    }

    fn insert_role(&mut self, role: &Role) -> Outcome {
        if self.role(&role.name)?.is_some() {
            return Err(CommitError::Conflict(UniqueAttribute::RoleName));
        }
        Ok(self.put(Table::Roles, &role.name, RoleRow::of(role))?)
    }

    fn set_permissions(&mut self, name: &str, expect: &Permissions, set: Permissions) -> Outcome {
        match self.role(name)? {
            Some(role) if role.permissions == *expect => {
                let role = Role { permissions: set, ..role };
                Ok(self.put(Table::Roles, name, RoleRow::of(&role))?)
            }
            _ => Err(CommitError::Stale(Guard::Role(name.to_owned()))),
        }
    }

    fn delete_role(&mut self, name: &str) -> Outcome {
        self.expect_role(name)?;
        for number in self.owners(Table::Holders, name)? {
            let (_, before) = self.expect_user(&UserId::new(number.to_string()))?;
            let mut after = before.clone();
            after.roles.remove(name);
            self.put_user(number, Some(&before), Some(after))?;
        }
        self.take_away(Table::Roles, name);
        Ok(())
    }

    fn grant(&mut self, user: UserId, role: String) -> Outcome {
        let (number, before) = self.expect_user(&user)?;
        self.expect_role(&role)?;
        let mut after = before.clone();
        if !after.roles.insert(role.clone()) {
            return Err(CommitError::Stale(Guard::Grant { user, role }));
        }
        self.put_user(number, Some(&before), Some(after))
    }

    fn revoke(&mut self, user: UserId, role: String) -> Outcome {
        if let Some(before) = self.get::<UserRow>(Table::Users, user.as_str())?
            && before.roles.contains(&role)
        {
            let mut after = before.clone();
            after.roles.remove(&role);
            let (number, _) = self.expect_user(&user)?;
            return self.put_user(number, Some(&before), Some(after));
        }
        Err(CommitError::Stale(Guard::Grant { user, role }))
    }

    fn insert_session(&mut self, session: SessionRecord) -> Outcome {
        if self.session(&session.key)?.is_some() {
            return Err(CommitError::Stale(Guard::Session));
        }
        let key = session.key.as_str();
        self.put(Table::SessionsOf, &listed(session.uniquifier.as_str(), key), true)?;
        if let Some(parent) = &session.parent {
            self.put(Table::SessionsFrom, &listed(parent.as_str(), key), true)?;
        }
        Ok(self.put(Table::Sessions, session.key.clone().as_str(), SessionRow::of(session))?)
    }

    /// Removes a session if it exists.
    pub(crate) fn end_session(&mut self, key: &SessionKey) -> Result<(), StoreError> {
        if let Some(session) = self.session(key)? {
            let whose = session.uniquifier.as_str();
            self.take_away(Table::SessionsOf, &listed(whose, key.as_str()));
            if let Some(parent) = &session.parent {
                self.take_away(Table::SessionsFrom, &listed(parent.as_str(), key.as_str()));
            }
            self.take_away(Table::Sessions, key.as_str());
        }
        Ok(())
    }

    fn end_sessions_of(&mut self, whose: &Uniquifier, except: Option<&SessionKey>) -> Outcome {
        for session in self.sessions_of(whose)? {
            if Some(&session.key) != except {
                self.end_session(&session.key)?;
            }
        }
        Ok(())
    }

    fn spend(&mut self, secret: &SpentSecret, until: Timestamp) -> Outcome {
        let name = data_encoding::HEXLOWER.encode(&secret.0);
        if self.get::<Timestamp>(Table::Spent, &name)?.is_some() {
            return Err(CommitError::Stale(Guard::Secret));
        }
        Ok(self.put(Table::Spent, &name, until)?)
    }

    fn count(&mut self, counter: Counter, now: Timestamp, cap: u32, window: Duration) -> Outcome {
        let running = self.get::<(u32, Timestamp)>(Table::Counters, counter.as_str())?;
        let running = running.filter(|(_, end)| *end > now);
        let (count, end) = running.unwrap_or((0, now.plus(window)));
        if count >= cap {
            return Err(CommitError::Stale(Guard::Counter(counter)));
        }
        Ok(self.put(Table::Counters, counter.as_str(), (count + 1, end))?)
    }

    fn uncount(&mut self, counter: &Counter) -> Outcome {
        if let Some((count, end)) =
            self.get::<(u32, Timestamp)>(Table::Counters, counter.as_str())?
        {
            self.put(Table::Counters, counter.as_str(), (count.saturating_sub(1), end))?;
        }
        Ok(())
    }

    fn enqueue(&mut self, entry: OutboxEntry) -> Outcome {
        if self.get::<MessageRow>(Table::Mails, &entry.id.0)?.is_some() {
            return Ok(());
        }
        let (id, number) = (entry.id.clone(), self.next("mail")?);
        Ok(self.put(Table::Mails, &id.0, MessageRow::of(entry, number))?)
    }

    fn put_back(&mut self, id: &OutboxId, due: Timestamp, reason: &str) -> Outcome {
        let Some(mail) = self.get::<MessageRow>(Table::Mails, &id.0)? else { return Ok(()) };
        Ok(self.put(Table::Mails, &id.0, mail.failed(due, reason))?)
    }

    fn audit(&mut self, entry: AuditEntry) -> Outcome {
        let number = self.next("audit")?;
        let AuditEntry { at, what, user, client_ip, details } = entry;
        let user = user.map(|user| user.to_string());
        self.put(
            Table::Audit,
            &number.to_string(),
            AuditRow { at, what, user, client_ip, details },
        )?;
        if let Some(oldest) = number.checked_sub(AUDIT_LINES) {
            self.take_away(Table::Audit, &oldest.to_string());
        }
        Ok(())
    }

    pub(crate) fn expect_user(&self, id: &UserId) -> Result<(u64, UserRow), CommitError> {
        let row = self.get::<UserRow>(Table::Users, id.as_str())?;
        let number = id.as_str().parse().ok();
        number.zip(row).ok_or_else(|| CommitError::Stale(Guard::User(id.clone())))
    }

    fn expect_role(&self, name: &str) -> Outcome {
        match self.role(name)? {
            Some(_) => Ok(()),
            None => Err(CommitError::Stale(Guard::Role(name.to_owned()))),
        }
    }
}

/// Returns the unique attribute that a table indexes.
fn attribute(table: Table) -> UniqueAttribute {
    match table {
        Table::Emails => UniqueAttribute::Email,
        Table::Usernames => UniqueAttribute::Username,
        Table::Phones => UniqueAttribute::Phone,
        _ => UniqueAttribute::Uniquifier,
    }
}
