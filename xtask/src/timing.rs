//! `cargo xtask timing`: measures whether response times reveal who has an account.

use crate::contract::find_postgres;
use crate::workspace::{Workspace, cargo};
use crate::{Result, database};

/// Arguments for the program that measures.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// Arguments for the program: --pairs, --store, --only, --fairness; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the measurement with an optimised build, on PostgreSQL as well if it is available.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut command = cargo();
    command.current_dir(&workspace.root);
    command.args(["run", "--quiet", "--release", "-p", "fs-timing", "--"]);
    command.args(&options.arguments);
    // A temporary server lives as long as this value.
    let postgres = options.needs_postgres().then(|| find_postgres(workspace)).transpose()?;
    if let Some(postgres) = &postgres {
        command.env(database::VARIABLE, &postgres.url);
    }
    Ok(command.status()?.success())
}

impl Options {
    fn needs_postgres(&self) -> bool {
        let has = |word: &str| self.arguments.iter().any(|argument| argument.contains(word));
        let other = has("--fairness") || has("--help");
        !other && (has("postgres") || !has("--store"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_is_looked_for_where_it_is_measured_on() {
        let needs = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
            Options { arguments }.needs_postgres()
        };
        assert!(needs(&[]) && needs(&["--pairs", "10"]) && needs(&["--store", "postgres"]));
        assert!(!needs(&["--store", "memory"]) && !needs(&["--fairness"]));
    }
}
