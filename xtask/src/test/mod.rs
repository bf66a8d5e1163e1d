//! `cargo xtask test`: runs every check in turn, and prints a table of the results.

mod features;
mod steps;
mod summary;

use clap::ValueEnum;

use crate::Result;
use crate::process::Progress;
use crate::table;
use crate::workspace::Workspace;

use self::steps::Session;

/// Steps to run, and verbosity.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave this step out; may be given several times
    #[arg(long, value_name = "STEP")]
    skip: Vec<Step>,
    /// Show all output of the tools immediately
    #[arg(long, short)]
    verbose: bool,
}

/// Steps, in the order in which they run: the cheap ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Checks the formatting of the sources
    Fmt,
    /// Checks the rules of the tree (`cargo xtask tidy`)
    Tidy,
    /// Checks the table of names (`cargo xtask parity`)
    Parity,
    /// Lints all targets and features, with warnings denied
    Clippy,
    /// Published crates without features, with each feature alone, and with all.
    Features,
    /// Packages the published crates as crates.io gets them, in the order of their dependencies
    Package,
    /// Checks licences, bans and duplicates of dependencies with cargo-deny (`deny.toml`)
    Deny,
    /// Finds or starts PostgreSQL for the tests
    Servers,
    /// Finds Chromium for the browser tests
    Browser,
    /// Runs all tests except the examples in the documentation
    Tests,
    /// Runs the examples in the documentation
    Doctests,
    /// Builds the documentation, with warnings denied
    Docs,
}

/// Result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step passed.
    Ok,
    /// The step failed, or was not possible on a CI machine.
    Failed,
    /// The step did not run; contains the reason.
    NotRun(String),
}

/// Result of a step, with details.
pub(crate) struct Outcome {
    /// Short description of the checked set.
    on: String,
    /// Verdict of the step.
    verdict: Verdict,
    /// Lines to show if it failed.
    details: Vec<String>,
}

impl Verdict {
    fn of(success: bool) -> Self {
        if success { Self::Ok } else { Self::Failed }
    }

    fn text(&self) -> String {
        match self {
            Self::Ok => "ok".into(),
            Self::Failed => "FAILED".into(),
            Self::NotRun(why) => format!("not run: {why}"),
        }
    }
}

impl Options {
    fn wants(&self, step: Step) -> bool {
        (self.only.is_empty() || self.only.contains(&step)) && !self.skip.contains(&step)
    }
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Runs all steps, even after one failed. Returns whether all passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let steps: Vec<Step> =
        Step::value_variants().iter().copied().filter(|step| options.wants(*step)).collect();
    let mut session = Session::new(workspace)?;
    let mut rows = vec![["step", "on what", "result", "seconds"].map(str::to_owned).to_vec()];
    let mut failed = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let label = format!("[{}/{}] {}", number + 1, steps.len(), step.name());
        let mut progress = Progress::start(label, options.verbose);
        let outcome = session.run(*step, &mut progress).unwrap_or_else(|error| Outcome {
            on: String::new(),
            verdict: Verdict::Failed,
            details: vec![format!("error: {error}")],
        });
        let elapsed = progress.end(&outcome.verdict.text());
        if outcome.verdict == Verdict::Failed {
            outcome.details.iter().for_each(|line| println!("    {line}"));
            failed.push(step.name());
        }
        let seconds = format!("{:.1}", elapsed.as_secs_f64());
        rows.push(vec![step.name(), outcome.on, outcome.verdict.text(), seconds]);
    }
    for step in Step::value_variants().iter().filter(|step| !options.wants(**step)) {
        rows.push(vec![step.name(), String::new(), "not run: left out by hand".into()]);
    }
    println!("\n{}", table::render(&rows));
    if !failed.is_empty() {
        println!("failed: {}\n", failed.join(", "));
    }
    for line in session.closing_lines() {
        println!("{line}");
    }
    Ok(failed.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(only: &[Step], skip: &[Step]) -> Vec<Step> {
        let options = Options { only: only.to_vec(), skip: skip.to_vec(), verbose: false };
        Step::value_variants().iter().copied().filter(|step| options.wants(*step)).collect()
    }

    #[test]
    fn steps_are_chosen() {
        assert_eq!(wanted(&[], &[]), Step::value_variants());
        assert_eq!(wanted(&[Step::Fmt, Step::Docs], &[]), [Step::Fmt, Step::Docs]);
        assert_eq!(wanted(&[Step::Fmt, Step::Docs], &[Step::Docs]), [Step::Fmt]);
        assert!(!wanted(&[], &[Step::Tests]).contains(&Step::Tests));
    }
}
