//! Accounts without a uniquifier of their own.
//!
//! A database that was taken over may hold users whose uniquifier is empty, or the same as that of
//! others; stores read both as empty. Nothing opens such an account by its uniquifier. Whoever proves
//! that it is theirs, or is mailed a link to it, gets one first.

use super::FlowError;
use crate::model::{SessionRecord, Uniquifier, User, UserField};
use crate::port::{Change, CommitError, UserLookup};
use crate::security::Security;

impl Security {
    /// The user of a uniquifier that a token names. An empty one names nobody.
    pub(super) async fn user_of_uniquifier(
        &self,
        uniquifier: &Uniquifier,
    ) -> Result<Option<User>, FlowError> {
        if uniquifier.is_empty() {
            return Ok(None);
        }
        let found = self.store().user(&UserLookup::Uniquifier(uniquifier.clone())).await?;
        // Whatever a store compares by, this is exact.
        Ok(found.filter(|user| user.uniquifier == *uniquifier))
    }

    /// The user, with a uniquifier of their own.
    pub(super) async fn with_uniquifier(&self, mut user: User) -> Result<User, FlowError> {
        if !user.uniquifier.is_empty() {
            return Ok(user);
        }
        let fresh = self.new_uniquifier()?;
        let change = Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::Uniquifier(user.uniquifier.clone())],
            set: vec![UserField::Uniquifier(fresh.clone())],
        };
        match self.store().commit(change.into()).await {
            Ok(_) => user.uniquifier = fresh,
            Err(CommitError::Stale(guard)) => {
                // Somebody else was faster.
                let now = self.store().user(&UserLookup::Id(user.id.clone())).await?;
                let now = now.filter(|user| !user.uniquifier.is_empty());
                user = now.ok_or(FlowError::Contended(CommitError::Stale(guard)))?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(user)
    }
}

/// Whether a session is one of the user: it names their uniquifier, which is not empty.
pub(super) fn is_session_of(record: &SessionRecord, user: &User) -> bool {
    !user.uniquifier.is_empty() && record.uniquifier == user.uniquifier
}
