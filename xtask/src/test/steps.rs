//! Implementation of each step.

use std::path::PathBuf;
use std::process::Command;

use super::features;
use super::summary::{self, Count};
use super::{Outcome, Step, Verdict};
use crate::process::{self, Finished, Progress};
use crate::report::Report;
use crate::tool::Tool;
use crate::workspace::{Workspace, cargo};
use crate::{Result, chromium, database, machine, parity, tidy};

/// Environment variable with which tests that need PostgreSQL fail without it, instead of reporting
/// that they did not run.
const REQUIRE_POSTGRES: &str = "FS_REQUIRE_POSTGRES";

/// Program that checks dependencies.
const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", arguments: &["--debug"] };
/// Part of the name of tests that need PostgreSQL, or of their file.
const POSTGRES_TESTS: &str = "postgres";
/// Name of the file of tests that need a browser.
const BROWSER_TESTS: &str = "browser";

/// State that the steps pass on to each other.
pub(crate) struct Session<'a> {
    workspace: &'a Workspace,
    logs: PathBuf,
    postgres: Option<database::Server>,
    chromium: Option<PathBuf>,
    count: Option<Count>,
    runner_said: Option<String>,
}

impl<'a> Session<'a> {
    /// Creates the state of a run before its first step.
    pub(crate) fn new(workspace: &'a Workspace) -> Result<Self> {
        Ok(Self {
            workspace,
            logs: workspace.log_dir()?,
            postgres: None,
            chromium: None,
            count: None,
            runner_said: None,
        })
    }

    /// Runs one step.
    pub(crate) fn run(&mut self, step: Step, progress: &mut Progress) -> Result<Outcome> {
        match step {
            Step::Fmt => {
                // The benchmarks are a workspace of their own. This downloads and builds nothing.
                let of_benches = ["fmt", "--manifest-path", "benches/Cargo.toml"];
                for package in [["fmt", "--all"].as_slice(), &of_benches] {
                    let mut command = self.cargo(package);
                    command.args(["--check", "--", "--color", "never"]);
                    let outcome = self.tool(&mut command, "fmt", "every crate", progress)?;
                    if outcome.verdict != Verdict::Ok {
                        return Ok(outcome);
                    }
                }
                Ok(Outcome { on: "every crate".into(), verdict: Verdict::Ok, details: Vec::new() })
            }
            Step::Tidy => Ok(report(tidy::run(self.workspace)?)),
            Step::Parity => Ok(report(parity::run(self.workspace)?)),
            Step::Clippy => {
                let mut command = self.cargo(&["clippy", "--workspace", "--all-targets"]);
                command.args(["--all-features", "--keep-going", "--", "-D", "warnings"]);
                self.tool(&mut command, "clippy", "every crate, target and feature", progress)
            }
            Step::Features => self.features(progress),
            Step::Package => {
                let packages = self.workspace.packages.iter();
                let published = packages.filter(|(_, package)| package.published);
                let named = published.flat_map(|(name, _)| ["--package", name.as_str()]);
                let mut command = self.cargo(&["package", "--no-verify", "--allow-dirty"]);
                command.args(named);
                self.tool(&mut command, "package", "every published crate", progress)
            }
            Step::Deny => self.deny(progress),
            Step::Servers => Ok(self.servers(progress)),
            Step::Browser => Ok(self.browser(progress)),
            Step::Tests => self.tests(progress),
            Step::Doctests => self.doctests(progress),
            Step::Docs => {
                let mut command = self.cargo(&["doc", "--workspace", "--no-deps"]);
                command.arg("--all-features").env("RUSTDOCFLAGS", "-D warnings");
                self.tool(&mut command, "docs", "every crate and feature", progress)
            }
        }
    }

    /// Returns the last lines of the run: the summary of the test runner, and the count of all
    /// tests.
    pub(crate) fn closing_lines(&self) -> Vec<String> {
        let count = self.count.map(|count| count.to_string());
        self.runner_said.iter().cloned().chain(count).collect()
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.workspace.root);
        command
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    fn tool(
        &self,
        command: &mut Command,
        name: &str,
        on: &str,
        progress: &mut Progress,
    ) -> Result<Outcome> {
        let finished = process::run(command, &self.log(name), progress)?;
        Ok(outcome(finished, on.to_owned()))
    }

    /// Checks every combination, also after one that does not compile.
    fn features(&self, progress: &mut Progress) -> Result<Outcome> {
        let all = features::combinations(self.workspace);
        let mut details = Vec::new();
        for combination in &all {
            let arguments = combination.arguments();
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let mut command = self.cargo(&arguments);
            let finished = process::run(&mut command, &self.log("features"), progress)?;
            // Flags for the compiler would build every dependency anew.
            let warns = finished.lines.iter().any(|line| line.starts_with("warning:"));
            if !finished.success || warns {
                details.push(format!("{} does not compile without warnings:", combination.name()));
                details.extend(finished.lines);
            }
        }
        let on = format!("{} combinations", all.len());
        Ok(Outcome { on, verdict: Verdict::of(details.is_empty()), details })
    }

    /// Checks the dependencies. CI installs the program if the machine has none.
    fn deny(&self, progress: &mut Progress) -> Result<Outcome> {
        let mut program = DENY.find(self.workspace);
        if program.is_none() && machine::is_ci() {
            let (mut install, installed) = DENY.installation(self.workspace);
            let finished = process::run(&mut install, &self.log("deny"), progress)?;
            if !finished.success {
                return Ok(outcome(finished, DENY.name.into()));
            }
            program = Some(installed);
        }
        let Some(program) = program else {
            return Ok(missing(DENY.name, format!("cargo install {}", DENY.name)));
        };
        let mut command = Command::new(program);
        command.args(["check", "licenses", "bans", "sources"]);
        command.current_dir(&self.workspace.root);
        self.tool(&mut command, "deny", "licences, bans, duplicates", progress)
    }

    fn servers(&mut self, progress: &mut Progress) -> Outcome {
        match database::find(&self.log("servers"), progress) {
            Ok(server) => {
                let on = server.what.clone();
                self.postgres = Some(server);
                Outcome { on, verdict: Verdict::Ok, details: Vec::new() }
            }
            Err(error) => missing("PostgreSQL", error.to_string()),
        }
    }

    fn browser(&mut self, progress: &mut Progress) -> Outcome {
        match chromium::find(&self.log("browser"), progress) {
            Ok(program) => {
                let on = format!("Chromium at {}", program.display());
                self.chromium = Some(program);
                Outcome { on, verdict: Verdict::Ok, details: Vec::new() }
            }
            Err(error) => missing("Chromium", error.to_string()),
        }
    }

    fn tests(&mut self, progress: &mut Progress) -> Result<Outcome> {
        let nextest = self.cargo(&["nextest", "--version"]).output();
        if nextest.is_ok_and(|output| output.status.success()) {
            return self.nextest(progress);
        }
        let mut command = self.cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
        command.args(["--lib", "--bins", "--tests", "--examples"]);
        if self.postgres.is_none() {
            command.args(["--", "--skip", POSTGRES_TESTS]);
        }
        self.equip(&mut command);
        let finished = process::run(&mut command, &self.log("tests"), progress)?;
        let count = summary::cargo_test(&finished.lines);
        *self.count.get_or_insert_default() += count;
        let on = format!("cargo test{}", self.without());
        Ok(outcome(finished, on))
    }

    fn nextest(&mut self, progress: &mut Progress) -> Result<Outcome> {
        let mut command = self.cargo(&["nextest", "run", "--workspace", "--all-features"]);
        command.args(["--no-fail-fast", "--failure-output", "final", "--color", "never"]);
        let files = self.workspace.packages.values().flat_map(|package| &package.test_files);
        let files: Vec<&String> = files.collect();
        if let Some(filter) = filter(self.postgres.is_some(), self.chromium.is_some(), &files) {
            command.args(["-E", &filter]);
        }
        self.equip(&mut command);
        let mut finished = process::run(&mut command, &self.log("tests"), progress)?;
        if let Some((line, count)) = summary::nextest(&finished.lines) {
            *self.count.get_or_insert_default() += count;
            self.runner_said = Some(line);
        }
        finished.lines.retain(|line| !line.trim_start().starts_with("PASS ["));
        let on = format!("nextest{}", self.without());
        Ok(outcome(finished, on))
    }

    fn doctests(&mut self, progress: &mut Progress) -> Result<Outcome> {
        let mut command = self.cargo(&["test", "--doc", "--workspace", "--all-features"]);
        command.arg("--no-fail-fast");
        let finished = process::run(&mut command, &self.log("doctests"), progress)?;
        let count = summary::cargo_test(&finished.lines);
        *self.count.get_or_insert_default() += count;
        let on = format!("examples in the documentation: {count}");
        Ok(outcome(finished, on))
    }

    /// Passes the addresses of servers and the browser to the tests.
    fn equip(&self, command: &mut Command) {
        command.env_remove(database::VARIABLE).env_remove(REQUIRE_POSTGRES);
        command.env_remove(chromium::VARIABLE);
        if let Some(server) = &self.postgres {
            command.env(database::VARIABLE, &server.url).env(REQUIRE_POSTGRES, "1");
        }
        if let Some(program) = &self.chromium {
            command.env(chromium::VARIABLE, program);
        }
    }

    /// Returns what the tests lack, for the table.
    fn without(&self) -> String {
        let postgres = self.postgres.is_none().then_some(", NOT RUN: PostgreSQL tests");
        let browser = self.chromium.is_none().then_some(", NOT RUN: browser test");
        [postgres, browser].into_iter().flatten().collect()
    }
}

/// Returns the nextest filter that leaves out the tests that lack their server or browser. nextest
/// rejects names of files that do not exist, so only existing ones are named.
fn filter(postgres: bool, browser: bool, files: &[&String]) -> Option<String> {
    let mut left_out = Vec::new();
    if !postgres {
        left_out.push(format!("test({POSTGRES_TESTS})"));
    }
    for file in files {
        if (!postgres && file.contains(POSTGRES_TESTS)) || (!browser && *file == BROWSER_TESTS) {
            left_out.push(format!("binary(={file})"));
        }
    }
    (!left_out.is_empty()).then(|| format!("not ({})", left_out.join(" + ")))
}

/// Returns the outcome for a missing prerequisite, which is a failure on a CI machine.
fn missing(what: &str, why: String) -> Outcome {
    let verdict = if machine::is_ci() { Verdict::Failed } else { Verdict::NotRun(why.clone()) };
    Outcome { on: what.to_owned(), verdict, details: vec![why] }
}

fn outcome(finished: Finished, on: String) -> Outcome {
    let mut details = finished.lines;
    details.push(format!("(the same is in {})", finished.log.display()));
    Outcome { on, verdict: Verdict::of(finished.success), details }
}

fn report(report: Report) -> Outcome {
    let details = report.text.lines().map(str::to_owned).collect();
    Outcome { on: report.on, verdict: Verdict::of(report.passed), details }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_run_is_left_out_by_name() {
        let files = ["memory", "store_postgres", "browser"].map(str::to_owned);
        let files: Vec<&String> = files.iter().collect();
        assert_eq!(filter(true, true, &files), None);
        assert_eq!(
            filter(false, false, &files).as_deref(),
            Some("not (test(postgres) + binary(=store_postgres) + binary(=browser))")
        );
        assert_eq!(filter(true, false, &files).as_deref(), Some("not (binary(=browser))"));
        assert_eq!(filter(false, true, &[]).as_deref(), Some("not (test(postgres))"));
        assert_eq!(filter(true, false, &[]), None);
    }
}
