//! Roles: who has them, and what they allow.

use super::AdminError;
use crate::flow::FlowError;
use crate::model::{Permissions, Role, UserId};
use crate::port::{Change, CommitError, Guard};
use crate::security::Security;

impl Security {
    /// Makes a role.
    ///
    /// # Errors
    ///
    /// The name is taken.
    pub async fn create_role(&self, role: Role) -> Result<(), AdminError> {
        self.store().commit(Change::InsertRole(role).into()).await?;
        Ok(())
    }

    /// The role of that name, made if there is none. An existing one stays as it is.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn find_or_create_role(&self, role: Role) -> Result<Role, AdminError> {
        if let Some(found) = self.store().role(&role.name).await? {
            return Ok(found);
        }
        match self.store().commit(Change::InsertRole(role.clone()).into()).await {
            Ok(_) => Ok(role),
            Err(CommitError::Conflict(_)) => {
                let found = self.store().role(&role.name).await?;
                found.ok_or(AdminError::NoSuchRole(role.name))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a role; whether the user did not have it.
    ///
    /// # Errors
    ///
    /// There is no such user or role.
    pub async fn add_role_to_user(&self, user: &UserId, role: &str) -> Result<bool, AdminError> {
        let grant = Change::Grant { user: user.clone(), role: role.to_owned() };
        match self.store().commit(grant.into()).await {
            Err(CommitError::Stale(Guard::Grant { .. })) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Takes a role away; whether the user had it.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn remove_role_from_user(
        &self,
        user: &UserId,
        role: &str,
    ) -> Result<bool, AdminError> {
        let revoke = Change::Revoke { user: user.clone(), role: role.to_owned() };
        match self.store().commit(revoke.into()).await {
            Err(CommitError::Stale(_)) => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Adds permissions to a role; whether there is such a role.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn add_permissions_to_role(
        &self,
        role: &str,
        more: &Permissions,
    ) -> Result<bool, AdminError> {
        self.set_permissions(role, |permissions| permissions.add(more)).await
    }

    /// Takes permissions from a role; whether there is such a role.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn remove_permissions_from_role(
        &self,
        role: &str,
        less: &Permissions,
    ) -> Result<bool, AdminError> {
        self.set_permissions(role, |permissions| permissions.remove(less)).await
    }

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
