//! Credential records.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::model::{CredentialKey, CredentialKind, CredentialRecord, UserId};

/// Credentials by key, by owner and by expiry.
#[derive(Default)]
pub(crate) struct Credentials {
    records: HashMap<CredentialKey, Arc<CredentialRecord>>,
    by_owner: HashMap<UserId, BTreeSet<CredentialKey>>,
    by_expiry: BTreeSet<(Timestamp, CredentialKey)>,
}

impl Credentials {
    pub(crate) fn get(&self, key: &CredentialKey) -> Option<&Arc<CredentialRecord>> {
        self.records.get(key)
    }

    /// Returns the unexpired credentials of an owner and a kind, newest first.
    pub(crate) fn living(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Vec<CredentialRecord> {
        let living = |record: &&CredentialRecord| record.kind == kind && record.expires_at > now;
        let mut found: Vec<_> = self.of(owner).filter(living).cloned().collect();
        found.sort_by_key(|record| std::cmp::Reverse(record.created_at));
        found
    }

    /// Returns the keys of all credentials of an owner, of one kind or of all kinds.
    pub(crate) fn keys_of(
        &self,
        owner: &UserId,
        kind: Option<CredentialKind>,
    ) -> Vec<CredentialKey> {
        let meant = |record: &&CredentialRecord| kind.is_none_or(|kind| record.kind == kind);
        self.of(owner).filter(meant).map(|record| record.key.clone()).collect()
    }

    fn of(&self, owner: &UserId) -> impl Iterator<Item = &CredentialRecord> {
        self.by_owner
            .get(owner)
            .into_iter()
            .flatten()
            .filter_map(|key| self.get(key).map(AsRef::as_ref))
    }

    /// Replaces the credential of a key and returns the previous one. `None` removes it.
    pub(crate) fn put(
        &mut self,
        key: CredentialKey,
        record: Option<Arc<CredentialRecord>>,
    ) -> Option<Arc<CredentialRecord>> {
        let before = self.records.remove(&key);
        if let Some(before) = &before {
            self.by_expiry.remove(&(before.expires_at, key.clone()));
            if let Some(keys) = self.by_owner.get_mut(&before.owner) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.by_owner.remove(&before.owner);
                }
            }
        }
        if let Some(record) = record {
            self.by_expiry.insert((record.expires_at, key.clone()));
            self.by_owner.entry(record.owner.clone()).or_default().insert(key.clone());
            self.records.insert(key, record);
        }
        before
    }

    /// Removes up to `at_most` credentials that expired by `now`.
    pub(crate) fn forget_expired(&mut self, now: Timestamp, at_most: usize) {
        for _ in 0..at_most {
            let Some((expiry, key)) = self.by_expiry.first() else { return };
            if *expiry > now {
                return;
            }
            let key = key.clone();
            self.put(key, None);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.by_expiry.len(), self.records.len());
        assert_eq!(self.by_owner.values().map(BTreeSet::len).sum::<usize>(), self.records.len());
        self.records.len()
    }
}
