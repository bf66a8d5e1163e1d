//! `cargo xtask contract`: compares contract servers with the recorded contract.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::process::Progress;
use crate::workspace::{Workspace, cargo};
use crate::{Result, database, table};

/// Crate that contains the contract server and the replayer.
const CRATE: &str = "fs-contract";
const SERVER: &str = "contract-server";
const REPLAYER: &str = "replay";

/// Prefix of the line in which the server prints its address.
const LISTENING: &str = "listening on ";
/// Prefix of the line in which the replayer prints its result.
const CONTRACT: &str = "contract: ";

/// Servers to test, and arguments for the replayer.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Adapter to test; may be given several times. Each is tested on the first store
    #[arg(long = "adapter", default_values = ["axum", "rocket", "actix", "hyper"])]
    adapters: Vec<String>,
    /// Store to test; may be given several times. Each is tested with the first adapter
    #[arg(long = "store", default_values = ["memory", "sqlite", "postgres"])]
    stores: Vec<String>,
    /// Arguments for the replayer; `-- --help` lists them
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Plays the corpus against each server in turn, even after one failed. Returns whether all passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let programs = workspace.packages.get(CRATE).map(|package| package.programs.as_slice());
    for program in [SERVER, REPLAYER] {
        if !programs.unwrap_or_default().iter().any(|known| known == program) {
            return Err(format!("{CRATE} has no program `{program}` yet").into());
        }
    }
    let mut passed = true;
    let mut rows = vec![["adapter", "store", "contract"].map(str::to_owned).to_vec()];
    for (adapter, store) in options.servers() {
        println!("{adapter} on {store}");
        let (success, said) = play(workspace, adapter, store, &options.arguments)?;
        passed &= success;
        rows.push(vec![adapter.to_owned(), store.to_owned(), said]);
    }
    println!("\n{}", table::render(&rows));
    Ok(passed)
}

impl Options {
    /// Returns the servers to test: every adapter on the first store, then every other store with
    /// the first adapter.
    fn servers(&self) -> Vec<(&str, &str)> {
        let adapters = || self.adapters.iter().map(String::as_str);
        let stores = || self.stores.iter().map(String::as_str);
        let on_first = adapters().flat_map(|adapter| stores().take(1).map(move |on| (adapter, on)));
        let behind_first = adapters().take(1).flat_map(|a| stores().skip(1).map(move |on| (a, on)));
        on_first.chain(behind_first).collect()
    }
}

/// Plays the corpus against one server. Returns whether everything is as recorded, and the counts.
fn play(
    workspace: &Workspace,
    adapter: &str,
    store: &str,
    arguments: &[String],
) -> Result<(bool, String)> {
    let postgres = match store {
        "postgres" => Some(find_postgres(workspace)?),
        _ => None,
    };
    let mut command = program(workspace, SERVER);
    command.args(["--adapter", adapter, "--store", store, "--listen", "127.0.0.1:0"]);
    if let Some(postgres) = &postgres {
        command.env(database::VARIABLE, &postgres.url);
    }
    let server = Server::start(command)?;
    let mut replay = program(workspace, REPLAYER);
    replay.args(["--base", &server.base]).args(arguments);
    let mut replay = replay.stdout(Stdio::piped()).spawn()?;
    let said = pass_on(replay.stdout.take().ok_or("no output to read")?)?;
    Ok((replay.wait()?.success(), said))
}

/// Prints every line, and returns the text of the line with the counts.
fn pass_on(output: impl Read) -> Result<String> {
    let mut said = String::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(counts) = line.strip_prefix(CONTRACT) {
            said = counts.to_owned();
        }
        println!("{line}");
    }
    Ok(said)
}

fn program(workspace: &Workspace, name: &str) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", CRATE, "--bin", name, "--"]);
    command.current_dir(&workspace.root);
    command
}

/// Finds a PostgreSQL server, whose URL is passed to programs in [`database::VARIABLE`].
pub(crate) fn find_postgres(workspace: &Workspace) -> Result<database::Server> {
    let mut progress = Progress::start("PostgreSQL".into(), false);
    let server = database::find(&workspace.log_dir()?.join("servers.log"), &mut progress);
    progress.end(server.as_ref().map_or("not run", |server| server.what.as_str()));
    server
}

/// Running contract server. Dropping it kills the process; `cargo run` replaces itself by the
/// program that it runs.
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
        // Keep reading, so that the server never blocks on a full pipe.
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
    fn every_adapter_and_every_store_is_played_once() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let options = Options {
            adapters: texts(&["axum", "rocket"]),
            stores: texts(&["memory", "sqlite"]),
            arguments: Vec::new(),
        };
        let wanted = [("axum", "memory"), ("rocket", "memory"), ("axum", "sqlite")];
        assert_eq!(options.servers(), wanted);
    }

    #[test]
    fn the_counts_are_kept() {
        let said = pass_on(&b"file | passed\ncontract: 5 passed, 0 failed\n"[..]).unwrap();
        assert_eq!(said, "5 passed, 0 failed");
    }

    #[test]
    fn a_server_that_ends_is_no_server() {
        assert!(Server::start(shell("echo sorry")).is_err());
    }
}
