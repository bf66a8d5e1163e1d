//! Snapshot of the data of a site.

use fs_core::Timestamp;
use fs_core::model::{CredentialKind, CredentialRecord, Role, SessionRecord, User};
use fs_core::port::{AuditEntry, Page, UserStore};

use super::Site;

/// Snapshot of the data of a site, except for waiting mails. Two of them are equal if nothing was
/// written in between.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// All accounts.
    pub users: Vec<User>,
    /// All roles.
    pub roles: Vec<Role>,
    /// Sessions of these accounts.
    pub sessions: Vec<SessionRecord>,
    /// Credentials of these accounts.
    pub credentials: Vec<CredentialRecord>,
    /// Audit log.
    pub audit: Vec<AuditEntry>,
    /// Number of commits, whatever they wrote. Commits that only change counters are left out,
    /// since they are made before what they limit.
    pub commits: usize,
}

impl Site {
    /// Returns a snapshot, without recording the reads in [`calls`](Site::calls).
    ///
    /// # Panics
    ///
    /// Panics if the store fails.
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
