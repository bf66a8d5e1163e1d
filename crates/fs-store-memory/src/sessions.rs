//! Session records.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fs_core::Timestamp;
use fs_core::model::{CredentialKey, SessionKey, SessionKind, SessionRecord, Uniquifier};

/// Sessions by key, by uniquifier, by parent and by expiry.
///
/// The indexes hold small numbers instead of keys: a session costs a few hundred bytes besides its
/// own texts.
#[derive(Default)]
pub(crate) struct Sessions {
    numbers: HashMap<SessionKey, u64>,
    records: HashMap<u64, Arc<SessionRecord>>,
    by_uniquifier: HashMap<Uniquifier, BTreeSet<u64>>,
    by_parent: HashMap<CredentialKey, BTreeSet<u64>>,
    by_expiry: BTreeSet<(Timestamp, u64)>,
    last: u64,
}

impl Sessions {
    pub(crate) fn get(&self, key: &SessionKey) -> Option<&Arc<SessionRecord>> {
        self.records.get(self.numbers.get(key)?)
    }

    /// Returns the unexpired sessions of a uniquifier, newest first.
    pub(crate) fn living(&self, uniquifier: &Uniquifier, now: Timestamp) -> Vec<SessionRecord> {
        let mut found: Vec<_> = self
            .of(uniquifier)
            .filter(|session| session.expires_at > now && session.kind != SessionKind::SentCode)
            .map(|session| session.as_ref().clone())
            .collect();
        found.sort_by_key(|session| std::cmp::Reverse(session.created_at));
        found
    }

    /// Returns the keys of all sessions of a uniquifier.
    pub(crate) fn keys_of(&self, uniquifier: &Uniquifier) -> Vec<SessionKey> {
        self.of(uniquifier).map(|session| session.key.clone()).collect()
    }

    /// Returns the keys of all sessions that were created from a credential.
    pub(crate) fn keys_from(&self, parent: &CredentialKey) -> Vec<SessionKey> {
        let numbers = self.by_parent.get(parent).into_iter().flatten();
        let records = numbers.filter_map(|number| self.records.get(number));
        records.map(|session| session.key.clone()).collect()
    }

    fn of(&self, uniquifier: &Uniquifier) -> impl Iterator<Item = &Arc<SessionRecord>> {
        let numbers = self.by_uniquifier.get(uniquifier).filter(|_| !uniquifier.is_empty());
        let numbers = numbers.into_iter().flatten();
        numbers.filter_map(|number| self.records.get(number))
    }

    pub(crate) fn insert(&mut self, record: Arc<SessionRecord>) {
        self.remove(&record.key);
        self.last += 1;
        self.numbers.insert(record.key.clone(), self.last);
        self.by_uniquifier.entry(record.uniquifier.clone()).or_default().insert(self.last);
        if let Some(parent) = &record.parent {
            self.by_parent.entry(parent.clone()).or_default().insert(self.last);
        }
        self.by_expiry.insert((record.expires_at, self.last));
        self.records.insert(self.last, record);
    }

    pub(crate) fn remove(&mut self, key: &SessionKey) -> Option<Arc<SessionRecord>> {
        let number = self.numbers.remove(key)?;
        let record = self.records.remove(&number)?;
        self.by_expiry.remove(&(record.expires_at, number));
        if let Some(numbers) = self.by_uniquifier.get_mut(&record.uniquifier) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_uniquifier.remove(&record.uniquifier);
            }
        }
        if let Some(parent) = &record.parent
            && let Some(numbers) = self.by_parent.get_mut(parent)
        {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_parent.remove(parent);
            }
        }
        Some(record)
    }

    /// Removes up to `at_most` sessions that expired by `now`.
    pub(crate) fn forget_expired(&mut self, now: Timestamp, at_most: usize) {
        for _ in 0..at_most {
            let Some((expiry, number)) = self.by_expiry.first() else { return };
            if *expiry > now {
                return;
            }
            let Some(key) = self.records.get(number).map(|record| record.key.clone()) else {
                return;
            };
            self.remove(&key);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.numbers.len(), self.records.len());
        assert_eq!(self.by_expiry.len(), self.records.len());
        assert_eq!(
            self.by_uniquifier.values().map(BTreeSet::len).sum::<usize>(),
            self.records.len()
        );
        let children = self.records.values().filter(|record| record.parent.is_some()).count();
        assert_eq!(self.by_parent.values().map(BTreeSet::len).sum::<usize>(), children);
        self.records.len()
    }
}

#[cfg(test)]
mod tests {
    use fs_core::model::SessionKind;

    use super::*;

    #[test]
    fn the_indexes_follow_every_change() {
        let session = |key: &str, expires| {
            Arc::new(SessionRecord {
                key: SessionKey::new(key),
                kind: SessionKind::SignIn,
                uniquifier: Uniquifier::new("ann"),
                created_at: Timestamp::EPOCH,
                authenticated_at: None,
                expires_at: Timestamp::from_secs(expires),
                user_agent: None,
                client_ip: None,
                parent: (key == "b").then(|| CredentialKey::new("family")),
            })
        };
        let mut sessions = Sessions::default();
        sessions.insert(session("a", 10));
        sessions.insert(session("b", 20));
        sessions.insert(session("b", 30));
        assert_eq!(sessions.len(), 2);
        sessions.forget_expired(Timestamp::from_secs(20), 5);
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions.keys_of(&Uniquifier::new("ann")), [SessionKey::new("b")]);
        assert_eq!(sessions.keys_from(&CredentialKey::new("family")), [SessionKey::new("b")]);
        assert!(sessions.remove(&SessionKey::new("b")).is_some());
        assert_eq!(sessions.len(), 0);
    }
}
