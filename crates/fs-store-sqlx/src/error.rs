//! What goes wrong in a database, and what it means to the caller.

use fs_core::port::{CommitError, StoreError, UniqueAttribute};

/// A failure, without the values that were being written: a database's own error may hold them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{message} (code {code})")]
    Database { message: String, code: String, meaning: Meaning },
    #[error("no connection: {0}")]
    Connection(#[source] sqlx::Error),
    #[error(transparent)]
    Driver(sqlx::Error),
    #[error("a text holds a NUL character, which SQL databases do not store")]
    Nul,
    #[error("the table {0} does not exist; call `SqlxStore::migrate`")]
    MissingTable(&'static str),
    #[error(
        "the table {table} has no column {column}, and there is a value for it; add the column"
    )]
    MissingColumn { table: &'static str, column: &'static str },
    #[error("the column {column} holds a value that cannot be read")]
    Unreadable { column: &'static str },
    #[error("a value cannot be written as text: {0}")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a database's error means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The value is taken.
    Taken(UniqueAttribute),
    /// A row that is referred to is gone.
    Dangling,
    /// Trying again may help.
    Transient,
    /// Anything else.
    Fault,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                let meaning = if error.is_unique_violation() {
                    // SQLite names the columns in its message, PostgreSQL has the constraint's name.
                    taken(error.constraint().unwrap_or(error.message()))
                } else if error.is_foreign_key_violation() {
                    Meaning::Dangling
                } else if is_transient(&code) {
                    Meaning::Transient
                } else {
                    Meaning::Fault
                };
                Self::Database { message: error.message().to_owned(), code, meaning }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Connection(error),
            error => Self::Driver(error),
        }
    }
}

/// The attribute that a unique index guards, by the columns or the name of the index.
fn taken(index: &str) -> Meaning {
    let attributes = [
        ("uniquifier", UniqueAttribute::Uniquifier),
        ("us_phone_number", UniqueAttribute::Phone),
        ("username", UniqueAttribute::Username),
        ("email", UniqueAttribute::Email),
        ("role_name", UniqueAttribute::RoleName),
        ("role.name", UniqueAttribute::RoleName),
    ];
    let found = attributes.into_iter().find(|(part, _)| index.contains(part));
    found.map_or(Meaning::Fault, |(_, attribute)| Meaning::Taken(attribute))
}

/// Whether the same statement may succeed later, by the SQLSTATE of PostgreSQL or the extended
/// result code of SQLite. The two cannot be mixed up: one has five characters, the other no letters
/// and a low byte of 5 (busy) or 6 (locked).
fn is_transient(code: &str) -> bool {
    const STATES: [&str; 5] = [
        "40001", // serialization failure
        "40P01", // deadlock
        "55P03", // lock not available
        "57014", // cancelled by a timeout
        "25006", // read-only: a replica that is being promoted
    ];
    // Connection trouble, lack of resources, shut down by an operator.
    const CLASSES: [&str; 3] = ["08", "53", "57P"];
    if code.len() == 5 {
        return STATES.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class));
    }
    code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Connection(_) | Error::Database { meaning: Meaning::Transient, .. } => {
                Self::Unavailable(error.into())
            }
            error => Self::Other(error.into()),
        }
    }
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database { meaning: Meaning::Taken(attribute), .. } => Self::Conflict(attribute),
            error => Self::Store(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_name_the_attribute() {
        for (index, attribute) in [
            ("user_email_key", UniqueAttribute::Email),
            ("uq_user_username", UniqueAttribute::Username),
            ("UNIQUE constraint failed: user.fs_uniquifier", UniqueAttribute::Uniquifier),
            ("UNIQUE constraint failed: user.fs_token_uniquifier", UniqueAttribute::Uniquifier),
            ("UNIQUE constraint failed: user.us_phone_number", UniqueAttribute::Phone),
            ("UNIQUE constraint failed: user.username", UniqueAttribute::Username),
            ("UNIQUE constraint failed: role.name", UniqueAttribute::RoleName),
            ("role_name_key", UniqueAttribute::RoleName),
        ] {
            assert_eq!(taken(index), Meaning::Taken(attribute), "{index}");
        }
        assert_eq!(taken("something_else"), Meaning::Fault);
    }

    #[test]
    fn only_what_may_pass_is_transient() {
        for code in ["40001", "40P01", "53300", "08006", "57P01", "5", "6", "261", "517"] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["23505", "42P01", "22001", "1", "19", "2067", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
