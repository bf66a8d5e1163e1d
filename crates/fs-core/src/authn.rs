//! Mechanisms and results of authentication.

use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::UnknownName;
use crate::model::User;
use crate::token::TokenProblem;

/// Mechanism by which a request is authenticated. Mechanisms are tried in the order of the
/// variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// An auth token in a header, the query or the body.
    Token,
    /// The browser's session.
    Session,
    /// HTTP Basic authentication: name and password with each request (RFC 7617).
    Basic,
}

impl Mechanism {
    /// Returns Flask-Security's name of the mechanism.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Basic => "basic",
        }
    }
}

impl FromStr for Mechanism {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let all = [Self::Token, Self::Session, Self::Basic];
        all.into_iter().find(|mechanism| mechanism.name() == name).ok_or(UnknownName)
    }
}

/// The authenticated user of a request, and the mechanism. It dereferences to the user:
/// `caller.email`.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The user. It is cheap to clone and to keep beyond the request.
    pub user: Arc<User>,
    /// Mechanism that authenticated the request.
    pub mechanism: Mechanism,
}

impl Deref for Authentication {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

/// Reason why a mechanism did not authenticate a request. It reveals neither a secret nor whether
/// an account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthFailure {
    /// The request has no credentials for the mechanism, or a session that is not signed in.
    Absent,
    /// The first factor was given, but the second is still missing.
    HalfWay,
    /// The credentials were not issued by this application, or were altered.
    Invalid,
    /// The credentials are too old.
    Expired,
    /// The credentials are no longer valid: they were revoked or have expired, the account was
    /// removed, or all of its sessions and tokens were revoked at once.
    Ended,
    /// The account is deactivated.
    Deactivated,
    /// A second factor is required, and the account has none yet.
    FactorMissing,
    /// The name and password do not belong to an account that may sign in.
    Wrong,
}

/// Result of checking the credentials of a request.
#[derive(Clone, Debug)]
#[must_use]
pub enum AuthOutcome {
    /// The credentials belong to this user.
    Authenticated(Arc<User>),
    /// The credentials authenticate nobody.
    Refused(AuthFailure),
}

impl AuthOutcome {
    /// Returns the user, if the credentials authenticate one.
    pub fn user(self) -> Option<Arc<User>> {
        match self {
            Self::Authenticated(user) => Some(user),
            Self::Refused(_) => None,
        }
    }

    /// Checks whether the credentials authenticate a user.
    pub const fn is_authenticated(&self) -> bool {
        matches!(self, Self::Authenticated(_))
    }

    /// Returns the reason for a refusal.
    pub const fn failure(&self) -> Option<AuthFailure> {
        match self {
            Self::Authenticated(_) => None,
            Self::Refused(failure) => Some(*failure),
        }
    }
}

impl std::fmt::Display for AuthFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "no credentials",
            Self::HalfWay => "the second factor is still missing",
            Self::Invalid => "it was not made by this site, or was altered",
            Self::Expired => "it has expired",
            Self::Ended => "it was ended, or has expired",
            Self::Deactivated => "the account is deactivated",
            Self::FactorMissing => "the account must set up a second factor first",
            Self::Wrong => "it is wrong, or the account may not sign in",
        })
    }
}

impl<T> From<&TokenProblem<T>> for AuthFailure {
    fn from(problem: &TokenProblem<T>) -> Self {
        match problem {
            TokenProblem::Expired(_) => Self::Expired,
            TokenProblem::Invalid => Self::Invalid,
        }
    }
}
