//! The structure of Flask-Security's tables in a database: columns and their types.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{Catalogue, Described};
use crate::column::{Form, Wanted};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::value::Value;

/// Columns that record sign-ins. Older models lack them.
pub(crate) const TRACKING: [&str; 5] =
    ["last_login_at", "current_login_at", "last_login_ip", "current_login_ip", "login_count"];

/// Columns of the tables that are shared with Flask-Security. Applications may leave optional ones
/// out.
pub(crate) struct Shape {
    user: Columns,
    role: Columns,
    roles_users: Columns,
    /// Columns of `user` that have a unique index of their own.
    unique: BTreeSet<String>,
    /// Whether the database's `lower` converts letters outside of ASCII.
    pub(crate) knows_letters: bool,
}

type Columns = BTreeMap<String, Column>;

/// Column of the database.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Whether it is NOT NULL.
    required: bool,
    /// Whether it has a default.
    filled: bool,
    form: Form,
}

/// Table that is shared with Flask-Security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    User,
    Role,
    RolesUsers,
}

impl Table {
    const ALL: [Self; 3] = [Self::User, Self::Role, Self::RolesUsers];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::RolesUsers => "roles_users",
        }
    }

    /// Returns the known columns: name, kind of value, and whether the column is required.
    fn known(self) -> &'static [(&'static str, Wanted, bool)] {
        match self {
            Self::User => &[
                ("id", Wanted::Key, true),
                ("email", Wanted::Name, true),
                ("password", Wanted::Hash, true),
                ("active", Wanted::Flag, true),
                ("fs_uniquifier", Wanted::Uniquifier, true),
                ("fs_token_uniquifier", Wanted::Uniquifier, false),
                ("username", Wanted::Name, false),
                ("confirmed_at", Wanted::Moment, false),
                ("last_login_at", Wanted::Moment, false),
                ("current_login_at", Wanted::Moment, false),
                ("last_login_ip", Wanted::Address, false),
                ("current_login_ip", Wanted::Address, false),
                ("login_count", Wanted::Count, false),
                ("tf_primary_method", Wanted::Text, false),
                ("tf_totp_secret", Wanted::Text, false),
                ("tf_phone_number", Wanted::Text, false),
                ("us_totp_secrets", Wanted::Text, false),
                ("us_phone_number", Wanted::Name, false),
            ],
            Self::Role => &[
                ("id", Wanted::Key, true),
                ("name", Wanted::Name, true),
                ("description", Wanted::Text, false),
                ("permissions", Wanted::Names, false),
            ],
            Self::RolesUsers => &[("user_id", Wanted::Key, true), ("role_id", Wanted::Key, true)],
        }
    }
}

impl Shape {
    /// Interprets the description of the tables.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Unfit`] with every column that is missing or of an unsupported type.
    pub(crate) fn of_tables(dialect: &Dialect, catalogue: &Catalogue) -> Result<Self, Error> {
        let mut mistakes = Vec::new();
        let mut of =
            |table: Table| columns(dialect, table, catalogue.columns(table.name()), &mut mistakes);
        let (user, role, roles_users) = (of(Table::User), of(Table::Role), of(Table::RolesUsers));
        if !mistakes.is_empty() {
            return Err(Error::Unfit(mistakes.join("; ")));
        }
        let unique = catalogue.unique_columns(Table::User.name());
        Ok(Self { user, role, roles_users, unique, knows_letters: catalogue.knows_letters })
    }

    pub(crate) fn has(&self, table: Table, column: &str) -> bool {
        self.of(table).contains_key(column)
    }

    /// Returns the first table that does not exist.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let missing = Table::ALL.into_iter().find(|table| self.of(*table).is_empty());
        missing.map(Table::name)
    }

    /// Returns the optional columns that the application left out.
    pub(crate) fn left_out(&self, table: Table) -> Vec<&'static str> {
        let names = table.known().iter().map(|(name, ..)| *name);
        names.filter(|name| !self.has(table, name)).collect()
    }

    /// Returns the unknown columns that need a value in a new row.
    pub(crate) fn unfilled(&self, table: Table) -> Vec<String> {
        let known = |name: &str| table.known().iter().any(|(known, ..)| *known == name);
        let columns = self.of(table).iter();
        let unfilled = columns.filter(|(name, column)| {
            column.required && !column.filled && *name != "id" && !known(name)
        });
        unfilled.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the date columns that should hold a date and time.
    pub(crate) fn days(&self) -> Vec<String> {
        let days = self.user.iter().filter(|(_, column)| column.form == Form::Day);
        days.map(|(name, _)| name.clone()).collect()
    }

    /// Checks whether the column is NOT NULL.
    pub(crate) fn is_required(&self, table: Table, column: &str) -> bool {
        self.of(table).get(column).is_some_and(|column| column.required)
    }

    /// Checks whether the column has a unique index of its own.
    pub(crate) fn is_unique(&self, column: &str) -> bool {
        self.unique.contains(column)
    }

    /// Returns the expression that reads a column, or NULL if it does not exist.
    pub(crate) fn read_from(&self, table: Table, alias: &str, column: &str) -> String {
        match self.of(table).get(column) {
            Some(found) => found.form.read(&format!("{alias}.{column}")),
            None => "NULL".to_owned(),
        }
    }

    /// Returns the expression that writes a value to a column, or compares a value with it.
    pub(crate) fn write_to(&self, table: Table, column: &str) -> String {
        self.of(table).get(column).map_or_else(|| "?".to_owned(), |found| found.form.write())
    }

    /// Checks whether the column's list of names is read as JSON.
    pub(crate) fn is_list(&self, table: Table, column: &str) -> bool {
        let list = |form: &Form| matches!(form, Form::Json(_) | Form::JsonText | Form::List(_));
        self.of(table).get(column).is_some_and(|found| list(&found.form))
    }

    /// Checks whether the column's list of names must be serialized as JSON before it is written.
    pub(crate) fn is_json_text(&self, table: Table, column: &str) -> bool {
        self.of(table).get(column).is_some_and(|found| found.form == Form::JsonText)
    }

    fn of(&self, table: Table) -> &Columns {
        match table {
            Table::User => &self.user,
            Table::Role => &self.role,
            Table::RolesUsers => &self.roles_users,
        }
    }

    /// Returns the existing columns with their values. A value for a missing column is an error,
    /// except for one that only records sign-ins: without it, nobody could sign in. A text that is
    /// not an IP address is written as NULL to an address column.
    pub(crate) fn present(
        &self,
        table: Table,
        columns: Vec<(&'static str, Value)>,
    ) -> Result<Vec<(&'static str, Value)>, Error> {
        let keep = |(column, value): (&'static str, Value)| match self.of(table).get(column) {
            Some(found) if found.form == Form::Address && !value.is_address() => {
                Some(Ok((column, Value::from(None::<&str>))))
            }
            Some(_) => Some(Ok((column, value))),
            None if value.is_null() || TRACKING.contains(&column) => None,
            None => Some(Err(Error::MissingColumn { table: table.name(), column })),
        };
        columns.into_iter().filter_map(keep).collect()
    }
}

/// Converts the description of a table's columns, and adds what is wrong to `mistakes`. Returns no
/// columns for a table that does not exist.
fn columns(
    dialect: &Dialect,
    table: Table,
    described: &[Described],
    mistakes: &mut Vec<String>,
) -> Columns {
    let mut found = Columns::new();
    for Described { name, required, filled, kind } in described {
        let wanted = table.known().iter().find(|(known, ..)| known == name);
        let form = match wanted {
            Some((_, wanted, _)) => (dialect.form)(*wanted, kind).unwrap_or_else(|| {
                mistakes.push(format!(
                    "{}.{name} is of type {}; make it {}",
                    table.name(),
                    if kind.shown.is_empty() { "(none)" } else { &kind.shown },
                    wanted.in_words()
                ));
                Form::Plain
            }),
            None => Form::Plain,
        };
        found.insert(name.clone(), Column { required: *required, filled: *filled, form });
    }
    if !found.is_empty() {
        let needed = table.known().iter().filter(|(_, _, needed)| *needed);
        for (name, wanted, _) in needed.filter(|(name, ..)| !found.contains_key(*name)) {
            let (table, wanted) = (table.name(), wanted.in_words());
            mistakes.push(format!("{table} has no column {name}; add it as {wanted}"));
        }
    }
    found
}
