//! A PostgreSQL server for the tests: one that is there, or one of our own for as long as they run.

mod knock;
mod throw_away;

use std::path::Path;

use crate::process::Progress;
use crate::{Result, machine};

use self::knock::Answer;
use self::throw_away::ThrowAway;

/// Where the tests look for the server.
pub(crate) const VARIABLE: &str = "FS_TEST_POSTGRES_URL";

/// The port on which PostgreSQL listens unless told otherwise.
const STANDARD_PORT: u16 = 5432;

/// A server that lets us in.
pub(crate) struct Server {
    /// How it is reached.
    pub(crate) url: String,
    /// What it is, for the table.
    pub(crate) what: String,
    /// Stops it when the tests are over.
    _own: Option<ThrowAway>,
}

/// Finds or starts a server: the one that the environment names, else one on the standard local
/// port that lets us in, else a throw-away instance of an installed one, else, on Debian as root,
/// the same after installing it.
///
/// # Errors
///
/// There is none and none can be started. The text says why.
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

/// Who we are to the server, and where we begin.
const USER: &str = "postgres";
const DATABASE: &str = "postgres";
