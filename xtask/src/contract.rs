//! `cargo xtask contract`: holds contract servers against the recorded contract.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::process::Progress;
use crate::workspace::{Workspace, cargo};
use crate::{Result, database};

/// The crate, its server, and the program that plays the corpus against a server.
const CRATE: &str = "fs-contract";
const SERVER: &str = "contract-server";
const REPLAYER: &str = "replay";

/// How the server says where it is.
const LISTENING: &str = "listening on ";

/// Which servers, and what is handed on to the replayer.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The framework's adapter.
    #[arg(long, default_value = "axum")]
    adapter: String,
    /// A store; may be given several times.
    #[arg(long = "store", default_values = ["memory", "sqlite", "postgres"])]
    stores: Vec<String>,
    /// Arguments for the replayer; `-- --help` lists them.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Plays the corpus against one server a store. All stores are tried, even after one failed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let programs = workspace.packages.get(CRATE).map(|package| package.programs.as_slice());
    for program in [SERVER, REPLAYER] {
        if !programs.unwrap_or_default().iter().any(|known| known == program) {
            return Err(format!("{CRATE} has no program `{program}` yet").into());
        }
    }
    let mut failed = Vec::new();
    for store in &options.stores {
        println!("{} on {store}", options.adapter);
        let postgres = match store.as_str() {
            "postgres" => Some(find_postgres(workspace)?),
            _ => None,
        };
        let mut command = program(workspace, SERVER);
        command.args(["--adapter", &options.adapter, "--store", store]);
        command.args(["--listen", "127.0.0.1:0"]);
        if let Some(postgres) = &postgres {
            command.env(database::VARIABLE, &postgres.url);
        }
        let server = Server::start(command)?;
        let mut replay = program(workspace, REPLAYER);
        let status = replay.args(["--base", &server.base]).args(&options.arguments).status()?;
        if !status.success() {
            failed.push(store.as_str());
        }
    }
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn program(workspace: &Workspace, name: &str) -> Command {
    let mut command = Command::new(cargo());
    command.args(["run", "--quiet", "--package", CRATE, "--bin", name, "--"]);
    command.current_dir(&workspace.root);
    command
}

fn find_postgres(workspace: &Workspace) -> Result<database::Server> {
    let mut progress = Progress::start("PostgreSQL".into(), false);
    let server = database::find(&workspace.log_dir()?.join("servers.log"), &mut progress);
    progress.end(server.as_ref().map_or("not run", |server| server.what.as_str()));
    server
}

/// A running contract server; dropping it ends it. (`cargo run` becomes the program that it runs.)
struct Server {
    base: String,
    child: Child,
}

impl Server {
    fn start(mut command: Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output to read")?);
        let mut server = Self { base: String::new(), child };
        let mut line = String::new();
        while server.base.is_empty() {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                return Err("the contract server ended before it listened".into());
            }
            server.base = line.trim().strip_prefix(LISTENING).unwrap_or_default().to_owned();
        }
        // It must be able to go on talking.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_server_says_where_it_is() {
        let script = "echo starting; echo listening on http://127.0.0.1:7; exec sleep 60";
        assert_eq!(Server::start(shell(script)).unwrap().base, "http://127.0.0.1:7");
    }

    #[test]
    fn a_server_that_ends_is_no_server() {
        assert!(Server::start(shell("echo sorry")).is_err());
    }
}
