//! What a developer runs, and CI with them: `cargo xtask test`, and its parts alone.

mod calibrate;
mod chromium;
mod contract;
mod database;
mod machine;
mod named;
mod parity;
mod policies;
mod process;
mod report;
mod table;
mod test;
mod tidy;
mod timing;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Any error of a task: these are shown to a person and go no further.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What a developer of fs runs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks everything: formatting, rules of the tree, lints, tests, documentation.
    Test(test::Options),
    /// Checks the rules of the tree that the compiler does not know.
    Tidy,
    /// Checks the table that compares fs with Flask-Security, and counts what is done.
    Parity,
    /// Holds a contract server against the recorded contract.
    Contract(contract::Options),
    /// Prints what every route of the demo asks of its callers, and compares it with the file.
    Policies(policies::Options),
    /// Measures whether time tells who has an account, or how long others wait for one client.
    Timing(timing::Options),
    /// Measures which Argon2 parameters this machine can afford.
    Calibrate(calibrate::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(options) => test::run(&workspace, &options),
        Task::Tidy => {
            let report = tidy::run(&workspace)?;
            print!("{}", report.text);
            Ok(report.passed)
        }
        Task::Parity => {
            let report = parity::run(&workspace)?;
            print!("{}", report.text);
            Ok(report.passed)
        }
        Task::Contract(options) => contract::run(&workspace, &options),
        Task::Policies(options) => policies::run(&workspace, &options),
        Task::Timing(options) => timing::run(&workspace, &options),
        Task::Calibrate(options) => calibrate::run(&workspace, &options),
    }
}
