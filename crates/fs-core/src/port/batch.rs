//! Batches of changes, which are the only way to write to a store.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{OutboxId, OutgoingMessage};
use crate::Timestamp;
use crate::model::{
    CredentialKey, CredentialKind, CredentialRecord, NewUser, Permissions, Role, SessionKey,
    SessionRecord, Uniquifier, UserField, UserId,
};

/// Changes that [`UserStore::commit`](super::UserStore::commit) applies atomically.
///
/// Changes apply in order. Guards (the `expect` fields, [`Change::Spend`], [`Change::Count`]) must
/// be part of the statement that writes, so that exactly one of many concurrent callers succeeds.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

impl Batch {
    /// Creates an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a change and returns the batch.
    #[must_use]
    pub fn and(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Appends a change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Inserts a change before all others, such as a guard of the state that they start from.
    pub fn push_first(&mut self, change: Change) {
        self.changes.insert(0, change);
    }

    /// Appends changes.
    pub fn extend(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// Returns the changes in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns the latest current time among the changes, for stores that remove expired rows while
    /// they write: they have no clock.
    pub fn present(&self) -> Option<Timestamp> {
        let present = |change: &Change| match change {
            Change::InsertSession(session) => Some(session.created_at),
            Change::Count { now, .. } => Some(*now),
            Change::Enqueue(entry) => Some(entry.at),
            Change::Audit(entry) => Some(entry.at),
            Change::PutCredential { credential, .. } => {
                credential.used_at.max(Some(credential.created_at))
            }
            _ => None,
        };
        self.changes.iter().filter_map(present).max()
    }

    /// Returns `true` if the batch has no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl From<Change> for Batch {
    fn from(change: Change) -> Self {
        Self { changes: vec![change] }
    }
}

impl<const N: usize> From<[Change; N]> for Batch {
    fn from(changes: [Change; N]) -> Self {
        Self { changes: changes.into() }
    }
}

/// A change to the store. A store must implement every variant.
#[derive(Clone, Debug)]
pub enum Change {
    /// Adds a user with its roles. Returns [`CommitError::Conflict`](super::CommitError::Conflict)
    /// if the address, username, phone number or uniquifier is taken, and
    /// [`CommitError::Stale`](super::CommitError::Stale) with [`Guard::Role`] if a role does not
    /// exist.
    InsertUser(Box<NewUser>),
    /// Sets fields of a user. [`Guard::User`] fails if the user does not exist or a field of
    /// `expect` has another value.
    UpdateUser {
        /// Key of the user.
        user: UserId,
        /// Fields that must still have these values.
        expect: Vec<UserField>,
        /// Fields to set, each at most once. If empty, the change is only a guard.
        set: Vec<UserField>,
    },
    /// Removes a user with its roles, sessions and credentials. [`Guard::User`] fails if the user
    /// does not exist.
    DeleteUser(UserId),
    /// Adds a role. Returns [`CommitError::Conflict`](super::CommitError::Conflict) if the name is
    /// taken.
    InsertRole(Role),
    /// Replaces the permissions of a role. [`Guard::Role`] fails if the role does not exist or its
    /// permissions are not `expect`.
    SetPermissions {
        /// Name of the role.
        role: String,
        /// Permissions that the role must still have.
        expect: Permissions,
        /// New permissions.
        set: Permissions,
    },
    /// Removes a role, also from all users. [`Guard::Role`] fails if the role does not exist.
    DeleteRole(String),
    /// Grants a role to a user. [`Guard::Grant`] fails if the user already has the role;
    /// [`Guard::User`] or [`Guard::Role`] fails if the user or the role does not exist.
    Grant {
        /// Key of the user.
        user: UserId,
        /// Name of the role.
        role: String,
    },
    /// Revokes a role from a user. [`Guard::Grant`] fails if the user does not have the role.
    Revoke {
        /// Key of the user.
        user: UserId,
        /// Name of the role.
        role: String,
    },
    /// Adds a session. [`Guard::Session`] fails if the key is taken; a session is never
    /// overwritten.
    InsertSession(SessionRecord),
    /// Ends a session. It is not an error if the session does not exist.
    EndSession(SessionKey),
    /// Ends a session that must exist. [`Guard::Session`] fails if it does not. Of many concurrent
    /// callers that end a session, one succeeds: whoever replaces a session by another one cannot
    /// bring back a session that was ended at the same time.
    EndLiveSession(SessionKey),
    /// Ends all sessions of a uniquifier, except for one.
    EndSessionsOf {
        /// Uniquifier of the user.
        uniquifier: Uniquifier,
        /// Session to keep. `None` ends all of them.
        except: Option<SessionKey>,
    },
    /// Adds a credential, or replaces one with the same key, kind and owner. [`Guard::Credential`]
    /// fails if the stored credential is not as `expect` says; [`Guard::User`] fails if the owner
    /// does not exist. A new credential has revision 1; replacing increments the revision.
    PutCredential {
        /// Credential to store. Its revision is ignored.
        credential: Box<CredentialRecord>,
        /// Condition on the stored credential.
        expect: ExpectedCredential,
    },
    /// Removes a credential, and ends all sessions whose [`parent`](SessionRecord::parent) it is,
    /// even if the credential does not exist.
    RemoveCredential {
        /// Key of the credential.
        key: CredentialKey,
        /// Revision that the credential must have. [`Guard::Credential`] fails if it has another
        /// one or does not exist. `None` removes any revision; it is then not an error if the
        /// credential does not exist.
        expect: Option<u32>,
    },
    /// Removes all credentials of one kind and owner, and ends all sessions that were created from
    /// them. It is not an error if there are none.
    RemoveCredentialsOf {
        /// Key of the owner.
        owner: UserId,
        /// Kind of the credentials.
        kind: CredentialKind,
        /// Credential to keep, with its sessions. `None` removes all of them.
        except: Option<CredentialKey>,
    },
    /// Records the use of a credential, unless a later use is recorded. Does not change the
    /// revision. It is not an error if the credential does not exist.
    CredentialUsed {
        /// Key of the credential.
        key: CredentialKey,
        /// Time of the use.
        at: Timestamp,
    },
    /// Marks a single-use secret as spent. [`Guard::Secret`] fails if it was spent before.
    Spend {
        /// Digest of the secret.
        secret: SpentSecret,
        /// Time from which the record may be removed, because the secret has expired.
        until: Timestamp,
    },
    /// Increments a counter. [`Guard::Counter`] fails if it has reached `cap` in the current
    /// window. A window starts with its first count and lasts `window`.
    Count {
        /// Counter to increment.
        counter: Counter,
        /// Current time.
        now: Timestamp,
        /// Maximum count in a window.
        cap: u32,
        /// Duration of a window.
        window: Duration,
    },
    /// Decrements a counter. It is not an error if the counter does not exist.
    Uncount(Counter),
    /// Removes a counter. It is not an error if the counter does not exist.
    ResetCount(Counter),
    /// Adds a message to the outbox, due at once. Does nothing if the outbox has a message with
    /// this id.
    Enqueue(Box<OutboxEntry>),
    /// Removes a delivered message from the outbox. It is not an error if the message does not
    /// exist.
    Delivered(OutboxId),
    /// Returns an undelivered message to the outbox, due at `due`, and increments its number of
    /// attempts. It is not an error if the message does not exist.
    DeliveryFailed {
        /// Id of the message.
        message: OutboxId,
        /// Time of the next attempt. [`Timestamp::MAX`] gives the message up and wipes its text and
        /// HTML, which may hold a link that still works.
        due: Timestamp,
        /// Answer of the server, for the operator. A store may truncate it to 500 characters.
        reason: String,
    },
    /// Appends an entry to the audit log.
    Audit(AuditEntry),
}

/// Condition under which a credential is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedCredential {
    /// No credential with the key of the new one exists, not even an expired one.
    Absent,
    /// The stored credential with the same key has this revision.
    Revision(u32),
}

/// A message to add to the outbox.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// Id of the message, chosen by the caller.
    pub id: OutboxId,
    /// Content of the message.
    pub message: OutgoingMessage,
    /// Time at which the message was written.
    pub at: Timestamp,
}

/// Digest of a single-use secret, 32 bytes long. It identifies the secret without revealing it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpentSecret(pub [u8; 32]);

/// Name of a counter: what is counted, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter(String);

impl Counter {
    /// Creates the name of the counter of `what` (a short fixed word) for `whom` (a user, an
    /// address or a sign-in).
    pub fn new(what: &str, whom: &str) -> Self {
        Self(format!("{what}:{whom}"))
    }

    /// Returns the name as a store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry of the audit log. It does not contain secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Time of the action.
    pub at: Timestamp,
    /// Name of the action, such as `sign_in` or `reset_requested`.
    pub what: &'static str,
    /// User whose account is concerned, if there is one.
    pub user: Option<UserId>,
    /// IP address of the client, if known.
    pub client_ip: Option<String>,
    /// Further details, by name.
    pub details: Map<String, Value>,
}

/// A guard that failed. Nothing of its batch was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The fields of the user have changed, or the user does not exist.
    User(UserId),
    /// The permissions of the role have changed, or the role does not exist.
    Role(String),
    /// The user has the role already, or does not have it.
    Grant {
        /// Key of the user.
        user: UserId,
        /// Name of the role.
        role: String,
    },
    /// The key of the session is taken, or the session that must exist does not.
    Session,
    /// The credential has changed or does not exist, or its key is taken.
    Credential(CredentialKey),
    /// The single-use secret is already spent.
    Secret,
    /// The counter has reached its cap.
    Counter(Counter),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_knows_the_present_from_its_changes() {
        let at = Timestamp::from_secs;
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
