//! `cargo xtask bench`: measures what a protected request costs, in fs and in other libraries.
//!
//! The measured programs are in `benches`, a workspace of its own. One process for each kind of
//! operation takes turns with all others in many short rounds, so that whatever disturbs the
//! machine disturbs all of them.

mod callgrind;
mod figures;
mod kinds;
mod statistics;
mod subject;

use std::path::{Path, PathBuf};

use self::figures::Figures;
use self::kinds::{Group, Kind};
use self::subject::Subject;
use crate::process::{self, Progress};
use crate::workspace::{Workspace, cargo};
use crate::{Result, machine, table};

/// Number of operations in a round. A round takes between one and 400 milliseconds.
const OPERATIONS: u64 = 2_000;
/// Number of operations for which allocations are counted.
const COUNTED: u64 = 500;

/// Extent of the measurement.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Number of rounds, in each of which every kind of operation has its turn
    #[arg(long, default_value_t = 31)]
    rounds: usize,
    /// Measure only this group; may be given several times
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,
    /// Do not count instructions, which takes minutes
    #[arg(long)]
    without_instructions: bool,
}

/// Builds the programs, measures, and prints the tables.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    if options.rounds == 0 {
        return Err("--rounds is 0; use at least 1".into());
    }
    let logs = workspace.log_dir()?;
    let wanted = |kind: &&Kind| options.only.is_empty() || options.only.contains(&kind.group);
    let kinds: Vec<Kind> = kinds::KINDS.iter().filter(wanted).copied().collect();

    let mut progress = Progress::start("[1/4] build".to_owned(), false);
    let programs = build(workspace, &logs, &mut progress)?;
    progress.end("ok");

    let mut progress = Progress::start("[2/4] CPU time".to_owned(), false);
    let times = cpu_times(&programs.join("subject"), &kinds, options.rounds, &mut progress)?;
    progress.end("ok");

    let mut progress = Progress::start("[3/4] allocations".to_owned(), false);
    let allocations = allocations(&programs.join("counted-subject"), &kinds, &mut progress)?;
    progress.end("ok");

    let mut progress = Progress::start("[4/4] instructions".to_owned(), false);
    let mut instructions = vec![None; kinds.len()];
    let missing = match machine::program("valgrind") {
        _ if options.without_instructions => Some("not counted: --without-instructions"),
        None => Some("not counted: valgrind is not installed"),
        Some(_) => {
            for (kind, counted) in kinds.iter().zip(&mut instructions) {
                let program = programs.join("subject");
                *counted = Some(callgrind::count(&program, kind.name, &logs, &mut progress)?);
            }
            None
        }
    };
    progress.end(missing.unwrap_or("ok"));

    let all: Vec<Figures> = kinds
        .into_iter()
        .zip(times)
        .zip(allocations.into_iter().zip(instructions))
        .map(|((kind, times), (allocations, instructions))| {
            Figures::new(kind, times, allocations, instructions)
        })
        .collect();
    println!();
    for rows in [figures::requests(&all), figures::tokens(&all)] {
        if rows.len() > 1 {
            println!("{}", table::render(&rows));
        }
    }
    println!("{}", figures::spread(&all, options.rounds));
    Ok(true)
}

/// Builds the measured programs, and returns their directory.
fn build(workspace: &Workspace, logs: &Path, progress: &mut Progress) -> Result<PathBuf> {
    let target = workspace.target_dir().join("benches");
    let mut command = cargo();
    command.current_dir(workspace.root.join("benches"));
    command.args(["build", "--release", "--locked", "--target-dir"]).arg(&target);
    let built = process::run(&mut command, &logs.join("bench-build.log"), progress)?;
    match built.success {
        true => Ok(target.join("release")),
        false => Err(format!("benches does not build:\n{}", built.lines.join("\n")).into()),
    }
}

/// Returns the CPU nanoseconds of an operation in each round, for each kind.
fn cpu_times(
    program: &Path,
    kinds: &[Kind],
    rounds: usize,
    progress: &mut Progress,
) -> Result<Vec<Vec<f64>>> {
    let mut subjects = Vec::new();
    for kind in kinds {
        subjects.push((Subject::start(program, kind.name)?, Vec::new()));
    }
    for round in 0..=rounds {
        progress.tick(&format!("round {round} of {rounds}"));
        // Every second round goes backwards, so that no kind always follows the same other one.
        let mut turns: Vec<_> = subjects.iter_mut().collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (subject, times) in turns {
            let cost = subject.measure(OPERATIONS)?;
            // The first round only warms up.
            if round > 0 {
                times.push(cost);
            }
        }
    }
    Ok(subjects.into_iter().map(|(_, times)| times).collect())
}

/// Returns the number of allocations of an operation, for each kind.
fn allocations(program: &Path, kinds: &[Kind], progress: &mut Progress) -> Result<Vec<f64>> {
    let count = |kind: &Kind| {
        progress.tick(kind.name);
        Subject::start(program, kind.name)?.measure(COUNTED)
    };
    kinds.iter().map(count).collect()
}
