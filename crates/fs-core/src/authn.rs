//! How a request is authenticated.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

/// Who a request is from, and how that is known.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// Who.
    pub user: Arc<User>,
    /// How.
    pub mechanism: Mechanism,
}
