//! Temporary PostgreSQL instance that lives as long as the tests: its own directory and its own
//! port.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::USER;
use super::knock::{Answer, knock};
use crate::process::{self, Progress};
use crate::{Result, machine};

/// Maximum time for a server to accept its first connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// Directory in which Debian keeps the programs of the server, by version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Running instance. Dropping it stops it and removes its directory.
pub(super) struct ThrowAway {
    /// Port on the loopback address that it listens on.
    pub(super) port: u16,
    /// Version of the server.
    pub(super) version: String,
    server: Child,
    stop: Command,
    _dir: TempDir,
}

/// Returns the directory of the installed server's programs, of the newest version if there are
/// several.
pub(super) fn binaries() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| {
        ["initdb", "postgres", "pg_ctl"].iter().all(|program| dir.join(program).is_file())
    };
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, dir)| (version, dir.join("bin")))
        .filter(|(_, dir)| complete(dir))
        .max();
    let on_path = || machine::program("initdb")?.parent().map(Path::to_owned).filter(complete);
    newest.map(|(_, dir)| dir).or_else(on_path)
}

impl ThrowAway {
    /// Creates an empty database and starts a server on it that does not sync to disk.
    pub(super) fn start(binaries: &Path, log: &Path, progress: &mut Progress) -> Result<Self> {
        // The server's user may have no access to the directories above the workspace.
        let dir = tempfile::Builder::new().prefix("fs-postgres-").tempdir()?;
        let owner = Owner::of_server()?;
        if let Some(owner) = &owner {
            std::os::unix::fs::chown(dir.path(), Some(owner.user), Some(owner.group))?;
        }
        let data = dir.path().join("data");
        let program = |name: &str| {
            let mut command = Command::new(binaries.join(name));
            command.current_dir(dir.path()).arg("-D").arg(&data);
            if let Some(owner) = &owner {
                command.uid(owner.user).gid(owner.group);
            }
            command
        };
        let mut initdb = program("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", USER]);
        let made = process::run(&mut initdb, log, progress)?;
        if !made.success {
            let last = made.lines.last().cloned().unwrap_or_default();
            return Err(format!("initdb failed: {last}").into());
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut postgres = program("postgres");
        postgres.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        let settings = [
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "max_connections=200",
        ];
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        let said = File::create(log)?;
        let server =
            postgres.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said).spawn()?;
        let mut stop = program("pg_ctl");
        stop.args(["stop", "-s", "-m", "immediate"]);
        let version = String::new();
        let mut own = Self { port, version, server, stop, _dir: dir };
        own.version = own.wait(log)?;
        Ok(own)
    }

    fn wait(&mut self, log: &Path) -> Result<String> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Answer::Welcome { version } = knock(self.port) {
                return Ok(version);
            }
            if self.server.try_wait()?.is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let last = said.lines().last().unwrap_or("it said nothing");
        Err(format!("our own PostgreSQL did not start: {last}").into())
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        if !self.stop.status().is_ok_and(|status| status.success()) {
            // It never started, or no longer listens.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// Account that the server runs as if we are root, because PostgreSQL refuses to run as root.
#[derive(Debug, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    fn of_server() -> Result<Option<Self>> {
        if !machine::is_root() {
            return Ok(None);
        }
        let accounts = std::fs::read_to_string("/etc/passwd")?;
        let owner = Self::named("postgres", &accounts).or_else(|| Self::named("nobody", &accounts));
        owner.map(Some).ok_or_else(|| "no account to run PostgreSQL as".into())
    }

    /// Finds an account in the text of `/etc/passwd`: `name:password:user:group:…`.
    fn named(name: &str, accounts: &str) -> Option<Self> {
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find(|line| line.clone().next() == Some(name))?;
        let user = fields.nth(2)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { user, group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read() {
        let accounts = "root:x:0:0:root:/r:/bin/sh\npostgres:x:101:104:,,,:/var/lib:/bin/bash\n";
        let owner = Owner { user: 101, group: 104 };
        assert_eq!(Owner::named("postgres", accounts), Some(owner));
        assert_eq!(Owner::named("post", accounts), None);
    }
}
