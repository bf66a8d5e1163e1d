//! Programs of crates.io that tasks need.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{self, Progress};
use crate::workspace::{Workspace, cargo};
use crate::{Result, machine};

/// A program of crates.io.
pub(crate) struct Tool {
    /// Name of the crate and its program.
    pub(crate) name: &'static str,
    /// Version that is installed if the machine has none.
    pub(crate) version: &'static str,
    /// Further arguments of `cargo install`.
    pub(crate) arguments: &'static [&'static str],
}

impl Tool {
    /// Returns the program if the machine or the target directory has it.
    pub(crate) fn find(&self, workspace: &Workspace) -> Option<PathBuf> {
        let own = self.own(workspace);
        machine::program(self.name).or_else(|| own.is_file().then_some(own))
    }

    /// Returns the command that installs the program in the target directory, and where it will be.
    pub(crate) fn installation(&self, workspace: &Workspace) -> (Command, PathBuf) {
        let mut install = cargo();
        install.args(["install", self.name, "--version", self.version, "--locked"]);
        install.args(self.arguments);
        install.arg("--root").arg(workspace.target_dir().join("tools"));
        (install, self.own(workspace))
    }

    fn own(&self, workspace: &Workspace) -> PathBuf {
        workspace.target_dir().join("tools").join("bin").join(self.name)
    }

    /// Returns the program, after installing it if the machine has none. Returns `None` if it
    /// cannot be installed.
    pub(crate) fn get(&self, workspace: &Workspace) -> Result<Option<PathBuf>> {
        if let Some(found) = self.find(workspace) {
            return Ok(Some(found));
        }
        let (mut install, program) = self.installation(workspace);
        Ok(step(workspace, self.name, &mut install)?.then_some(program))
    }
}

/// Runs a command of a task, with its output in a log that is shown if it fails.
pub(crate) fn step(workspace: &Workspace, name: &str, command: &mut Command) -> Result<bool> {
    let log = workspace.log_dir()?.join(format!("{name}.log"));
    let mut progress = Progress::start(name.to_owned(), false);
    let finished = process::run(command, &log, &mut progress)?;
    progress.end(if finished.success { "ok" } else { "failed" });
    if !finished.success {
        finished.lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(finished.success)
}
