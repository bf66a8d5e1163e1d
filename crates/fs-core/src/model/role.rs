//! Roles.

use super::Permissions;

/// A role: a name that users hold, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Unique, compared exactly and case-sensitively; at most 80 characters in Flask-Security's tables.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// What holders may do.
    pub permissions: Permissions,
}

impl Role {
    /// A role that allows nothing in particular.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: None, permissions: Permissions::default() }
    }
}
