//! Changes of roles.

use fs_core::model::{Permissions, Role};
use fs_core::port::{CommitError, Guard};
use serde_json::Value as Json;

use super::{Outcome, Work};
use crate::error::Error;
use crate::read::read_permissions;
use crate::shape::{Shape, Table};
use crate::value::Value;

fn stale(name: &str) -> CommitError {
    CommitError::Stale(Guard::Role(name.to_owned()))
}

/// Returns the value of the permissions' column: NULL if there are none.
fn text(shape: &Shape, permissions: &Permissions) -> Value {
    let text = match shape.is_json_text(Table::Role, "permissions") {
        true => Json::from_iter(permissions.iter()).to_string(),
        false => permissions.to_string(),
    };
    (!permissions.is_empty()).then_some(text.as_str()).into()
}

impl Work<'_> {
    pub(super) async fn insert_role(&mut self, role: &Role) -> Outcome {
        let columns = vec![
            ("name", role.name.as_str().into()),
            ("description", role.description.as_deref().into()),
            ("permissions", text(self.shape, &role.permissions)),
        ];
        let mut columns = self.shape.present(Table::Role, columns)?;
        columns.retain(|(_, value)| !value.is_null());
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let places: Vec<_> =
            names.iter().map(|name| self.shape.write_to(Table::Role, name)).collect();
        let insert =
            format!("INSERT INTO \"role\" ({}) VALUES ({})", names.join(", "), places.join(", "));
        self.tx.execute(&insert, values).await?;
        Ok(())
    }

    /// Replaces the permissions of a role if they are as expected. They are read under a lock and
    /// compared as sets, since other applications may have written them in any order.
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
        let read = self.shape.read_from(Table::Role, "r", "permissions");
        let query = format!("SELECT {read} FROM \"role\" r WHERE r.name = ? {lock}");
        let row = self.tx.row(&query, vec![name.into()]).await?;
        let stored = row.ok_or_else(|| stale(name))?.text("permissions")?;
        if read_permissions(stored, self.shape)? != *expect {
            return Err(stale(name));
        }
        let place = self.shape.write_to(Table::Role, "permissions");
        let mut update = format!("UPDATE \"role\" SET permissions = {place}");
        if self.shape.has(Table::Role, "update_datetime") {
            update.push_str(", update_datetime = ");
            update.push_str(self.tx.dialect.utc_now);
        }
        update.push_str(" WHERE name = ?");
        self.tx.execute(&update, vec![text(self.shape, set), name.into()]).await?;
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
