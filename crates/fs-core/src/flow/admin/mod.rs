//! Account administration for administrators, scripts and the command line.
//!
//! These functions check no permissions: authorize the caller first. The rules for new passwords
//! apply; other rules of the forms do not.

mod accounts;
mod factors;
mod roles;

pub use accounts::NewAccount;

use super::{FlowError, Problem};
use crate::message::Language;
use crate::model::{UserField, UserId};
use crate::port::{Change, CommitError, Guard, StoreError, UniqueAttribute};
use crate::security::Security;

/// Error of an administrative change. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The user does not exist.
    #[error("there is no such user")]
    NoSuchUser,
    /// The role with this name does not exist.
    #[error("there is no role {0:?}; create it first")]
    NoSuchRole(String),
    /// Another account or role already has this value.
    #[error("{0:?} is taken")]
    Taken(UniqueAttribute),
    /// The input is invalid.
    #[error("the input is invalid: {}", in_words(.0))]
    Invalid(Vec<Problem>),
    /// The operation itself failed, for example because the database is unavailable.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

/// Lists the fields and what is wrong with each, in English.
fn in_words(problems: &[Problem]) -> String {
    let texts = Language::english();
    let words = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.field, texts.message(&problem.message)));
    words.collect::<Vec<_>>().join("; ")
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
}
