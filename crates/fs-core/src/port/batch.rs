//! The one way to write: a list of changes that happens as a whole or not at all.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{OutboxId, OutgoingMail};
use crate::Timestamp;
use crate::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, Permissions, Role, SessionKey,
    SessionRecord, Uniquifier, UserField, UserId,
};

/// Changes that are committed together by [`UserStore::commit`](super::UserStore::commit).
///
/// Changes apply in order. Guards (the `expect` fields, [`Change::Spend`], [`Change::Count`]) are
/// part of the writing statement, so that of many concurrent callers exactly one wins.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a change.
    #[must_use]
    pub fn and(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Appends a change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Appends changes.
    pub fn extend(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// The changes in their order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The latest moment that a change speaks of as the present, for stores that tidy up while they
    /// write; they have no clock.
    pub fn present(&self) -> Option<Timestamp> {
        let present = |change: &Change| match change {
            Change::InsertSession(session) => Some(session.created_at),
            Change::Count { now, .. } => Some(*now),
            Change::EnqueueMail(entry) => Some(entry.at),
            Change::Audit(entry) => Some(entry.at),
            Change::PutCredential { credential, .. } => {
                credential.used_at.max(Some(credential.created_at))
            }
            _ => None,
        };
        self.changes.iter().filter_map(present).max()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl From<Change> for Batch {
    fn from(change: Change) -> Self {
        Self { changes: vec![change] }
    }
}

/// One change. A store implements every one of them.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds a user with its roles. A taken address, username, phone or uniquifier is
    /// [`CommitError::Conflict`](super::CommitError::Conflict); an unknown role is
    /// [`CommitError::Stale`](super::CommitError::Stale) with [`Guard::Role`].
    InsertUser(Box<NewUser>),
    /// Writes `set` if every field of `expect` still holds its value and the user exists;
    /// otherwise [`Guard::User`] is stale.
    UpdateUser {
        /// Whom.
        user: UserId,
        /// What must still be so.
        expect: Vec<UserField>,
        /// What becomes so. May be empty: then the change only guards.
        set: Vec<UserField>,
    },
    /// Removes a user, its grants, sessions and credentials. [`Guard::User`] when there is none.
    DeleteUser(UserId),
    /// Adds a role. A taken name is a conflict.
    InsertRole(Role),
    /// Replaces a role's permissions if they still are `expect`; otherwise [`Guard::Role`].
    SetPermissions {
        /// The role's name.
        role: String,
        /// What must still be so.
        expect: Permissions,
        /// What becomes so.
        set: Permissions,
    },
    /// Removes a role and takes it from all users. [`Guard::Role`] when there is none.
    DeleteRole(String),
    /// Gives a role. [`Guard::Grant`] when the user has it already, [`Guard::User`] or
    /// [`Guard::Role`] when there is no such user or role.
    Grant {
        /// To whom.
        user: UserId,
        /// The role's name.
        role: String,
    },
    /// Takes a role away. [`Guard::Grant`] when the user does not have it.
    Revoke {
        /// From whom.
        user: UserId,
        /// The role's name.
        role: String,
    },
    /// Adds a session record. A key that is taken is [`Guard::Session`]: nothing is overwritten.
    InsertSession(SessionRecord),
    /// Ends one session; that there is none is no error.
    EndSession(SessionKey),
    /// Ends all sessions of a uniquifier, but for the one named.
    EndSessionsOf {
        /// Whose.
        uniquifier: Uniquifier,
        /// The one that stays.
        except: Option<SessionKey>,
    },
    /// Adds a credential, or replaces one of the same key, kind and owner; otherwise
    /// [`Guard::Credential`] is stale. A new one has revision 1, a replaced one a revision one
    /// higher than before. [`Guard::User`] when the owner does not exist.
    PutCredential {
        /// The credential as it is to be, but for its revision.
        credential: Box<CredentialRecord>,
        /// What must be there now.
        expect: ExpectedCredential,
    },
    /// Removes a credential, and ends all sessions whose
    /// [`parent`](SessionRecord::parent) it is, whether it was there or not.
    RemoveCredential {
        /// Which.
        key: CredentialKey,
        /// The revision that it must have: otherwise, or if it is gone, [`Guard::Credential`] is
        /// stale. `None` removes any, and it is no error that there is none.
        expect: Option<u32>,
    },
    /// Removes all credentials of one kind and owner, and ends all sessions made from them; that
    /// there are none is no error.
    RemoveCredentialsOf {
        /// Whose.
        owner: UserId,
        /// Which.
        kind: CredentialKind,
        /// The one that stays, with its sessions.
        except: Option<CredentialKey>,
    },
    /// Notes that a credential was used, unless a later use is noted. The revision stays; that
    /// there is none is no error.
    CredentialUsed {
        /// Which.
        key: CredentialKey,
        /// When.
        at: Timestamp,
    },
    /// Marks a single-use secret as used; [`Guard::Secret`] when it was before.
    Spend {
        /// Which.
        secret: SpentSecret,
        /// From when on the mark may be forgotten: when the secret has expired by itself.
        until: Timestamp,
    },
    /// Counts one up if fewer than `cap` were counted in the running window; otherwise
    /// [`Guard::Counter`]. A window starts with its first count and lasts `window`.
    Count {
        /// What is counted.
        counter: Counter,
        /// The time now.
        now: Timestamp,
        /// How many are allowed in a window.
        cap: u32,
        /// How long a window lasts.
        window: Duration,
    },
    /// Takes one count back; that there is none is no error.
    Uncount(Counter),
    /// Forgets a count; that there is none is no error.
    ResetCount(Counter),
    /// Puts a mail into the outbox, due at once. If there is one of that id, nothing happens.
    EnqueueMail(Box<OutboxEntry>),
    /// Takes a mail that was delivered out of the outbox; that there is none is no error.
    MailDelivered(OutboxId),
    /// Puts a mail that could not be delivered back, due at `due`, with one attempt more; that
    /// there is none is no error.
    MailFailed {
        /// Which.
        mail: OutboxId,
        /// When to try again; [`Timestamp::MAX`] never. Then the mail's text and HTML are wiped:
        /// they may hold a link that still works.
        due: Timestamp,
        /// What the mail server said, for whoever looks. A store may keep 500 characters of it.
        reason: String,
    },
    /// Appends to the audit log.
    Audit(AuditEntry),
}

/// What must be there for a credential to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedCredential {
    /// No credential of that key, expired or not.
    Absent,
    /// The credential of that key, with this revision.
    Revision(u32),
}

/// A mail on its way into the outbox.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// Its name, made by the caller.
    pub id: OutboxId,
    /// The mail.
    pub mail: OutgoingMail,
    /// When it was written.
    pub at: Timestamp,
}

/// Names a secret that can be used once, without containing it: a 32-byte digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpentSecret(pub [u8; 32]);

/// Names something that is counted: what, and of whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter(String);

impl Counter {
    /// A counter of `what` (a short fixed word) for `whom` (a user, an address, a sign-in).
    pub fn new(what: &str, whom: &str) -> Self {
        Self(format!("{what}:{whom}"))
    }

    /// The name, for a store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line of the audit log: who did what, without secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What happened: a fixed word, such as `sign_in` or `reset_requested`.
    pub what: &'static str,
    /// Whose account, if there is one.
    pub user: Option<UserId>,
    /// From which address.
    pub client_ip: Option<String>,
    /// More, by fixed names.
    pub details: Map<String, Value>,
}

/// A guard that did not hold. Nothing of its batch was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// A user's fields were not as expected any more, or the user is gone.
    User(UserId),
    /// A role was not as expected any more, or there is none of that name.
    Role(String),
    /// The user has the role already, or does not have it.
    Grant {
        /// Who.
        user: UserId,
        /// Which.
        role: String,
    },
    /// A session's key is taken.
    Session,
    /// A credential was not as expected: another caller wrote or removed it, or its key is taken.
    Credential(CredentialKey),
    /// A single-use secret was used before.
    Secret,
    /// A counter is at its cap.
    Counter(Counter),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_knows_the_present_from_its_changes() {
        let at = Timestamp::from_seconds;
        let count = |now| Change::Count {
            counter: Counter::new("c", ""),
            now: at(now),
            cap: 1,
            window: Duration::from_secs(1),
        };
        let spend = Change::Spend { secret: SpentSecret([0; 32]), until: at(99) };
        assert_eq!(Batch::from(spend.clone()).present(), None);
        let batch = Batch::from(count(3)).and(spend).and(count(2));
        assert_eq!(batch.present(), Some(at(3)));
        let credential = |used| Change::PutCredential {
            credential: Box::new(CredentialRecord {
                key: CredentialKey::new("k"),
                kind: CredentialKind::AuthToken,
                owner: UserId::new("1"),
                value: Value::Null,
                created_at: at(4),
                used_at: used,
                expires_at: at(99),
                revision: 0,
            }),
            expect: ExpectedCredential::Absent,
        };
        assert_eq!(Batch::from(credential(None)).present(), Some(at(4)));
        assert_eq!(Batch::from(credential(Some(at(5)))).present(), Some(at(5)));
    }
}
