//! In-memory store: the reference implementation of a store, and the fastest.
//!
//! Everything is lost when the process ends, so it is for tests, demonstrations and services whose
//! accounts come from elsewhere. It keeps the rules of every store: a batch is atomic, concurrent
//! commits with the same guard have one winner, and expired sessions are not found. Sessions,
//! credentials, counters and marks of used secrets are removed some time after they expired. The
//! audit log keeps its newest [`AUDIT_ENTRIES`] lines.
//!
//! ```
//! use fs_core::model::{NewUser, Uniquifier};
//! use fs_core::port::{Change, UserLookup, UserStore};
//! use fs_store_memory::MemoryStore;
//!
//! # futures::executor::block_on(async {
//! let store = MemoryStore::new();
//! let ann = NewUser::new("ann@example.com", Uniquifier::from_random([7; 16]));
//! let receipt = store.commit(Change::InsertUser(Box::new(ann)).into()).await?;
//!
//! let id = receipt.users[0].clone();
//! assert!(store.user(&UserLookup::Id(id)).await?.is_some());
//! # Ok::<(), fs_core::port::CommitError>(())
//! # }).unwrap();
//! ```

mod commit;
mod credentials;
mod expiring;
mod outbox;
mod sessions;
mod state;
mod users;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserId,
};
use fs_core::port::{
    AuditEntry, Batch, CommitError, OutboxMessage, Page, Receipt, StoreError, UserLookup, UserStore,
};

use state::State;

pub use state::AUDIT_ENTRIES;

/// Store that keeps users, roles, sessions and the outbox in memory, behind one lock.
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the newest lines of the audit log, oldest first.
    pub fn audit_log(&self) -> Vec<AuditEntry> {
        self.read().audit.iter().cloned().collect()
    }

    // Ignoring poisoning is safe: a panic in the middle of a batch would leave it half applied, but
    // no code in this crate can panic.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError> {
        let state = self.read();
        let found = state.users.find(by).and_then(|key| state.user(key));
        if found.is_none() && matches!(by, UserLookup::Identity(_)) {
            // Do the same work as for a user that exists, so that timing does not reveal that the
            // name is unknown.
            std::hint::black_box(state.users.any().and_then(|key| state.user(key)));
        }
        Ok(found)
    }

    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError> {
        let state = self.read();
        let found = state.sessions.get(key).filter(|session| session.expires_at > now);
        Ok(found.and_then(|session| {
            let user = state.users.by_uniquifier(&session.uniquifier)?;
            Some((Arc::clone(session), state.user(user)?))
        }))
    }

    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        Ok(self.read().sessions.living(uniquifier, now))
    }

    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError> {
        let state = self.read();
        let found = state.credentials.get(key).filter(|record| record.expires_at > now);
        Ok(found.and_then(|record| {
            let owner = state.users.key(&record.owner)?;
            Some((Arc::clone(record), state.user(owner)?))
        }))
    }

    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError> {
        Ok(self.read().credentials.living(owner, kind, now))
    }

    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError> {
        Ok(self.read().roles.get(name).cloned())
    }

    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        let state = self.read();
        Ok(state
            .users
            .page(page)
            .filter_map(|key| state.user(key))
            .map(Arc::unwrap_or_clone)
            .collect())
    }

    async fn roles(&self) -> Result<Vec<Role>, StoreError> {
        Ok(self.read().roles.values().cloned().collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        commit::commit(&mut self.write(), batch)
    }

    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError> {
        Ok(self.write().outbox.claim(now, until, limit))
    }
}
