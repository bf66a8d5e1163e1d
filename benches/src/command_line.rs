//! Command line of both programs, and their conversation with the program that drives them.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::create;
use crate::subject::Subject;
use crate::{Kind, Outcome};

/// Share of the operations that run unmeasured before each measurement, because another process
/// had the caches in the meantime: one tenth.
const WARM_UP: u64 = 10;

/// Measures one kind of operation.
///
/// Reads a number of operations from each line of standard input, performs them, and prints what
/// they cost together.
#[derive(Parser)]
struct Cli {
    /// Operation to measure
    #[arg(long)]
    kind: Kind,
    /// Perform this number of operations and end, without measuring: for Callgrind
    #[arg(long)]
    operations: Option<u64>,
}

/// Runs the program. `meter` returns the cost since the process started, in any unit.
pub fn run(meter: fn() -> Outcome<u64>) -> ExitCode {
    match measure(&Cli::parse(), meter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(cli: &Cli, meter: fn() -> Outcome<u64>) -> Outcome<()> {
    let mut subject = create::create(cli.kind)?;
    if let Some(operations) = cli.operations {
        return repeat(&mut *subject, operations);
    }
    for line in std::io::stdin().lock().lines() {
        let operations: u64 = line?.trim().parse()?;
        repeat(&mut *subject, operations / WARM_UP)?;
        let before = meter()?;
        repeat(&mut *subject, operations)?;
        println!("{}", meter()? - before);
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn repeat(subject: &mut dyn Subject, operations: u64) -> Outcome<()> {
    (0..operations).try_for_each(|_| subject.perform())
}
