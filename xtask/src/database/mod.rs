//! PostgreSQL server for the tests: an existing one, or a temporary one for as long as they run.

mod knock;
mod throw_away;

use std::path::Path;

use crate::process::Progress;
use crate::{Result, machine};

use self::knock::Answer;
use self::throw_away::ThrowAway;

/// Environment variable in which the tests look for the server.
pub(crate) const VARIABLE: &str = "FS_TEST_POSTGRES_URL";

/// Default port of PostgreSQL.
const STANDARD_PORT: u16 = 5432;

/// Server that accepts our connections.
pub(crate) struct Server {
    /// URL of the server.
    pub(crate) url: String,
    /// Description of the server, for the table.
    pub(crate) what: String,
    /// Temporary server, which is stopped when this value is dropped.
    _own: Option<ThrowAway>,
}

/// Finds or starts a server. Uses the one in the environment variable, else one on the default
/// local port that accepts our connection, else a temporary instance of an installed one. On Debian
/// as root, installs it otherwise.
///
/// # Errors
///
/// Returns an error with the reason if no server is found and none can be started.
pub(crate) fn find(log: &Path, progress: &mut Progress) -> Result<Server> {
    if let Ok(url) = std::env::var(VARIABLE) {
        return Ok(Server { url, what: format!("PostgreSQL of {VARIABLE}"), _own: None });
    }
    match knock::knock(STANDARD_PORT) {
        Answer::Welcome { version } => {
            return Ok(Server {
                url: url(STANDARD_PORT),
                what: format!("PostgreSQL {version} on the standard port"),
                _own: None,
            });
        }
        Answer::Refused | Answer::Nobody => {}
    }
    if throw_away::binaries().is_none() && machine::is_debian_root() {
        machine::install(&["postgresql"], log, progress)?;
    }
    let binaries = throw_away::binaries().ok_or_else(|| {
        format!("no PostgreSQL lets us in or is installed; {VARIABLE} can name a server")
    })?;
    let own = ThrowAway::start(&binaries, log, progress)?;
    let what = format!("PostgreSQL {} of our own", own.version);
    Ok(Server { url: url(own.port), what, _own: Some(own) })
}

fn url(port: u16) -> String {
    format!("postgres://{USER}@127.0.0.1:{port}/{DATABASE}")
}

/// User with which we connect, and the database of the same name.
const USER: &str = "postgres";
const DATABASE: &str = "postgres";
