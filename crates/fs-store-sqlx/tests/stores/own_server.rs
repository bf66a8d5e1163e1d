//! PostgreSQL servers of a single test, for actions that would disturb other users of a shared
//! server.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Directory in which Debian keeps the programs of PostgreSQL, by version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Returns a port that is not in use.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// PostgreSQL instance. Dropping it stops the server.
pub(crate) struct OwnServer {
    pub(crate) port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl OwnServer {
    /// Creates an empty database and starts a server. Returns the reason as an error if that is not
    /// possible.
    pub(crate) async fn start() -> Result<Self, String> {
        let folder = folder()?;
        let initdb =
            ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres"];
        let made = program("initdb", folder.path())?.args(initdb).output();
        let made = made.map_err(|error| format!("initdb: {error}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let mut own = Self { port: free_port(), folder, server: None };
        own.run().await?;
        Ok(own)
    }

    /// Creates a standby with the data of this server, which is stopped meanwhile.
    pub(crate) async fn standby(&mut self) -> Result<Self, String> {
        self.stop();
        let folder = folder()?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.folder.path().join("data")).arg(folder.path());
        if !copy.status().map_err(|error| error.to_string())?.success() {
            return Err("the data could not be copied".to_owned());
        }
        std::fs::write(folder.path().join("data/standby.signal"), "").map_err(|e| e.to_string())?;
        let mut standby = Self { port: free_port(), folder, server: None };
        self.run().await?;
        standby.run().await?;
        Ok(standby)
    }

    /// Starts the server, and waits until it accepts connections.
    pub(crate) async fn run(&mut self) -> Result<(), String> {
        let mut postgres = program("postgres", self.folder.path())?;
        postgres.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        for setting in ["unix_socket_directories=", "fsync=off", "max_connections=60"] {
            postgres.args(["-c", setting]);
        }
        let postgres = postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(postgres.spawn().map_err(|error| format!("postgres: {error}"))?);
        for _ in 0..600 {
            if let Ok(connection) = PgConnection::connect(&self.url(self.port)).await {
                let _ = connection.close().await;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("our own PostgreSQL did not start".to_owned())
    }

    /// Stops the server as an operator would.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        if let Ok(mut stop) = program("pg_ctl", self.folder.path()) {
            let _ = stop.args(["stop", "-s", "-w", "-m", "fast"]).status();
        }
        let _ = server.wait();
    }

    /// Returns the URL of the server through a port.
    pub(crate) fn url(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// Runs a statement on a direct connection, without proxy or pooler.
    pub(crate) async fn order(&self, statement: &'static str) {
        let mut connection = PgConnection::connect(&self.url(self.port)).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
}

impl OwnServer {
    /// Resets the setting that makes the server read-only by default.
    pub(crate) async fn reset_read_only(&self) {
        let mut connection = PgConnection::connect(&self.url(self.port)).await.unwrap();
        for statement in [
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
        ] {
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Creates a directory that the server's user can access.
fn folder() -> Result<TempDir, String> {
    let folder = tempfile::Builder::new().prefix("fs-own-").tempdir().map_err(|e| e.to_string())?;
    if let Some((user, group)) = owner(folder.path())? {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(group))
            .map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// Returns a command for a program of PostgreSQL, on a data directory, as a user other than root.
fn program(name: &str, folder: &Path) -> Result<Command, String> {
    let mut command = Command::new(binaries().ok_or("no PostgreSQL is installed")?.join(name));
    command.current_dir(folder).arg("-D").arg(folder.join("data"));
    if let Some((user, group)) = owner(folder)? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

fn binaries() -> Option<PathBuf> {
    let complete = |dir: &PathBuf| {
        ["initdb", "postgres", "pg_ctl"].iter().all(|program| dir.join(program).is_file())
    };
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, dir)| (version, dir.join("bin")))
        .filter(|(_, dir)| complete(dir))
        .max();
    newest.map(|(_, dir)| dir).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(complete)
    })
}

/// Returns the user that PostgreSQL runs as if this process is root, because it refuses to run as
/// root.
pub(crate) fn owner(ours: &Path) -> Result<Option<(u32, u32)>, String> {
    use std::os::unix::fs::MetadataExt;
    let us = std::fs::metadata("/proc/self").or_else(|_| std::fs::metadata(ours));
    if us.map_err(|error| error.to_string())?.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let ids = |name: &str| {
        let mut fields = accounts
            .lines()
            .map(|line| line.split(':'))
            .find(|line| line.clone().next() == Some(name))?;
        Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let owner = ids("postgres").or_else(|| ids("nobody"));
    owner.map(Some).ok_or_else(|| "no account to run PostgreSQL as".to_owned())
}
