//! Roles.

use super::Permissions;

/// A role, which grants permissions to its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Unique, case-sensitive name. Flask-Security's tables allow at most 80 characters.
    pub name: String,
    /// Description for administrators.
    pub description: Option<String>,
    /// Permissions that the role grants.
    pub permissions: Permissions,
}

impl Role {
    /// Creates a role without permissions.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: None, permissions: Permissions::default() }
    }
}
