//! Errors of a database, and their meaning for the caller.

use fs_core::port::{CommitError, StoreError, UniqueAttribute};

/// Error that does not contain the values of the statement, as a database's own error may.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{message} (code {code})")]
    Database { message: String, code: String, meaning: Meaning },
    #[error("no connection: {0}")]
    Connection(#[source] sqlx::Error),
    #[error(
        "the connection broke while the database confirmed the changes; they were made or not: {0}"
    )]
    Unconfirmed(#[source] sqlx::Error),
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
    #[error("the database does not fit: {0}")]
    Unfit(String),
    #[error("the column {column} holds a value that cannot be read")]
    Unreadable { column: &'static str },
    #[error("the row of {table} with the key {key} cannot be read: see its column {column}")]
    UnreadableRow { table: &'static str, key: String, column: &'static str },
    #[error("a value cannot be written as text: {0}")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Meaning of a database's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The value of a unique attribute is taken.
    Taken(UniqueAttribute),
    /// A referenced row does not exist.
    Dangling,
    /// Another attempt may succeed.
    Transient,
    /// Any other error.
    Fault,
}

impl Error {
    /// Creates the error for a read-only server.
    pub(crate) fn read_only() -> Self {
        Self::Database {
            message: "the server is read-only: a standby, or default_transaction_read_only is on"
                .to_owned(),
            code: "25006".to_owned(),
            meaning: Meaning::Transient,
        }
    }

    /// Checks whether the connection is unusable: broken, connected to the wrong server, out of
    /// step with its prepared statements, or on a file that failed.
    pub(crate) fn ruins_connection(&self) -> bool {
        match self {
            Self::Connection(error) => {
                !matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
            }
            Self::Driver(sqlx::Error::Protocol(_)) => true,
            Self::Database { code, message, .. } => match sqlite_code(code) {
                Some(code) => {
                    matches!(code, NOMEM | READONLY | IOERR | CORRUPT | CANTOPEN | NOTADB)
                }
                None => {
                    let classes = ["08", "57P", "58", "XX"];
                    is_outdated(code, message)
                        || is_unprepared(code)
                        || is_elsewhere(code)
                        || code == "25006"
                        || classes.iter().any(|class| code.starts_with(class))
                }
            },
            _ => false,
        }
    }

    /// Converts an error of opening a connection. Whatever the server says, trying again may help.
    pub(crate) fn no_connection(error: sqlx::Error) -> Self {
        Self::Connection(error)
    }

    /// Checks whether the server did not answer in time. Another connection would wait as long.
    pub(crate) fn is_timeout(&self) -> bool {
        let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
        matches!(self, Self::Connection(sqlx::Error::Io(error)) if timed_out(error))
    }

    /// Checks whether SQLite refused to begin a transaction because one is already open.
    pub(crate) fn is_nested_transaction(&self) -> bool {
        matches!(self, Self::Database { message, .. } if message.contains("within a transaction"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                let meaning = if error.is_unique_violation() {
                    // SQLite names the columns in its message, PostgreSQL has the constraint's
                    // name.
                    taken(error.constraint().unwrap_or(error.message()))
                } else if error.is_foreign_key_violation() {
                    Meaning::Dangling
                } else if is_transient(&code) || is_outdated(&code, error.message()) {
                    Meaning::Transient
                } else {
                    Meaning::Fault
                };
                let mut message = error.message().to_owned();
                if is_unprepared(&code) {
                    message.push_str(POOLER);
                }
                Self::Database { message, code, meaning }
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

/// Returns the attribute of a unique index, from its columns or its name.
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

/// Checks for an error that means that a table was altered after a statement was prepared.
fn is_outdated(code: &str, message: &str) -> bool {
    code == "0A000" && message.contains("cached plan")
}

/// Checks for an error code of a table, column or schema that does not exist, or that the role must
/// not use. The connection may have a search path or role that was wrong only for a while.
fn is_elsewhere(code: &str) -> bool {
    matches!(code, "42P01" | "42703" | "42883" | "3F000" | "42501")
}

/// Advice for errors about missing prepared statements.
const POOLER: &str =
    "; behind a pooler in transaction mode, call SqlxStore::without_prepared_statements";

/// Checks for an error code that means that a prepared statement is missing or exists already.
fn is_unprepared(code: &str) -> bool {
    code == "26000" || code == "42P05"
}

// Result codes of SQLite.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const NOTADB: i32 = 26;

/// Returns the primary result code of an extended SQLite code. PostgreSQL's codes have five
/// characters, SQLite's at most four digits.
fn sqlite_code(code: &str) -> Option<i32> {
    if code.len() == 5 {
        return None;
    }
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Checks whether the same statement may succeed later.
fn is_transient(code: &str) -> bool {
    const STATES: [&str; 7] = [
        "40001", // serialization failure
        "40P01", // deadlock
        "55P03", // lock not available
        "57014", // cancelled by a timeout
        "25006", // read-only: a replica that is being promoted
        "25P02", // the transaction was aborted before
        "25P03", // the transaction was idle for too long
    ];
    // Connection trouble, lack of resources, shut down by an operator, trouble of the system.
    const CLASSES: [&str; 4] = ["08", "53", "57P", "58"];
    match sqlite_code(code) {
        Some(code) => matches!(
            code,
            BUSY | LOCKED | NOMEM | READONLY | INTERRUPT | IOERR | FULL | CANTOPEN | PROTOCOL
        ),
        None => STATES.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class)),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Connection(_)
            | Error::Unconfirmed(_)
            | Error::Database { meaning: Meaning::Transient, .. } => {
                Self::Unavailable(error.into())
            }
            Error::Unreadable { .. } | Error::UnreadableRow { .. } => {
                Self::Unreadable(error.into())
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
        for code in [
            "40001", "40P01", "53300", "08006", "57P01", "5", "6", "261", "517", "13", "7", "8",
            "1032", "10", "778", "3850",
        ] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["23505", "42P01", "22001", "1", "11", "19", "26", "2067", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
