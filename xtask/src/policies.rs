//! `cargo xtask policies`: what every route of the demo asks of its callers, and whether that is what
//! was reviewed.

use std::collections::BTreeSet;
use std::fs;

use crate::Result;
use crate::workspace::{Workspace, cargo};

/// What was reviewed.
const LOCK: &str = "examples/demo/policies.lock";

/// What to do with the table.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Writes the table to the file, to be reviewed with the change that led to it.
    #[arg(long)]
    write: bool,
}

/// Prints the table of the demo, and says what differs from the file.
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

/// The lines that only one of them has: `-` those of the first, `+` those of the second.
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
