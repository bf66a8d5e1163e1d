//! Complete state of the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fs_core::model::{Role, User};
use fs_core::port::{AuditEntry, Counter, SpentSecret};

use crate::credentials::Credentials;
use crate::expiring::Expiring;
use crate::outbox::Outbox;
use crate::sessions::Sessions;
use crate::users::Users;

/// Number of audit log lines that are kept.
pub const AUDIT_ENTRIES: usize = 10_000;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) users: Users,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) sessions: Sessions,
    pub(crate) credentials: Credentials,
    pub(crate) spent: Expiring<SpentSecret, ()>,
    pub(crate) counters: Expiring<Counter, u32>,
    pub(crate) outbox: Outbox,
    pub(crate) audit: VecDeque<AuditEntry>,
}

impl State {
    /// Returns the user of a key, with the current roles.
    pub(crate) fn user(&self, key: u64) -> Option<Arc<User>> {
        let account = self.users.get(key)?;
        let with_roles = || {
            let roles = account.roles.iter().filter_map(|name| self.roles.get(name));
            Arc::new(User { roles: roles.cloned().collect(), ..account.user.clone() })
        };
        Some(Arc::clone(account.with_roles.get_or_init(with_roles)))
    }
}
