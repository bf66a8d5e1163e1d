//! All that a site keeps.

use fs_core::Timestamp;
use fs_core::model::{CredentialKind, CredentialRecord, Role, SessionRecord, User};
use fs_core::port::{AuditEntry, Page, UserStore};

use super::Site;

/// All that a site keeps, but for the mails that wait. Two of them are equal when nothing was
/// written in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// The accounts.
    pub users: Vec<User>,
    /// The roles.
    pub roles: Vec<Role>,
    /// The sessions of these accounts.
    pub sessions: Vec<SessionRecord>,
    /// The credentials of these accounts.
    pub credentials: Vec<CredentialRecord>,
    /// The audit log.
    pub audit: Vec<AuditEntry>,
    /// How many commits there were, whatever they wrote. Those that only count do not count: they
    /// are made before what they limit.
    pub commits: usize,
}

impl Site {
    /// All that it keeps, read past [`calls`](Site::calls).
    ///
    /// # Panics
    ///
    /// The store failed.
    #[expect(clippy::expect_used, reason = "a test whose store cannot be read has failed")]
    pub async fn dump(&self) -> Dump {
        let all = Page { offset: 0, limit: u32::MAX };
        let users = self.store.users(all).await.expect("memory answers");
        let (mut sessions, mut credentials) = (Vec::new(), Vec::new());
        for user in &users {
            let found = self.store.sessions_of(&user.uniquifier, Timestamp::EPOCH).await;
            sessions.extend(found.expect("memory answers"));
            for kind in CredentialKind::ALL {
                let found = self.store.credentials_of(&user.id, kind, Timestamp::EPOCH).await;
                credentials.extend(found.expect("memory answers"));
            }
        }
        Dump {
            users,
            roles: self.store.roles().await.expect("memory answers"),
            sessions,
            credentials,
            audit: self.store.audit_log(),
            commits: self.calls.commits(),
        }
    }
}
