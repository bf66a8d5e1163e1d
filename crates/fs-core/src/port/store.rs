//! Port for the database.

use async_trait::async_trait;
use std::sync::Arc;

use super::{Batch, Guard, OutboxMessage};
use crate::Timestamp;
use crate::identity::IdentityAttribute;
use crate::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserId,
};

/// Database for users, roles, sessions, credentials and the outbox.
///
/// There are few reads, each of which returns whole records. Every write is one
/// [`commit`](Self::commit). Test an implementation with the conformance suite of `fs-testkit`.
///
/// # Errors
///
/// A read returns [`StoreError`] if the database failed. It must not return `None` or an empty list
/// in that case.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Returns the user that `by` identifies, with roles (sorted by name) and permissions, in one
    /// round trip.
    ///
    /// Uniqueness is exact: `Ann@x.org` and `ann@x.org` can be two users. If a lookup ignores case
    /// and several users match, the exact match wins, otherwise the user that was created first. A
    /// uniquifier that is empty or shared by several users matches no one.
    ///
    /// A lookup of an [`Identity`](UserLookup::Identity) without a match should take as long as one
    /// with a match: read another user in that case and return `None`. Otherwise its duration would
    /// allow enumeration.
    async fn user(&self, by: &UserLookup) -> Result<Option<Arc<User>>, StoreError>;

    /// Returns the session with that key and the user with its uniquifier, in one round trip.
    ///
    /// Returns `None` if there is no such session, if it has expired at `now`, or if no user has
    /// its uniquifier.
    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<SessionRecord>, Arc<User>)>, StoreError>;

    /// Returns the sessions of a uniquifier that have not expired at `now`, newest first. Records
    /// of sent codes ([`SessionKind::SentCode`](crate::model::SessionKind::SentCode)) are left out.
    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Returns the credential with that key and its owner, in one round trip.
    ///
    /// Returns `None` if there is no such credential, or if it has expired at `now`.
    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(Arc<CredentialRecord>, Arc<User>)>, StoreError>;

    /// Returns the owner's credentials of one kind that have not expired at `now`, newest first.
    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError>;

    /// Returns the role with that name, or `None` if there is no such role.
    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError>;

    /// Returns users sorted by address, compared byte by byte. The result can be shorter than the
    /// page: rows that cannot be read are skipped and logged.
    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError>;

    /// Returns all roles sorted by name, compared byte by byte.
    async fn roles(&self) -> Result<Vec<Role>, StoreError>;

    /// Applies all changes of the batch atomically.
    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError>;

    /// Claims up to `limit` messages that are due at `now`, the longest due first, and hides them
    /// from other callers until `until`. Concurrent callers never get the same message.
    async fn claim_messages(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMessage>, StoreError>;
}

/// Key by which a user is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserLookup {
    /// The store's key of the user.
    Id(UserId),
    /// The user's uniquifier.
    Uniquifier(Uniquifier),
    /// The user's uniquifier for auth tokens.
    TokenUniquifier(Uniquifier),
    /// An identity that the user typed.
    Identity(Identity),
}

/// A normalised value of an identity attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Attribute that holds the value.
    pub attribute: IdentityAttribute,
    /// Value of the attribute.
    pub value: String,
    /// Whether to ignore case: if so, both sides are compared after [`fold_case`].
    pub ignore_case: bool,
}

impl Identity {
    /// Checks whether a stored value matches.
    ///
    /// A database may narrow the search in its own way. This method makes the final decision, so
    /// that every store finds the same user.
    ///
    /// ```
    /// use fs_core::identity::IdentityAttribute;
    /// use fs_core::port::Identity;
    ///
    /// let jose = Identity {
    ///     attribute: IdentityAttribute::Username,
    ///     value: "JOSÉ".to_owned(),
    ///     ignore_case: true,
    /// };
    /// assert!(jose.matches("José"));
    /// assert!(!jose.matches("Jose"));
    /// ```
    pub fn matches(&self, stored: &str) -> bool {
        if self.ignore_case {
            fold_case(&self.value) == fold_case(stored)
        } else {
            self.value == stored
        }
    }
}

/// Converts a text to lower case letter by letter, for comparisons that ignore case.
///
/// Two kinds of letters are left unchanged:
///
/// - letters whose lower case is more than one character, such as `İ`
/// - non-ASCII letters whose lower case is an ASCII letter, such as the Kelvin sign
///
/// If such a letter were equal to an ASCII letter, a mail for one account could be sent to an
/// address that somebody else registered.
pub fn fold_case(text: &str) -> String {
    let fold = |letter: char| {
        let mut lower = letter.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(only), None) if only.is_ascii() == letter.is_ascii() => only,
            _ => letter,
        }
    };
    text.chars().map(fold).collect()
}

/// A unique attribute of a user or role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UniqueAttribute {
    /// The mail address.
    Email,
    /// The username.
    Username,
    /// The telephone number.
    Phone,
    /// The uniquifier, or the one for auth tokens.
    Uniquifier,
    /// The name of a role.
    RoleName,
}

/// Result of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Keys of the users that the batch inserted, in the order of the batch.
    pub users: Vec<UserId>,
}

/// Section of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Number of entries to skip.
    pub offset: u32,
    /// Maximum number of entries to return.
    pub limit: u32,
}

/// Error of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database could not be reached or was too busy. Another attempt may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The row of a user, session or credential cannot be read. Other rows are not affected. The
    /// store has logged its table, key and column.
    #[error("a row cannot be read: {0}")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Any other error, such as a missing table.
    #[error("the database failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Error of a commit. Nothing of the batch was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another user or role already has the value of this attribute.
    #[error("{0:?} is taken")]
    Conflict(UniqueAttribute),
    /// A guard did not hold.
    #[error("{0:?} is not as expected any more")]
    Stale(Guard),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_never_joins_ascii_with_anything_else() {
        assert_eq!(fold_case("ÄrA-Σς"), "ära-σς");
        for letter in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            assert!(!fold_case(&letter.to_string()).is_ascii(), "{letter:?}");
            assert_eq!(fold_case(&letter.to_string()).chars().count(), 1);
        }
    }
}
