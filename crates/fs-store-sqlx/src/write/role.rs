//! Changes of roles.

use fs_core::model::{Permissions, Role};
use fs_core::port::{CommitError, Guard};

use super::{Outcome, Work};
use crate::error::Error;
use crate::read::read_permissions;
use crate::shape::Table;
use crate::value::Value;

fn stale(name: &str) -> CommitError {
    CommitError::Stale(Guard::Role(name.to_owned()))
}

/// No permissions are NULL.
fn text(permissions: &Permissions) -> Value {
    let text = (!permissions.is_empty()).then(|| permissions.to_string());
    text.as_deref().into()
}

impl Work<'_> {
    pub(super) async fn insert_role(&mut self, role: &Role) -> Outcome {
        let columns = vec![
            ("name", role.name.as_str().into()),
            ("description", role.description.as_deref().into()),
            ("permissions", text(&role.permissions)),
        ];
        let columns = self.shape.present(Table::Role, columns)?;
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let places = vec!["?"; names.len()].join(", ");
        let insert = format!("INSERT INTO \"role\" ({}) VALUES ({places})", names.join(", "));
        self.tx.execute(&insert, values).await?;
        Ok(())
    }

    /// The permissions are compared as sets, so the text that others wrote may be in any order: it
    /// is read under a lock, and replaced.
    pub(super) async fn set_permissions(
        &mut self,
        name: &str,
        expect: &Permissions,
        set: &Permissions,
    ) -> Outcome {
        if !self.shape.has(Table::Role, "permissions") {
            let missing = Error::MissingColumn { table: "role", column: "permissions" };
            return Err(missing.into());
        }
        let lock = self.tx.dialect.lock;
        let query = format!("SELECT permissions FROM \"role\" WHERE name = ? {lock}");
        let row = self.tx.row(&query, vec![name.into()]).await?;
        let stored = row.ok_or_else(|| stale(name))?.text("permissions")?;
        if read_permissions(stored) != *expect {
            return Err(stale(name));
        }
        let mut update = "UPDATE \"role\" SET permissions = ?".to_owned();
        if self.shape.has(Table::Role, "update_datetime") {
            update.push_str(", update_datetime = ");
            update.push_str(self.tx.dialect.utc_now);
        }
        update.push_str(" WHERE name = ?");
        self.tx.execute(&update, vec![text(set), name.into()]).await?;
        Ok(())
    }

    pub(super) async fn delete_role(&mut self, name: &str) -> Outcome {
        let lock = self.tx.dialect.lock;
        let query = format!("SELECT id FROM \"role\" WHERE name = ? {lock}");
        let row = self.tx.row(&query, vec![name.into()]).await?;
        let key = row.ok_or_else(|| stale(name))?.required_int("id")?;
        self.tx.execute("DELETE FROM roles_users WHERE role_id = ?", vec![key.into()]).await?;
        self.tx.execute("DELETE FROM \"role\" WHERE id = ?", vec![key.into()]).await?;
        Ok(())
    }
}
