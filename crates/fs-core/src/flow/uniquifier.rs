//! Accounts without a uniquifier (security stamp) of their own.
//!
//! An imported database may contain users whose uniquifier is empty or shared with other users.
//! Stores read both as empty. An empty uniquifier authenticates nobody. The account gets a new one
//! before its user signs in or is mailed a link.

use std::borrow::Cow;
use std::sync::Arc;

use super::FlowError;
use crate::model::{SessionRecord, Uniquifier, User, UserField};
use crate::port::{Change, CommitError, UserLookup};
use crate::security::Security;

impl Security {
    /// Returns the user with the uniquifier of a token. An empty uniquifier belongs to nobody.
    pub(super) async fn user_of_uniquifier(
        &self,
        uniquifier: &Uniquifier,
    ) -> Result<Option<Arc<User>>, FlowError> {
        if uniquifier.is_empty() {
            return Ok(None);
        }
        let found = self.store().user(&UserLookup::Uniquifier(uniquifier.clone())).await?;
        // Compare exactly, whatever collation a store uses.
        Ok(found.filter(|user| user.uniquifier == *uniquifier))
    }

    /// Returns the user with a uniquifier of their own. Stores a new one if it is empty. A user who
    /// has one is not copied: the memory of a copy would change the time of the next request.
    pub(super) async fn with_uniquifier<'a>(
        &self,
        user: &'a User,
    ) -> Result<Cow<'a, User>, FlowError> {
        if !user.uniquifier.is_empty() {
            return Ok(Cow::Borrowed(user));
        }
        let fresh = self.new_uniquifier()?;
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::Uniquifier(user.uniquifier.clone())],
            set: vec![UserField::Uniquifier(fresh.clone())],
        };
        match self.store().commit(change.into()).await {
            Ok(_) => {
                let mut user = user.clone();
                user.uniquifier = fresh;
                Ok(Cow::Owned(user))
            }
            Err(CommitError::Stale(guard)) => {
                // A concurrent request stored one first.
                let now = self.store().user(&UserLookup::Id(user.id.clone())).await?;
                let now = now.filter(|user| !user.uniquifier.is_empty());
                let now = now.map(Arc::unwrap_or_clone).map(Cow::Owned);
                now.ok_or(FlowError::Contended(CommitError::Stale(guard)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does the same as [`with_uniquifier`](Self::with_uniquifier) for a shared user.
    pub(super) async fn shared_with_uniquifier(
        &self,
        user: Arc<User>,
    ) -> Result<Arc<User>, FlowError> {
        if !user.uniquifier.is_empty() {
            return Ok(user);
        }
        Ok(Arc::new(self.with_uniquifier(&user).await?.into_owned()))
    }
}

/// Checks whether a session belongs to the user: it has the user's uniquifier, which is not empty.
pub(super) fn is_session_of(record: &SessionRecord, user: &User) -> bool {
    !user.uniquifier.is_empty() && record.uniquifier == user.uniquifier
}
