//! Greeting that the demo prints when it is ready.

use std::fmt;

use fs_core::secret::Secret;

use crate::database::Database;
use crate::first_start::ADMINISTRATOR;

/// Greeting that the demo prints to the terminal when it is ready.
pub(crate) struct Greeting {
    /// URL of the demo on this machine.
    pub(crate) here: String,
    /// Base URL of its links.
    pub(crate) base_url: String,
    /// Database that keeps the users.
    pub(crate) database: Database,
    /// Whether messages are shown on a page.
    pub(crate) has_outbox: bool,
    /// Password of the administrator, if the account was created at this start.
    pub(crate) password: Option<Secret>,
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The demo listens on {}\n", self.here)?;
        if self.base_url != self.here {
            writeln!(f, "  Address    {}", self.base_url)?;
        }
        writeln!(f, "  Database   {}", self.database)?;
        if self.has_outbox {
            writeln!(f, "  Messages   {}/outbox", self.base_url)?;
        }
        writeln!(f, "  Sign in    {ADMINISTRATOR}")?;
        match &self.password {
            // Nobody could sign in otherwise. This is printed to the terminal, not to a log.
            Some(password) => {
                write!(f, "  Password   {} (made now, shown once)", password.expose())
            }
            None => write!(f, "  Password   as it was printed at the first start, or reset it"),
        }
    }
}
