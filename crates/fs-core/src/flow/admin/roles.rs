//! Creating roles, granting them to users, and changing their permissions.

use super::AdminError;
use crate::flow::FlowError;
use crate::flow::groups::AdminFlows;
use crate::model::{Permissions, Role, UserId};
use crate::port::{Change, CommitError, Guard};
use crate::security::Security;

impl AdminFlows<'_> {
    /// Creates a role.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Taken`] if a role with this name exists, and [`AdminError::Flow`] if
    /// the database fails. Nothing was created.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::Role};
    /// # async fn example(security: Security, editor: Role) -> Result<(), AdminError> {
    /// use fs_core::flow::AdminError;
    ///
    /// match security.admin().create_role(editor).await {
    ///     Err(AdminError::Taken(_)) => println!("exists already"),
    ///     other => other?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_role(self, role: Role) -> Result<(), AdminError> {
        self.core.store().commit(Change::InsertRole(role).into()).await?;
        Ok(())
    }

    /// Returns the role with this name, or creates it. An existing role is not changed.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchRole`] if the role was removed at the same time, and
    /// [`AdminError::Flow`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::Role};
    /// # async fn example(security: Security, editor: Role) -> Result<(), AdminError> {
    /// let stored = security.admin().find_or_create_role(editor).await?;
    /// println!("{:?}", stored.permissions);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn find_or_create_role(self, role: Role) -> Result<Role, AdminError> {
        if let Some(found) = self.core.store().role(&role.name).await? {
            return Ok(found);
        }
        match self.core.store().commit(Change::InsertRole(role.clone()).into()).await {
            Ok(_) => Ok(role),
            Err(CommitError::Conflict(_)) => {
                let found = self.core.store().role(&role.name).await?;
                found.ok_or(AdminError::NoSuchRole(role.name))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Grants a role to a user. Returns `false` if the user already has it.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::NoSuchUser`] or [`AdminError::NoSuchRole`] if the user or the role
    /// does not exist, and [`AdminError::Flow`] if the database fails. Nothing was granted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// if security.admin().add_role_to_user(&user, "editor").await? {
    ///     println!("granted");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add_role_to_user(self, user: &UserId, role: &str) -> Result<bool, AdminError> {
        if role.contains('\0') {
            // No role has such a name, and not every store can look for it.
            return Ok(false);
        }
        let grant = Change::Grant { user: user.clone(), role: role.to_owned() };
        match self.core.store().commit(grant.into()).await {
            Err(CommitError::Stale(Guard::Grant { .. })) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Revokes a role from a user. Returns `false` if the user does not have it.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Flow`] if the database fails. Nothing was revoked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::UserId};
    /// # async fn example(security: Security, user: UserId) -> Result<(), AdminError> {
    /// if security.admin().remove_role_from_user(&user, "editor").await? {
    ///     println!("revoked");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove_role_from_user(
        self,
        user: &UserId,
        role: &str,
    ) -> Result<bool, AdminError> {
        if role.contains('\0') {
            return Ok(false);
        }
        let revoke = Change::Revoke { user: user.clone(), role: role.to_owned() };
        match self.core.store().commit(revoke.into()).await {
            Err(CommitError::Stale(_)) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Adds permissions to a role. Returns `false` if the role does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Flow`] if the database fails. The error contains
    /// [`FlowError::Contended`] if concurrent changes of the role prevented the commit five times.
    /// In both cases, the permissions are unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::Permissions};
    /// # async fn example(security: Security, publish: Permissions) -> Result<(), AdminError> {
    /// if !security.admin().add_permissions_to_role("editor", &publish).await? {
    ///     println!("no such role");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add_permissions_to_role(
        self,
        role: &str,
        more: &Permissions,
    ) -> Result<bool, AdminError> {
        self.core.set_permissions(role, |permissions| permissions.add(more)).await
    }

    /// Removes permissions from a role. Returns `false` if the role does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`AdminError::Flow`] if the database fails. The error contains
    /// [`FlowError::Contended`] if concurrent changes of the role prevented the commit five times.
    /// In both cases, the permissions are unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::AdminError, model::Permissions};
    /// # async fn example(security: Security, publish: Permissions) -> Result<(), AdminError> {
    /// if !security.admin().remove_permissions_from_role("editor", &publish).await? {
    ///     println!("no such role");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove_permissions_from_role(
        self,
        role: &str,
        less: &Permissions,
    ) -> Result<bool, AdminError> {
        self.core.set_permissions(role, |permissions| permissions.remove(less)).await
    }
}

impl Security {
    async fn set_permissions(
        &self,
        role: &str,
        edit: impl Fn(&mut Permissions),
    ) -> Result<bool, AdminError> {
        for _ in 0..5 {
            let Some(found) = self.store().role(role).await? else {
                return Ok(false);
            };
            let mut set = found.permissions.clone();
            edit(&mut set);
            let role = role.to_owned();
            let change = Change::SetPermissions { role, expect: found.permissions, set };
            match self.store().commit(change.into()).await {
                Err(CommitError::Stale(_)) => {}
                other => return Ok(other.map(|_| true)?),
            }
        }
        let contended = CommitError::Stale(Guard::Role(role.to_owned()));
        Err(AdminError::Flow(FlowError::Contended(contended)))
    }
}
