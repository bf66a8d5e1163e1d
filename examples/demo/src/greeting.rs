//! What the demo says in the terminal when it is ready.

use std::fmt;

use fs_core::secret::Secret;

use crate::database::Database;
use crate::first_start::ADMINISTRATOR;

/// What the demo says in the terminal when it is ready.
pub(crate) struct Greeting {
    /// Where this machine reaches it.
    pub(crate) here: String,
    /// With what its links begin.
    pub(crate) base_url: String,
    /// Where users are kept.
    pub(crate) database: Database,
    /// Whether messages go to a page.
    pub(crate) has_outbox: bool,
    /// The administrator's password, if it was made now.
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
            // Nobody could sign in otherwise. It is in no log: this is the terminal.
            Some(password) => {
                write!(f, "  Password   {} (made now, shown once)", password.expose())
            }
            None => write!(f, "  Password   as it was printed at the first start, or reset it"),
        }
    }
}
