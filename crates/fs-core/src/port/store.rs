//! The database.

use async_trait::async_trait;

use super::{Batch, Guard, OutboxMail};
use crate::Timestamp;
use crate::identity::IdentityAttribute;
use crate::model::{
    CredentialKey, CredentialKind, CredentialRecord, Role, SessionKey, SessionRecord, Uniquifier,
    User, UserId,
};

/// The database that keeps users, roles, sessions and the outbox.
///
/// Reads are few and coarse; every write is one [`commit`](Self::commit). Prove an implementation
/// with the conformance suite of `fs-testkit`.
///
/// # Errors
///
/// A read says [`StoreError`]; never "nothing found" for a database that did not answer.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// The user that `by` names, with roles (in the order of their names) and permissions, in one
    /// round trip.
    ///
    /// Uniqueness is exact: `Ann@x.org` and `ann@x.org` can be two users. Where the case is ignored
    /// and several match, the one that matches exactly is meant, otherwise the one made first.
    /// An empty uniquifier names nobody, and neither does one that several users share.
    ///
    /// A look for an [`Identity`](UserLookup::Identity) that nobody has should take as long as one
    /// that finds somebody: read another user in that case, and return `None`. Strangers measure.
    async fn user(&self, by: &UserLookup) -> Result<Option<User>, StoreError>;

    /// The session of that key and the user that its uniquifier names, in one round trip.
    ///
    /// Nothing when there is no such record, when it has expired at `now`, or when no user has
    /// its uniquifier.
    async fn session(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<(SessionRecord, User)>, StoreError>;

    /// The living sessions of a uniquifier, newest first. Notes of codes
    /// that were sent ([`SessionKind::SentCode`](crate::model::SessionKind::SentCode)) are none.
    async fn sessions_of(
        &self,
        uniquifier: &Uniquifier,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Returns the credential of that key with its owner, in one round trip.
    ///
    /// `None` if there is no such credential, or if it has expired at `now`.
    async fn credential(
        &self,
        key: &CredentialKey,
        now: Timestamp,
    ) -> Result<Option<(CredentialRecord, User)>, StoreError>;

    /// Returns the owner's credentials of one kind that have not expired at `now`, newest first.
    async fn credentials_of(
        &self,
        owner: &UserId,
        kind: CredentialKind,
        now: Timestamp,
    ) -> Result<Vec<CredentialRecord>, StoreError>;

    /// The role of that name.
    async fn role(&self, name: &str) -> Result<Option<Role>, StoreError>;

    /// Users in the order of their addresses, compared byte by byte. There may be fewer than the page
    /// has room for: a row that cannot be read is left out and named in the log.
    async fn users(&self, page: Page) -> Result<Vec<User>, StoreError>;

    /// All roles in the order of their names, compared byte by byte.
    async fn roles(&self) -> Result<Vec<Role>, StoreError>;

    /// Makes all changes of the batch, or none.
    async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError>;

    /// Takes up to `limit` mails that are due at `now`, the longest due first, and hides them from
    /// other callers until `until`. Of concurrent callers none gets a mail that another one got.
    async fn claim_mails(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<OutboxMail>, StoreError>;
}

/// How a user is named in a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserLookup {
    /// By the store's key.
    Id(UserId),
    /// By the uniquifier.
    Uniquifier(Uniquifier),
    /// By the uniquifier of auth tokens.
    TokenUniquifier(Uniquifier),
    /// By something a person types.
    Identity(Identity),
}

/// A normalised value of an identity attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which attribute holds it.
    pub attribute: IdentityAttribute,
    /// What it must be.
    pub value: String,
    /// Whether letters of either case are the same: both sides are compared by [`fold_case`].
    pub ignore_case: bool,
}

impl Identity {
    /// Whether a stored value is the one meant.
    ///
    /// A database may narrow the search in its own way; this has the last word, so that every
    /// store finds the same user.
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

/// The text with each letter in lower case, one letter at a time.
///
/// A letter stays as it is when its lower case is more than one character (`İ`), or is in ASCII
/// though the letter is not (the Kelvin sign): mails have gone to the accounts of others where such
/// letters counted as the same.
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

/// Attributes of a user that are unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UniqueAttribute {
    /// The mail address.
    Email,
    /// The username.
    Username,
    /// The telephone number.
    Phone,
    /// One of the uniquifiers.
    Uniquifier,
    /// A role's name.
    RoleName,
}

/// What a commit made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The keys of the users that the batch inserted, in its order.
    pub users: Vec<UserId>,
}

/// Which part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub offset: u32,
    /// How many to give at most.
    pub limit: u32,
}

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be reached or was too busy. Trying again may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else: a missing table, a value that cannot be read.
    #[error("the database failed: {0}")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a batch was not written. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another user or role has that value already.
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
