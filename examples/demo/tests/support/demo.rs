//! The demo as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub(crate) struct Demo {
    process: Child,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The administrator's password, if it was made at this start.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) password: Option<String>,
}

impl Demo {
    /// Starts it on a free port with its files in a folder, and waits until it listens.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FS_DEMO_") {
                command.env_remove(name);
            }
        }
        command.env("FS_DEMO_LISTEN", "127.0.0.1:0").env("FS_DEMO_DATABASE", "demo.sqlite3");
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
        Self { process, url, password }
    }

    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    /// Asks it to end, and waits until it has; whether it ended well.
    #[cfg(unix)]
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn stop(&mut self) -> bool {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap().success()
    }

    /// Ends it at once: SIGKILL, where there is such a thing.
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
