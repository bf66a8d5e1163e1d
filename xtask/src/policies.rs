//! `cargo xtask policies`: compares the requirement of every route of the demo with the reviewed
//! table.

use std::collections::BTreeSet;
use std::fs;

use crate::Result;
use crate::workspace::{Workspace, cargo};

/// Path of the reviewed table.
const LOCK: &str = "examples/demo/policies.lock";

/// Action on the table.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the table to the file, to be reviewed together with the change that led to it
    #[arg(long)]
    write: bool,
}

/// Prints the table of the demo, and the differences from the file.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut command = cargo();
    command.current_dir(&workspace.root).args(["run", "--quiet", "-p", "demo", "--", "policies"]);
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the demo does not tell its policies".into());
    }
    let table = String::from_utf8(output.stdout)?;
    print!("{table}");
    let path = workspace.root.join(LOCK);
    if options.write {
        fs::write(path, table)?;
        return Ok(true);
    }
    let reviewed = fs::read_to_string(path).unwrap_or_default();
    let differences = differences(&reviewed, &table);
    if !differences.is_empty() {
        eprintln!("\n{LOCK} differs; if that is meant, write it with --write:\n{differences}");
    }
    Ok(differences.is_empty())
}

/// Returns the lines that only one text has: those of the first with `-`, those of the second with
/// `+`.
fn differences(before: &str, now: &str) -> String {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.lines().collect(), now.lines().collect());
    let gone = before.lines().filter(|line| !new.contains(line)).map(|line| format!("- {line}\n"));
    let come = now.lines().filter(|line| !old.contains(line)).map(|line| format!("+ {line}\n"));
    gone.chain(come).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let (before, now) = ("GET / anyone\nGET /a admin\n", "GET / anyone\nGET /a anyone\n");
        assert_eq!(differences(before, now), "- GET /a admin\n+ GET /a anyone\n");
        assert_eq!(differences(now, now), "");
    }
}
