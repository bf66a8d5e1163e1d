//! Demo in a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) struct Demo {
    process: Child,
    /// Framework that serves it.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) framework: String,
    /// URL of the demo: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Password of the administrator, if the account was created at this start.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) password: Option<String>,
}

impl Demo {
    /// Starts the demo on axum and a free port, with its files in a folder, and waits until it
    /// listens.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_on("axum", folder, arguments)
    }

    /// Starts the demo on another framework, as [`start`](Self::start) does.
    pub(crate) fn start_on(framework: &str, folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FS_DEMO_") {
                command.env_remove(name);
            }
        }
        command.env("FS_DEMO_LISTEN", "127.0.0.1:0").env("FS_DEMO_DATABASE", "demo.sqlite3");
        command.env("FS_DEMO_FRAMEWORK", framework);
        command.args(arguments);
        let mut process = command.current_dir(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = None;
        let mut password = None;
        let output = BufReader::new(process.stdout.take().unwrap());
        for line in output.lines().map_while(Result::ok) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("The") => url = words.next_back().map(str::to_owned),
                Some("Password") => {
                    password = words.next().filter(|word| word.contains('-')).map(str::to_owned);
                    break;
                }
                _ => {}
            }
        }
        let url = url.expect("the demo says where it listens");
        Self { process, framework: framework.to_owned(), url, password }
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    /// Sends SIGTERM to the process.
    #[cfg(unix)]
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn ask_to_stop(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until the process has ended. Returns whether it was successful.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn ends_well(&mut self) -> bool {
        self.process.wait().unwrap().success()
    }

    /// Kills the process, with SIGKILL on Unix.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
