//! Users and their indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use fs_core::identity::IdentityAttribute;
use fs_core::model::{Uniquifier, User, UserId};
use fs_core::port::{Identity, Page, UniqueAttribute, UserLookup, fold_case};

/// User with the names of its roles; [`User::roles`] is empty.
pub(crate) struct Account {
    pub(crate) user: User,
    pub(crate) roles: BTreeSet<String>,
    /// User with its roles, from the end of the commit. A change of the user or of one of its roles
    /// replaces the account.
    pub(crate) with_roles: OnceLock<Arc<User>>,
}

impl Account {
    pub(crate) fn new(user: User, roles: BTreeSet<String>) -> Self {
        Self { user, roles, with_roles: OnceLock::new() }
    }

    /// Returns a copy to change.
    pub(crate) fn to_edit(&self) -> Self {
        Self::new(self.user.clone(), self.roles.clone())
    }
}

/// Users by key and by every unique attribute.
#[derive(Default)]
pub(crate) struct Users {
    accounts: HashMap<u64, Arc<Account>>,
    emails: Names,
    usernames: Names,
    phones: Names,
    uniquifiers: HashMap<Uniquifier, u64>,
    token_uniquifiers: HashMap<Uniquifier, u64>,
    last: u64,
}

/// Values of one attribute, indexed exactly and with the case folded.
#[derive(Default)]
struct Names {
    exact: BTreeMap<String, u64>,
    folded: HashMap<String, BTreeSet<u64>>,
}

impl Names {
    fn insert(&mut self, name: &str, key: u64) {
        self.exact.insert(name.to_owned(), key);
        self.folded.entry(fold_case(name)).or_default().insert(key);
    }

    fn remove(&mut self, name: &str, key: u64) {
        self.exact.remove(name);
        let folded = fold_case(name);
        if let Some(keys) = self.folded.get_mut(&folded) {
            keys.remove(&key);
            if keys.is_empty() {
                self.folded.remove(&folded);
            }
        }
    }

    fn find(&self, name: &str, ignore_case: bool) -> Option<u64> {
        // Both are looked up, so that the time does not reveal whether the name is known.
        let folded = || self.folded.get(&fold_case(name))?.first().copied();
        let folded = if ignore_case { folded() } else { None };
        self.exact.get(name).copied().or(folded)
    }

    fn is_of_another(&self, name: Option<&str>, key: u64) -> bool {
        name.and_then(|name| self.exact.get(name)).is_some_and(|owner| *owner != key)
    }
}

impl Users {
    pub(crate) fn get(&self, key: u64) -> Option<&Arc<Account>> {
        self.accounts.get(&key)
    }

    /// Returns the key of an id, or `None` if no user has it.
    pub(crate) fn key(&self, id: &UserId) -> Option<u64> {
        let key = id.as_str().parse().ok()?;
        // Each user has one id: "07" and "+7" are not "7".
        self.accounts.get(&key).filter(|account| account.user.id == *id).map(|_| key)
    }

    pub(crate) fn by_uniquifier(&self, uniquifier: &Uniquifier) -> Option<u64> {
        // An empty uniquifier identifies no user.
        Some(uniquifier)
            .filter(|name| !name.is_empty())
            .and_then(|name| self.uniquifiers.get(name))
            .copied()
    }

    pub(crate) fn find(&self, by: &UserLookup) -> Option<u64> {
        match by {
            UserLookup::Id(id) => self.key(id),
            UserLookup::Uniquifier(uniquifier) => self.by_uniquifier(uniquifier),
            UserLookup::TokenUniquifier(uniquifier) if uniquifier.is_empty() => None,
            UserLookup::TokenUniquifier(uniquifier) => {
                self.token_uniquifiers.get(uniquifier).copied()
            }
            UserLookup::Identity(Identity { attribute, value, ignore_case }) => match attribute {
                IdentityAttribute::Email => self.emails.find(value, *ignore_case),
                IdentityAttribute::Username => self.usernames.find(value, *ignore_case),
                IdentityAttribute::Phone => self.phones.find(value, *ignore_case),
            },
        }
    }

    /// Returns the key of an arbitrary user, or `None` if the store is empty.
    pub(crate) fn any(&self) -> Option<u64> {
        self.emails.exact.values().next().copied()
    }

    /// Returns the keys of the users of a page, in the order of their addresses.
    pub(crate) fn page(&self, page: Page) -> impl Iterator<Item = u64> {
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        self.emails.exact.values().copied().skip(size(page.offset)).take(size(page.limit))
    }

    /// Returns the keys of the users that hold the role.
    pub(crate) fn holders(&self, role: &str) -> Vec<u64> {
        let holders = self.accounts.iter().filter(|(_, account)| account.roles.contains(role));
        holders.map(|(key, _)| *key).collect()
    }

    /// Returns a key that was never used.
    pub(crate) fn next_key(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns a unique attribute of `user` whose value belongs to a user other than `key`, or
    /// `None`.
    pub(crate) fn taken(&self, key: u64, user: &User) -> Option<UniqueAttribute> {
        let other = |index: &HashMap<Uniquifier, u64>, value: Option<&Uniquifier>| {
            value.and_then(|value| index.get(value)).is_some_and(|owner| *owner != key)
        };
        if self.emails.is_of_another(Some(&user.email), key) {
            Some(UniqueAttribute::Email)
        } else if self.usernames.is_of_another(user.username.as_deref(), key) {
            Some(UniqueAttribute::Username)
        } else if self.phones.is_of_another(user.phone.as_deref(), key) {
            Some(UniqueAttribute::Phone)
        } else if other(&self.uniquifiers, Some(&user.uniquifier))
            || other(&self.token_uniquifiers, user.token_uniquifier.as_ref())
        {
            Some(UniqueAttribute::Uniquifier)
        } else {
            None
        }
    }

    /// Replaces the account of a key and returns the previous one. `None` removes it. No unique
    /// value may be [`taken`](Self::taken).
    pub(crate) fn put(&mut self, key: u64, account: Option<Arc<Account>>) -> Option<Arc<Account>> {
        let before = self.accounts.remove(&key);
        if let Some(before) = &before {
            self.unindex(key, &before.user);
        }
        if let Some(account) = account {
            self.index(key, &account.user);
            self.accounts.insert(key, account);
        }
        before
    }

    fn index(&mut self, key: u64, user: &User) {
        self.emails.insert(&user.email, key);
        if let Some(username) = &user.username {
            self.usernames.insert(username, key);
        }
        if let Some(phone) = &user.phone {
            self.phones.insert(phone, key);
        }
        self.uniquifiers.insert(user.uniquifier.clone(), key);
        if let Some(uniquifier) = &user.token_uniquifier {
            self.token_uniquifiers.insert(uniquifier.clone(), key);
        }
    }

    fn unindex(&mut self, key: u64, user: &User) {
        self.emails.remove(&user.email, key);
        if let Some(username) = &user.username {
            self.usernames.remove(username, key);
        }
        if let Some(phone) = &user.phone {
            self.phones.remove(phone, key);
        }
        self.uniquifiers.remove(&user.uniquifier);
        if let Some(uniquifier) = &user.token_uniquifier {
            self.token_uniquifiers.remove(uniquifier);
        }
    }
}
