//! Batch in progress: it reads through its own writes, and keeps them private until it is done.

use std::collections::BTreeSet;

use fs_core::Timestamp;
use fs_core::identity::IdentityAttribute;
use fs_core::model::{
    CredentialKey, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier, User, UserId,
};
use fs_core::port::{OutboxId, OutboxMessage, StoreError, UserLookup, fold_case};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rows::{
    CredentialRow, Key, MessageRow, RoleRow, Rows, SessionRow, Table, UserRow, Writes,
};

type Found<T> = Result<Option<T>, StoreError>;

/// Rows, overlaid with the writes of the batch.
pub(crate) struct Work<'a> {
    rows: &'a Rows,
    writes: Writes,
}

impl<'a> Work<'a> {
    pub(crate) fn on(rows: &'a Rows) -> Self {
        Self { rows, writes: Writes::new() }
    }

    pub(crate) fn into_writes(self) -> Writes {
        self.writes
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, table: Table, name: &str) -> Found<T> {
        let key = (table, name.to_owned());
        let row = match self.writes.get(&key) {
            Some(written) => written.as_ref(),
            None => self.rows.get(&key),
        };
        row.map(T::deserialize).transpose().map_err(|error| StoreError::Other(Box::new(error)))
    }

    pub(crate) fn put(
        &mut self,
        table: Table,
        name: &str,
        row: impl Serialize,
    ) -> Result<(), StoreError> {
        let row = serde_json::to_value(row).map_err(|error| StoreError::Other(Box::new(error)))?;
        self.writes.insert((table, name.to_owned()), Some(row));
        Ok(())
    }

    pub(crate) fn take_away(&mut self, table: Table, name: &str) {
        self.writes.insert((table, name.to_owned()), None);
    }

    /// Returns the names in a table as they were before the batch, sorted.
    pub(crate) fn names(&self, table: Table) -> impl Iterator<Item = &'a str> + use<'a> {
        let rows = self.rows.range((table, String::new())..);
        rows.take_while(move |((of, _), _)| *of == table).map(|((_, name), _)| name.as_str())
    }

    /// Returns the next number for `what`, which was never used before.
    pub(crate) fn next(&mut self, what: &str) -> Result<u64, StoreError> {
        let next = self.get::<u64>(Table::Last, what)?.unwrap_or(0) + 1;
        self.put(Table::Last, what, next)?;
        Ok(next)
    }
}

/// Lookups.
impl Work<'_> {
    /// Returns the key of the user that a lookup identifies.
    pub(crate) fn find(&self, by: &UserLookup) -> Found<String> {
        let first = |table, name: &str| {
            Ok::<_, StoreError>(self.owners(table, name)?.first().map(u64::to_string))
        };
        match by {
            UserLookup::Id(id) => Ok(Some(id.as_str().to_owned())),
            UserLookup::Uniquifier(name) | UserLookup::TokenUniquifier(name) if name.is_empty() => {
                Ok(None)
            }
            UserLookup::Uniquifier(name) => first(Table::Uniquifiers, name.as_str()),
            UserLookup::TokenUniquifier(name) => first(Table::TokenUniquifiers, name.as_str()),
            UserLookup::Identity(identity) => {
                let (exactly, in_any_case) = match identity.attribute {
                    IdentityAttribute::Email => (Table::Emails, Table::EmailsAnyCase),
                    IdentityAttribute::Username => (Table::Usernames, Table::UsernamesAnyCase),
                    IdentityAttribute::Phone => (Table::Phones, Table::PhonesAnyCase),
                };
                match first(exactly, &identity.value)? {
                    None if identity.ignore_case => first(in_any_case, &fold_case(&identity.value)),
                    found => Ok(found),
                }
            }
        }
    }

    /// Returns the numbers of the users indexed under a name, oldest first.
    pub(crate) fn owners(&self, table: Table, name: &str) -> Result<BTreeSet<u64>, StoreError> {
        Ok(self.get(table, name)?.unwrap_or_default())
    }

    pub(crate) fn user(&self, key: &str) -> Found<User> {
        let Some(row) = self.get::<UserRow>(Table::Users, key)? else { return Ok(None) };
        let mut roles = Vec::new();
        for name in &row.roles {
            roles.extend(self.role(name)?);
        }
        Ok(Some(row.into_user(key, roles)))
    }

    pub(crate) fn role(&self, name: &str) -> Found<Role> {
        Ok(self.get::<RoleRow>(Table::Roles, name)?.map(|row| row.into_role(name)))
    }

    pub(crate) fn session(&self, key: &SessionKey) -> Found<SessionRecord> {
        let row = self.get::<SessionRow>(Table::Sessions, key.as_str())?;
        Ok(row.map(|row| row.into_record(key)))
    }

    pub(crate) fn sessions_of(&self, whose: &Uniquifier) -> Result<Vec<SessionRecord>, StoreError> {
        if whose.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for key in self.listed_under(Table::SessionsOf, whose.as_str()).map(SessionKey::new) {
            found.extend(self.session(&key)?.filter(|record| record.uniquifier == *whose));
        }
        Ok(found)
    }

    /// Returns the keys of the sessions that were created from a credential.
    pub(crate) fn sessions_from(&self, parent: &CredentialKey) -> Vec<SessionKey> {
        self.listed_under(Table::SessionsFrom, parent.as_str()).map(SessionKey::new).collect()
    }

    pub(crate) fn credential(&self, key: &CredentialKey) -> Found<CredentialRecord> {
        let row = self.get::<CredentialRow>(Table::Credentials, key.as_str())?;
        Ok(row.and_then(|row| row.into_record(key)))
    }

    pub(crate) fn credentials_of(
        &self,
        owner: &UserId,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        let mut found = Vec::new();
        for key in self.listed_under(Table::CredentialsOf, owner.as_str()).map(CredentialKey::new) {
            found.extend(self.credential(&key)?.filter(|record| record.owner == *owner));
        }
        Ok(found)
    }

    /// Returns the keys indexed under a name, including those that this batch removed.
    fn listed_under(&self, table: Table, under: &str) -> impl Iterator<Item = String> + use<> {
        let first = (table, listed(under, ""));
        let is_listed = |(table, name): &&Key| *table == first.0 && name.starts_with(&first.1);
        let before = self.rows.range(&first..).map(|(key, _)| key).take_while(is_listed);
        let written = self.writes.range(&first..).map(|(key, _)| key).take_while(is_listed);
        let names = before.chain(written).filter_map(|(_, name)| name.get(first.1.len()..));
        names.map(str::to_owned).collect::<BTreeSet<_>>().into_iter()
    }
}

/// Returns the index name of a session or credential, from its owner or parent and its key.
pub(crate) fn listed(under: &str, key: &str) -> String {
    format!("{under}\0{key}")
}

/// Maintenance by the store itself.
impl Work<'_> {
    /// Claims mails that are due, and hides them until the lease ends.
    pub(crate) fn claim_messages(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let mut due = Vec::new();
        for id in self.names(Table::Mails) {
            let mail = self.get::<MessageRow>(Table::Mails, id)?.filter(|mail| mail.due <= now);
            due.extend(mail.map(|mail| (id, mail)));
        }
        due.sort_by_key(|(_, mail)| (mail.due, mail.number));
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let mut claimed = Vec::new();
        for (id, mut mail) in due {
            mail.due = until;
            self.put(Table::Mails, id, &mail)?;
            claimed.push(mail.into_message(OutboxId(id.to_owned())));
        }
        Ok(claimed)
    }

    /// Removes rows that expired by `now`.
    pub(crate) fn forget_expired(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for key in self.names(Table::Sessions).map(SessionKey::new) {
            if self.session(&key)?.is_some_and(|session| session.expires_at <= now) {
                self.end_session(&key)?;
            }
        }
        for key in self.names(Table::Credentials).map(CredentialKey::new) {
            if self.credential(&key)?.is_some_and(|credential| credential.expires_at <= now) {
                self.put_credential(&key, None)?;
            }
        }
        for secret in self.names(Table::Spent) {
            if self.get(Table::Spent, secret)?.is_some_and(|until: Timestamp| until <= now) {
                self.take_away(Table::Spent, secret);
            }
        }
        for counter in self.names(Table::Counters) {
            let count = self.get::<(u32, Timestamp)>(Table::Counters, counter)?;
            if count.is_some_and(|(_, end)| end <= now) {
                self.take_away(Table::Counters, counter);
            }
        }
        Ok(())
    }
}
