//! `cargo xtask calibrate`: measures the Argon2 parameters that this machine can afford.

use crate::Result;
use crate::workspace::{Workspace, cargo};

/// Limits on the cost of a hash.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Maximum time of a hash, in milliseconds
    #[arg(long, default_value_t = 250)]
    target: u32,
    /// Maximum memory that each hashing thread keeps, in MiB
    #[arg(long, default_value_t = 128)]
    memory: u32,
}

/// Runs the measurement with an optimised build, because the figures mean nothing without
/// optimisation.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut command = cargo();
    command.current_dir(&workspace.root);
    command.args(["run", "--quiet", "--release", "-p", "fs-services", "--example", "calibrate"]);
    command.args(["--", &options.target.to_string(), &options.memory.to_string()]);
    Ok(command.status()?.success())
}
