//! Store written from scratch: rows in a sorted map, and a journal of JSON lines on disk.
//!
//! Any sorted key-value store could replace the map. Read the modules in this order:
//!
//! 1. this file: reads, and the only way to write. A batch is applied to an overlay of the rows,
//!    then written to disk as one line, and only then merged into the rows. So it is atomic.
//! 2. `work`: a batch that reads through its own writes.
//! 3. `change`, `credential`: the effects of each change on the rows. Guards are plain `if`s,
//!    because one batch runs at a time.
//! 4. `rows`: the types of the rows, and `journal`: the file.
//!
//! It is for one process: a second one that opens the journal is refused. The file holds password
//! hashes and mails with links that sign people in; keep it where nobody else can read it.

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
    Batch, CommitError, OutboxMessage, Page, Receipt, StoreError, UserLookup, UserStore,
};

use journal::Journal;
use rows::{Rows, Table, merge};
use work::Work;

pub use journal::OpenError;

/// Store that keeps everything in memory and in one file. Clones share the same data.
#[derive(Clone)]
pub struct JournalStore(Arc<Inner>);

struct Inner {
    /// Journal. A writer holds the lock from the first guard until the rows show the batch.
    journal: Mutex<Journal>,
    /// Rows. Locked only briefly: readers never wait for the disk.
    rows: RwLock<Rows>,
}

impl JournalStore {
    /// Opens a journal, or creates one. Blocks: call it at the start.
    ///
    /// A batch whose line is incomplete, because the process died, is removed: its commit never
    /// returned.
    ///
    /// # Errors
    ///
    /// - Returns [`OpenError::Io`] if the file cannot be used.
    /// - Returns [`OpenError::InUse`] if another store has it open.
    /// - Returns [`OpenError::Damaged`] if a line before the last is broken.
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

    /// Runs a write on a thread that may block, because the disk is slow. The write completes even
    /// if the caller's future is dropped.
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
            // The batch is on disk, so a failed rewrite is no reason to report an error.
            tracing::warn!(%error, "the journal is as long as it was");
        }
        Ok(answer)
    }
}

/// Removes expired rows, and rewrites the journal.
fn shorten(journal: &mut Journal, rows: &mut Rows, now: Timestamp) -> Result<(), StoreError> {
    let mut work = Work::on(rows);
    work.forget_expired(now)?;
    let forgotten = work.into_writes();
    merge(rows, forgotten);
    journal.rewrite(rows).map_err(|error| StoreError::Other(Box::new(error)))
}

#[async_trait]
impl UserStore for JournalStore {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        self.read(|rows| match rows.find(by)? {
            Some(key) => Ok(rows.user(&key)?.map(Arc::new)),
            None => Ok(None),
        })
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        self.read(|rows| {
            let Some(record) = rows.session(key)?.filter(|record| record.expires_at > now) else {
                return Ok(None);
            };
            let by = UserLookup::Uniquifier(record.uniquifier.clone());
            let Some(owner) = rows.find(&by)? else { return Ok(None) };
            Ok(rows.user(&owner)?.map(|user| (Arc::new(record), Arc::new(user))))
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
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        self.read(|rows| {
            let Some(record) = rows.credential(key)?.filter(|record| record.expires_at > now)
            else {
                return Ok(None);
            };
            let user = rows.user(record.owner.as_str())?;
            Ok(user.map(|user| (Arc::new(record), Arc::new(user))))
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

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        let claimed =
            self.write(None, move |work| Ok(work.claim_messages(now, until, limit)?)).await;
        claimed.map_err(|error| match error {
            CommitError::Store(error) => error,
            guard => StoreError::Other(Box::new(guard)),
        })
    }
}
