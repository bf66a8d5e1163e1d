//! How a request is authenticated.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::User;

/// How somebody proved who they are in a request. The order is that in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// An auth token in a header, the query or the body.
    Token,
    /// The browser's session.
    Session,
    /// Name and password with each request (RFC 7617).
    Basic,
}

impl Mechanism {
    /// The name that Flask-Security gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Basic => "basic",
        }
    }

    /// The mechanism of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Token, Self::Session, Self::Basic].into_iter().find(|m| m.name() == name)
    }
}

/// Who a request is from, and how that is known. What is asked of it that it does not have is asked
/// of the user: `caller.email`.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Who; cheap to keep beyond the request.
    pub user: Arc<User>,
    /// How.
    pub mechanism: Mechanism,
}

impl Deref for Authentication {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

/// Why a mechanism names nobody. It tells neither a secret nor whether there is an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// The request brings nothing of the kind, or a session that nobody is signed in in.
    Absent,
    /// Somebody gave a first factor, and owes the second.
    HalfWay,
    /// What the request brings was not made by us, or was altered.
    Invalid,
    /// What the request brings is too old.
    Expired,
    /// What the request brings was good once: it was ended or has expired, or its account is gone
    /// or has ended all sessions and tokens at once.
    Ended,
    /// The account is deactivated.
    Deactivated,
    /// A second factor is required, and the account has none yet.
    FactorMissing,
    /// The name and password are not those of an account that may sign in.
    Wrong,
}

impl std::fmt::Display for Unproven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "there is none",
            Self::HalfWay => "the second factor is still owed",
            Self::Invalid => "it was not made by this site, or was altered",
            Self::Expired => "it has expired",
            Self::Ended => "it was ended, or has expired",
            Self::Deactivated => "the account is deactivated",
            Self::FactorMissing => "the account must set up a second factor first",
            Self::Wrong => "it is wrong, or the account may not sign in",
        })
    }
}
