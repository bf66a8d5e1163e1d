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
    /// Query that returns whether `lower` converts letters outside of ASCII: 0 or 1.
    pub(crate) knows_letters: &'static str,
    /// Query for the columns of a table: name, whether it is NOT NULL, whether it has a default,
    /// and its type as in [`Type`].
    pub(crate) columns: &'static str,
    /// Function that determines how the values of a column are read and written.
    pub(crate) form: fn(Wanted, &Type) -> Option<Form>,
    /// Expression for the roles of the user `u`, as one JSON text of `[[name, description,
    /// permissions], …]`. The three column expressions replace the `{}`.
    pub(crate) roles: &'static str,
    /// Query for the columns of a table that have a unique index of their own.
    pub(crate) unique_columns: &'static str,
    /// Query that returns a row if an index of that name exists.
    pub(crate) has_index: &'static str,
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
    knows_letters: "SELECT lower('Ä') = 'ä'",
    columns: "SELECT name, \"notnull\", dflt_value IS NOT NULL, lower(type), '', '', type \
              FROM pragma_table_info(?)",
    form: Form::in_sqlite,
    // A BLOB would fail the whole query.
    roles: "(SELECT json_group_array(json_array(\
            CAST({} AS TEXT), CAST({} AS TEXT), CAST({} AS TEXT))) \
            FROM roles_users ru JOIN \"role\" r ON r.id = ru.role_id WHERE ru.user_id = u.id)",
    unique_columns: "SELECT max(part.name) FROM pragma_index_list(?) AS list \
                     JOIN pragma_index_info(list.name) AS part \
                     WHERE list.\"unique\" = 1 AND list.partial = 0 \
                     GROUP BY list.name HAVING count(*) = 1 AND max(part.name) IS NOT NULL",
    has_index: "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?",
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
    knows_letters: "SELECT (lower('Ä') = 'ä')::int",
    columns: "SELECT a.attname::text, a.attnotnull::int, \
              (a.atthasdef OR a.attidentity <> '')::int, coalesce(b.typname, t.typname)::text, \
              coalesce(b.typcategory, t.typcategory)::text, \
              format_type(coalesce(b.oid, t.oid), -1)::text, \
              format_type(a.atttypid, a.atttypmod)::text \
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
              LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype \
              WHERE a.attrelid = to_regclass(quote_ident(?)) \
              AND a.attnum > 0 AND NOT a.attisdropped",
    form: Form::in_postgres,
    roles: "(SELECT json_agg(json_build_array({}, {}, {}))::text \
            FROM roles_users ru JOIN \"role\" r ON r.id = ru.role_id WHERE ru.user_id = u.id)",
    unique_columns: "SELECT a.attname::text FROM pg_index i \
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
                     WHERE i.indrelid = to_regclass(quote_ident(?)) \
                     AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnatts = 1",
    has_index: "SELECT 1 WHERE to_regclass(quote_ident(?)) IS NOT NULL",
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
