//! Result of a migration.

use std::fmt;

use crate::shape::TRACKING;

/// Result of [`SqlxStore::migrate`](crate::SqlxStore::migrate): what it added, and the problems
/// that it found.
///
/// Its `Display` has a line for each of them; print it where an operator reads it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), fs_core::port::StoreError> {
/// let store = fs_store_sqlx::SqlxStore::sqlite(":memory:").await?;
/// let migration = store.migrate().await?;
/// assert!(migration.problems.is_empty());
/// assert!(migration.to_string().contains("added the table fs_session"));
/// assert!(store.migrate().await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// Tables, columns and indexes that were created, and duplicates that were removed.
    pub added: Vec<Added>,
    /// Problems that the developer should fix. None of them prevents the store from working; each
    /// describes what does not work.
    pub problems: Vec<Problem>,
}

impl Migration {
    /// Checks whether nothing was changed and no problem was found.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.problems.is_empty()
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for added in &self.added {
            writeln!(f, "{added}")?;
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// Change that a migration made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// The table of this name was created.
    Table(String),
    /// A column was added to one of the tables whose names begin with `fs_`.
    Column {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
    },
    /// An index was created.
    Index {
        /// Name of the index.
        name: String,
        /// Whether it is a unique index.
        unique: bool,
    },
    /// Duplicate rows of `roles_users` were removed.
    RepeatedGrants {
        /// Number of rows.
        rows: u64,
    },
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "added the table {table}"),
            Self::Column { table, column } => write!(f, "added the column {table}.{column}"),
            Self::Index { name, unique: true } => write!(f, "added the unique index {name}"),
            Self::Index { name, unique: false } => write!(f, "added the index {name}"),
            Self::RepeatedGrants { rows } => {
                write!(f, "removed {rows} rows of roles_users that gave a role again")
            }
        }
    }
}

/// Problem that a migration cannot fix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Several users share a value that should be unique, so the column did not get a unique index.
    SharedValues {
        /// Name of the column of `user`.
        column: &'static str,
        /// Number of users that share a value.
        users: u64,
    },
    /// Users have an `fs_uniquifier` that is NULL or empty.
    NoUniquifier {
        /// Number of these users.
        users: u64,
    },
    /// The application's models leave a column out.
    MissingColumn {
        /// Name of the table.
        table: &'static str,
        /// Name of the column.
        column: &'static str,
    },
    /// A column of the application is NOT NULL, has no default and is unknown to this store.
    UnfilledColumn {
        /// Name of the table.
        table: &'static str,
        /// Name of the column.
        column: String,
    },
    /// A column that should hold a date and time is a date and loses the time of day.
    DaysOnly {
        /// Name of the column of `user`.
        column: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedValues { column, users } => write!(
                f,
                "{users} users share values of user.{column}: {}",
                match *column {
                    "fs_uniquifier" | "fs_token_uniquifier" =>
                        "a shared value identifies no account, and each user gets a new one at the \
                         next sign-in; then migrate again",
                    _ => "nothing prevents shared values; make them differ, then migrate again",
                }
            ),
            Self::NoUniquifier { users } => {
                write!(f, "{users} users have no fs_uniquifier: each gets one at the next sign-in")
            }
            Self::MissingColumn { table, column } if TRACKING.contains(column) => {
                write!(f, "{table} has no column {column}: sign-ins are not recorded in it")
            }
            Self::MissingColumn { table, column } => write!(
                f,
                "{table} has no column {column}: it is read as empty, and writing a value fails"
            ),
            Self::UnfilledColumn { table, column } => write!(
                f,
                "{table}.{column} must not be NULL and has no default: a new {table} cannot be \
                 added; give it a default"
            ),
            Self::DaysOnly { column } => {
                write!(f, "user.{column} is a date: the time of the day is not kept")
            }
        }
    }
}
