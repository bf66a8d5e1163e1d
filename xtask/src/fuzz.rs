//! `cargo xtask fuzz`: runs the fuzz targets of `fuzz/`, a workspace of its own.

use std::process::Command;

use clap::Args;

use crate::Result;
use crate::tool::{Tool, step};
use crate::workspace::Workspace;

const CARGO_FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.1", arguments: &["--debug"] };
const TARGETS: [&str; 3] = ["typed_text", "stored_text", "request"];

#[derive(Args)]
pub(crate) struct Options {
    /// Time for each target, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Targets to run instead of all
    #[arg(long = "only", value_parser = TARGETS)]
    targets: Vec<String>,
}

/// Returns whether no input made a target fail. An input that did is in `fuzz/artifacts`.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let Some(program) = CARGO_FUZZ.get(workspace)? else { return Ok(false) };
    let chosen = |target: &&str| {
        options.targets.is_empty() || options.targets.iter().any(|chosen| chosen == target)
    };
    let mut passed = true;
    for target in TARGETS.into_iter().filter(chosen) {
        let mut build = Command::new(&program);
        build.args(["fuzz", "build", target]);
        of_fuzz(workspace, &mut build);
        let mut fuzz = Command::new(&program);
        fuzz.args(["fuzz", "run", target, "--"]);
        fuzz.arg(format!("-max_total_time={}", options.seconds));
        of_fuzz(workspace, &mut fuzz);
        passed &= step(workspace, &format!("build {target}"), &mut build)?
            && step(workspace, &format!("fuzz {target}"), &mut fuzz)?;
    }
    Ok(passed)
}

/// Runs a command in the directory of the targets, with a nightly compiler.
fn of_fuzz(workspace: &Workspace, command: &mut Command) {
    command.current_dir(workspace.root.join("fuzz"));
    command.env("RUSTUP_TOOLCHAIN", "nightly");
    command.env("CARGO_TARGET_DIR", workspace.target_dir().join("fuzz"));
    // Set by the cargo that runs this task, for its own compiler.
    for name in ["CARGO", "RUSTC", "RUSTUP_HOME_TOOLCHAIN"] {
        command.env_remove(name);
    }
}
