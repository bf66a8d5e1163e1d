//! What a migration did, and what it could not do.

use std::fmt;

/// What [`SqlxStore::migrate`](crate::SqlxStore::migrate) added, and what it could not.
///
/// Its text has a line for each; print it where somebody reads it.
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
    /// What was not there before.
    pub added: Vec<Added>,
    /// What stays as it is and should not. None of it keeps the store from working; each says what
    /// does not work.
    pub problems: Vec<Problem>,
}

impl Migration {
    /// Whether nothing was missing and nothing is wrong.
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

/// Something that a migration changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// A table.
    Table(String),
    /// A column of one of the tables whose names begin with `fs_`.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// An index.
    Index {
        /// Its name.
        name: String,
        /// Whether it keeps values unique.
        unique: bool,
    },
    /// Rows of `roles_users` that gave a user a role for the second time were removed.
    RepeatedGrants {
        /// How many rows.
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

/// Something that a migration leaves to you.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Users share a value that should name one of them, so it was not made unique.
    SharedValues {
        /// The column of `user`.
        column: &'static str,
        /// How many users share a value of it.
        users: u64,
    },
    /// Users whose `fs_uniquifier` is NULL or an empty text.
    NoUniquifier {
        /// How many.
        users: u64,
    },
    /// A column that the application's models leave out.
    MissingColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column of the application's that must not be NULL, has no default, and is not known to
    /// this store.
    UnfilledColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
    /// A column that keeps the day of a moment and not its time.
    DaysOnly {
        /// The column of `user`.
        column: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedValues { column, users } => write!(
                f,
                "{users} users share a value of user.{column} with others: {}",
                match *column {
                    "fs_uniquifier" | "fs_token_uniquifier" =>
                        "it opens none of their accounts, and each gets one of their own at the \
                         next sign-in; then migrate again",
                    _ => "it stays possible to share one; make them differ, then migrate again",
                }
            ),
            Self::NoUniquifier { users } => {
                write!(f, "{users} users have no fs_uniquifier: each gets one at the next sign-in")
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
