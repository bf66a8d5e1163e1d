//! Map whose entries expire.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use fs_core::Timestamp;

/// Map that orders its entries by expiry, so that removing a few expired ones is cheap at any size.
pub(crate) struct Expiring<K, V> {
    entries: HashMap<K, (V, Timestamp)>,
    by_expiry: BTreeSet<(Timestamp, K)>,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), by_expiry: BTreeSet::new() }
    }
}

impl<K: Clone + Eq + Hash + Ord, V> Expiring<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&(V, Timestamp)> {
        self.entries.get(key)
    }

    /// Replaces the entry of a key and returns the previous one. `None` removes it.
    pub(crate) fn put(&mut self, key: K, entry: Option<(V, Timestamp)>) -> Option<(V, Timestamp)> {
        let before = match entry {
            Some((value, expiry)) => {
                self.by_expiry.insert((expiry, key.clone()));
                self.entries.insert(key.clone(), (value, expiry))
            }
            None => self.entries.remove(&key),
        };
        if let Some((_, expiry)) = &before
            && self.entries.get(&key).is_none_or(|(_, now)| now != expiry)
        {
            self.by_expiry.remove(&(*expiry, key));
        }
        before
    }

    /// Removes up to `at_most` entries that expired by `now`.
    pub(crate) fn forget_expired(&mut self, now: Timestamp, at_most: usize) {
        for _ in 0..at_most {
            match self.by_expiry.first() {
                Some((expiry, _)) if *expiry <= now => {}
                _ => return,
            }
            if let Some((_, key)) = self.by_expiry.pop_first() {
                self.entries.remove(&key);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.by_expiry.len());
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn the_index_follows_every_put() {
        let mut map = Expiring::default();
        assert_eq!(map.put("a", Some((1, at(10)))), None);
        assert_eq!(map.put("a", Some((2, at(20)))), Some((1, at(10))));
        assert_eq!(map.put("a", Some((3, at(20)))), Some((2, at(20))));
        assert_eq!(map.len(), 1);
        map.forget_expired(at(19), 5);
        assert_eq!(map.get(&"a"), Some(&(3, at(20))));
        assert_eq!(map.put("a", None), Some((3, at(20))));
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn forgetting_stops_at_the_limit_and_at_the_living() {
        let mut map = Expiring::default();
        for second in 0..5 {
            map.put(second, Some(((), at(second))));
        }
        map.forget_expired(at(3), 2);
        assert_eq!(map.len(), 3);
        map.forget_expired(at(3), 100);
        assert_eq!(map.len(), 1);
        assert!(map.get(&4).is_some());
    }
}
