//! `cargo xtask calibrate`: which Argon2 parameters this machine can afford.

use crate::Result;
use crate::workspace::{Workspace, cargo};

/// What a hash may cost.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long a hash may take, in milliseconds.
    #[arg(long, default_value_t = 250)]
    target: u32,
    /// How much memory each hashing thread may keep, in MiB.
    #[arg(long, default_value_t = 128)]
    memory: u32,
}

/// Measures with an optimised build: without optimisation the figures mean nothing.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut command = cargo();
    command.current_dir(&workspace.root);
    command.args(["run", "--quiet", "--release", "-p", "fs-services", "--example", "calibrate"]);
    command.args(["--", &options.target.to_string(), &options.memory.to_string()]);
    Ok(command.status()?.success())
}
