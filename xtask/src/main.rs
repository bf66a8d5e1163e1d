//! Tasks for developers and CI: `cargo xtask test`, and its parts.

mod bench;
mod calibrate;
mod chromium;
mod contract;
mod database;
mod docs;
mod fuzz;
mod machine;
mod named;
mod parity;
mod policies;
mod process;
mod report;
mod semver;
mod table;
mod test;
mod tidy;
mod timing;
mod tool;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Result with any error. Errors are only shown to the person who runs the task.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Tasks for developers of fs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks everything: formatting, rules of the tree, lints, tests, documentation
    Test(test::Options),
    /// Checks the rules of the tree that the compiler does not know
    Tidy,
    /// Checks the table that compares fs with Flask-Security, and counts the finished rows
    Parity,
    /// Compares contract servers with the recorded contract
    Contract(contract::Options),
    /// Prints the requirement of every route of the demo, and compares it with the reviewed file
    Policies(policies::Options),
    /// Measures whether response times reveal who has an account, or how long others wait for one
    /// client
    Timing(timing::Options),
    /// Measures what a protected request costs, in fs and in other libraries
    Bench(bench::Options),
    /// Builds the book as a site, and the documentation of every crate
    Docs,
    /// Compares the public API of every published crate with the baseline revision
    Semver,
    /// Sends texts and requests that a coverage-guided fuzzer chooses (needs a nightly compiler)
    Fuzz(fuzz::Options),
    /// Measures the Argon2 parameters that this machine can afford
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
        Task::Bench(options) => bench::run(&workspace, &options),
        Task::Docs => docs::run(&workspace),
        Task::Semver => semver::run(&workspace),
        Task::Fuzz(options) => fuzz::run(&workspace, &options),
        Task::Calibrate(options) => calibrate::run(&workspace, &options),
    }
}
