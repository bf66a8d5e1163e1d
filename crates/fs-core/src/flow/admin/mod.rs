//! What administrators, scripts and the command line do with accounts.
//!
//! No rule of a form applies here but those of passwords; whoever calls has been authorised.

mod accounts;
mod factors;
mod roles;

pub use accounts::NewAccount;

use super::{FlowError, Problem};
use crate::model::{UserField, UserId};
use crate::port::{Change, CommitError, Guard, StoreError, UniqueAttribute};
use crate::security::Security;

/// Why an administrator's change was not made.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such account any more.
    #[error("there is no such user")]
    NoSuchUser,
    /// There is no role of that name.
    #[error("there is no role {0:?}; create it first")]
    NoSuchRole(String),
    /// Another account or role has that value.
    #[error("{0:?} is taken")]
    Taken(UniqueAttribute),
    /// Something is wrong with what was typed.
    #[error("{} problem(s) with what was typed", .0.len())]
    Invalid(Vec<Problem>),
    /// Nothing was decided.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<CommitError> for AdminError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(attribute) => Self::Taken(attribute),
            CommitError::Stale(Guard::User(_)) => Self::NoSuchUser,
            CommitError::Stale(Guard::Role(name)) => Self::NoSuchRole(name),
            other => Self::Flow(other.into()),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}
impl Security {
    async fn update(&self, user: &UserId, set: Vec<UserField>) -> Result<(), AdminError> {
        let change = Change::UpdateUser { user: user.clone(), expect: Vec::new(), set };
        self.store().commit(change.into()).await?;
        Ok(())
    }

    async fn replace(
        &self,
        user: &UserId,
        expect: UserField,
        set: UserField,
    ) -> Result<(), AdminError> {
        let change =
            Change::UpdateUser { user: user.clone(), expect: vec![expect], set: vec![set] };
        self.store().commit(change.into()).await?;
        Ok(())
    }
}
