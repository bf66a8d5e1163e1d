//! SQL dialects: the differences between the databases.
//!
//! Statements are written once, with `?` for values and double quotes around names. A dialect is
//! plain data: the fragments for the few places that differ. To support another database, add a
//! constant here and a driver; the statements stay the same.

use std::sync::Arc;

use crate::column::{Form, Type, Wanted};

/// SQL dialect of a database.
pub(crate) struct Dialect {
    /// Whether bound values are written `$1`, `$2` … instead of `?`.
    pub(crate) numbered: bool,
    /// Suffix of a query that locks its rows for writing.
    pub(crate) lock: &'static str,
    /// Suffix of a query that locks its rows and skips those that another transaction has locked.
    pub(crate) lock_free_rows: &'static str,
    /// Collation that compares texts byte by byte.
    pub(crate) byte_order: &'static str,
    /// Expression for the current time in UTC, for `update_datetime`.
    pub(crate) utc_now: &'static str,
    /// Suffix of a column that checks whether its text has a character outside of ASCII.
    pub(crate) is_wide: &'static str,
    /// Query that describes all tables of a store, for [`Catalogue`](crate::catalogue::Catalogue).
    /// Each row has what it describes, the table, the name, two flags and four texts:
    ///
    /// - `column`: NOT NULL, whether it has a default, and its type as in [`Type`],
    /// - `index`: the name of an index,
    /// - `unique`: a column that has a unique index of its own,
    /// - `letters`: whether `lower` converts letters outside of ASCII.
    pub(crate) catalogue: &'static str,
    /// Function that determines how the values of a column are read and written.
    pub(crate) form: fn(Wanted, &Type) -> Option<Form>,
    /// Expression for the roles of the user `u`, as one JSON text of `[[name, description,
    /// permissions], …]`. The three column expressions replace the `{}`.
    pub(crate) roles: &'static str,
    /// Statement that removes duplicate rows of `roles_users`.
    pub(crate) drop_double_grants: &'static str,
    /// Statement that takes the migration lock, so that only one transaction migrates at a time.
    pub(crate) migration_lock: Option<&'static str>,
    /// Statements that create the missing tables.
    pub(crate) schema: &'static str,
}

#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: Dialect = Dialect {
    numbered: false,
    // A transaction that writes is exclusive from its start (`BEGIN IMMEDIATE`).
    lock: "",
    lock_free_rows: "",
    byte_order: "COLLATE BINARY",
    utc_now: "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    is_wide: "GLOB '*[^ -~]*'",
    catalogue: include_str!("schema/catalogue_sqlite.sql"),
    form: Form::in_sqlite,
    // A BLOB would fail the whole query.
    roles: "(SELECT json_group_array(json_array(\
            CAST({} AS TEXT), CAST({} AS TEXT), CAST({} AS TEXT))) \
            FROM roles_users ru JOIN \"role\" r ON r.id = ru.role_id WHERE ru.user_id = u.id)",
    drop_double_grants: "DELETE FROM roles_users WHERE rowid NOT IN \
                         (SELECT min(rowid) FROM roles_users GROUP BY user_id, role_id)",
    migration_lock: None,
    schema: include_str!("schema/sqlite.sql"),
};

#[cfg(feature = "postgres")]
pub(crate) const POSTGRES: Dialect = Dialect {
    numbered: true,
    lock: "FOR UPDATE",
    lock_free_rows: "FOR UPDATE SKIP LOCKED",
    byte_order: "COLLATE \"C\"",
    utc_now: "timezone('utc', now())",
    is_wide: "~ '[^ -~]'",
    catalogue: include_str!("schema/catalogue_postgres.sql"),
    form: Form::in_postgres,
    roles: "(SELECT json_agg(json_build_array({}, {}, {}))::text \
            FROM roles_users ru JOIN \"role\" r ON r.id = ru.role_id WHERE ru.user_id = u.id)",
    drop_double_grants: "DELETE FROM roles_users a USING roles_users b \
                         WHERE a.ctid > b.ctid AND a.user_id = b.user_id AND a.role_id = b.role_id",
    migration_lock: Some(
        "SELECT 1 FROM (SELECT pg_advisory_xact_lock(7311870225190133861)) AS held",
    ),
    schema: include_str!("schema/postgres.sql"),
};

impl Dialect {
    /// Translates a statement to this dialect.
    pub(crate) fn translate(&self, statement: &str) -> Arc<str> {
        if !self.numbered {
            return statement.into();
        }
        let mut text = String::with_capacity(statement.len() + 16);
        for (number, part) in statement.split('?').enumerate() {
            if number > 0 {
                text.push('$');
                text.push_str(&number.to_string());
            }
            text.push_str(part);
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_where_they_must() {
        let statement = "UPDATE t SET a = ? WHERE b = ?";
        assert_eq!(&*SQLITE.translate(statement), statement);
        assert_eq!(&*POSTGRES.translate(statement), "UPDATE t SET a = $1 WHERE b = $2");
    }
}
