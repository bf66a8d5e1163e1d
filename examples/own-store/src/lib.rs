//! A store written from scratch: rows in a sorted map, and a journal of JSON lines on the disk.
//!
//! Any sorted key-value store could stand in the map's place. Read it in this order:
//!
//! 1. this file: reads, and the one way to write. A batch is tried on top of the rows, then goes to
//!    the disk as one line, and only then into the rows. So it happens as a whole or not at all.
//! 2. `work`: a batch that reads through its own writes.
//! 3. `change`, `credential`: what each change does to the rows. Guards are plain `if`s, since one batch at a time
//!    is at work.
//! 4. `rows`: the shapes of what is kept, and `journal`: the file.
//!
//! It is for one process: a second one that opens the journal is refused. The file holds hashes of
//! passwords and mails with links that sign people in; keep it where nobody else reads.

mod change;
mod credential;
mod journal;
mod rows;
mod work;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionKind, SessionRecord,
    Uniquifier, User, UserId,
};
use fs_core::port::{
    Batch, CommitError, OutboxMail, Page, Receipt, StoreError, UserLookup, UserStore,
};

use journal::Journal;
use rows::{Rows, Table, merge};
use work::Work;

pub use journal::OpenError;

/// A store that keeps everything in memory and in one file. Clones are the same store.
#[derive(Clone)]
pub struct JournalStore(Arc<Inner>);

struct Inner {
    /// Locked by whoever writes, from the first guard until the rows show the batch.
    journal: Mutex<Journal>,
    /// Locked for moments: readers never wait for the disk.
    rows: RwLock<Rows>,
}

impl JournalStore {
    /// Reads the journal, or begins one. Blocks: call it at the start.
    ///
    /// A batch that was not written to its end, since the process died, is cut off: nobody was told
    /// that it happened.
    ///
    /// # Errors
    ///
    /// The file cannot be used, is in use, or is damaged before its end.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let mut rows = Rows::new();
        let journal = Journal::open(path.as_ref(), |writes| merge(&mut rows, writes))?;
        Ok(Self(Arc::new(Inner { journal: Mutex::new(journal), rows: RwLock::new(rows) })))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Work<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let rows = self.0.rows.read().unwrap_or_else(PoisonError::into_inner);
        read(&Work::on(&rows))
    }

    /// The one way to write. The disk is slow, so this is work for a thread that may wait. It goes
    /// on to its end when the caller goes away.
    async fn write<T: Send + 'static>(
        &self,
        now: Option<Timestamp>,
        write: impl FnOnce(&mut Work<'_>) -> Result<T, CommitError> + Send + 'static,
    ) -> Result<T, CommitError> {
        let inner = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || inner.write(now, write)).await;
        written.map_err(|error| StoreError::Other(Box::new(error)))?
    }
}

impl Inner {
    fn write<T>(
        &self,
        now: Option<Timestamp>,
        write: impl FnOnce(&mut Work<'_>) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, writes) = {
            let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
            let mut work = Work::on(&rows);
            (write(&mut work)?, work.into_writes())
        };
        if writes.is_empty() {
            return Ok(answer);
        }
        journal.append(&writes).map_err(|error| StoreError::Other(Box::new(error)))?;
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        merge(&mut rows, writes);
        if let Some(now) = now
            && journal.is_long()
            && let Err(error) = shorten(&mut journal, &mut rows, now)
        {
            // The batch is on the disk: that tidying up failed is no reason to say otherwise.
            tracing::warn!(%error, "the journal is as long as it was");
        }
        Ok(answer)
    }
}

/// Forgets what has expired, and writes the journal anew.
fn shorten(journal: &mut Journal, rows: &mut Rows, now: Timestamp) -> Result<(), StoreError> {
    let mut work = Work::on(rows);
    work.forget_expired(now)?;
    let forgotten = work.into_writes();
    merge(rows, forgotten);
    journal.rewrite(rows).map_err(|error| StoreError::Other(Box::new(error)))
}

#[async_trait]
impl UserStore for JournalStore {
    async fn user(&self, by: &UserLookup) -> Result<Option<User>, StoreError> {
        self.read(|rows| match rows.find(by)? {
            Some(key) => rows.user(&key),
            None => Ok(None),
        })
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(SessionRecord, User)>, StoreError> {
        self.read(|rows| {
            let Some(record) = rows.session(key)?.filter(|record| record.expires_at > now) else {
                return Ok(None);
            };
            let by = UserLookup::Uniquifier(record.uniquifier.clone());
            let Some(owner) = rows.find(&by)? else { return Ok(None) };
            Ok(rows.user(&owner)?.map(|user| (record, user)))
        })
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(|rows| {
            let mut found = rows.sessions_of(uniquifier)?;
            found.retain(|record| record.expires_at > now && record.kind != SessionKind::SentCode);
            found.sort_by_key(|record| std::cmp::Reverse(record.created_at));
            Ok(found)
        })
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(CredentialRecord, User)>, StoreError> {
        self.read(|rows| {
            let Some(record) = rows.credential(key)?.filter(|record| record.expires_at > now)
            else {
                return Ok(None);
            };
            Ok(rows.user(record.owner.as_str())?.map(|user| (record, user)))
        })
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        self.read(|rows| {
            let mut found = rows.credentials_of(owner)?;
            found.retain(|record| record.kind == kind && record.expires_at > now);
            found.sort_by_key(|record| std::cmp::Reverse(record.created_at));
            Ok(found)
        })
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        self.read(|rows| rows.role(name))
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        self.read(|rows| {
            let emails = rows.names(Table::Emails).skip(size(page.offset)).take(size(page.limit));
            let mut found = Vec::new();
            for email in emails {
                for key in rows.owners(Table::Emails, email)? {
                    found.extend(rows.user(&key.to_string())?);
                }
            }
            Ok(found)
        })
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        self.read(|rows| {
            rows.names(Table::Roles).filter_map(|name| rows.role(name).transpose()).collect()
        })
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        self.write(batch.present(), move |work| {
            let mut receipt = Receipt::default();
            for change in batch.changes() {
                work.apply(change.clone(), &mut receipt)?;
            }
            Ok(receipt)
        })
        .await
    }

    async fn claim_mails(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        let claimed = self.write(None, move |work| Ok(work.claim_mails(now, until, limit)?)).await;
        claimed.map_err(|error| match error {
            CommitError::Store(error) => error,
            guard => StoreError::Other(Box::new(guard)),
        })
    }
}
