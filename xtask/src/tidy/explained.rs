//! Check of dependencies: every dependency of the workspace is used, and docs/dependencies.md gives
//! its reason.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::manifest::line_of;
use crate::Result;
use crate::report::Offence;
use crate::workspace::Workspace;

/// Path of the table of reasons.
const REASONS: &str = "docs/dependencies.md";

/// Finds dependencies without a reason, and reasons without a dependency.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Offence>> {
    let manifest = workspace.read_text("Cargo.toml")?.ok_or("Cargo.toml is not text")?;
    let reasons = workspace.read_text(REASONS)?.ok_or("docs/dependencies.md is not text")?;
    check_reasons(&manifest, &reasons)
}

/// Finds dependencies that no crate uses.
pub(super) fn unused(workspace: &Workspace) -> Result<Vec<Offence>> {
    let manifest = workspace.read_text("Cargo.toml")?.ok_or("Cargo.toml is not text")?;
    let dependencies = workspace.packages.values().flat_map(|package| &package.dependencies);
    let used = dependencies.map(|dependency| dependency.name.as_str()).collect();
    check_use(&manifest, &used)
}

/// Returns the dependencies that the workspace declares: line, crate, and whether it is a member.
fn declared(manifest: &str) -> Result<Vec<(usize, String, bool)>> {
    let table: Table = manifest.parse()?;
    let declared = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let declared = declared.and_then(Value::as_table).ok_or("no [workspace.dependencies]")?;
    let rows = declared
        .iter()
        .map(|(name, value)| (line_of(manifest, name), name.clone(), value.get("path").is_some()));
    Ok(rows.collect())
}

fn check_use(manifest: &str, used: &BTreeSet<&str>) -> Result<Vec<Offence>> {
    let unused = declared(manifest)?
        .into_iter()
        .filter(|(_, name, ours)| !ours && !used.contains(name.as_str()));
    let offences = unused.map(|(line, name, _)| {
        let what = format!("no crate uses {name}: take it out, here and in {REASONS}");
        Offence::new("Cargo.toml", line, what)
    });
    Ok(offences.collect())
}

fn check_reasons(manifest: &str, reasons: &str) -> Result<Vec<Offence>> {
    let declared = declared(manifest)?;
    let explained = explained(reasons);
    let mut offences = Vec::new();
    for (line, name, ours) in &declared {
        if !ours && !explained.iter().any(|(_, explained, _)| explained == name) {
            let what = format!("say in {REASONS} why {name} is here, and why not another");
            offences.push(Offence::new("Cargo.toml", *line, what));
        }
    }
    for (line, name, why) in &explained {
        if !declared.iter().any(|(_, declared, _)| declared == name) {
            let what = format!("{name} is no dependency of the workspace: take the line out");
            offences.push(Offence::new(REASONS, *line, what));
        }
        if why.is_empty() {
            offences.push(Offence::new(REASONS, *line, format!("say why {name} is here")));
        }
    }
    Ok(offences)
}

/// Returns the rows of the table: line, crate, reason.
fn explained(reasons: &str) -> Vec<(usize, String, String)> {
    let rows = reasons.lines().enumerate().filter_map(|(index, line)| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let name = cells.next()?.trim_matches('`');
        let why = cells.next()?;
        let body = name != "crate" && !name.starts_with('-');
        body.then(|| (index + 1, name.to_owned(), why.to_owned()))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace.dependencies]\nours = { path = \"ours\" }\nserde = \"1\"\n";

    fn texts(found: Result<Vec<Offence>>) -> Vec<String> {
        found.unwrap().into_iter().map(|offence| offence.to_string()).collect()
    }

    #[test]
    fn an_explained_and_used_crate_passes() {
        let reasons = "| crate | why |\n| --- | --- |\n| `serde` | Everybody's. |\n";
        assert_eq!(texts(check_reasons(MANIFEST, reasons)), [""; 0]);
        assert_eq!(texts(check_use(MANIFEST, &["serde"].into())), [""; 0]);
    }

    #[test]
    fn silence_is_found() {
        let found = texts(check_reasons(MANIFEST, ""));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("Cargo.toml:3: say in docs/dependencies.md why serde"));
    }

    #[test]
    fn disuse_is_found() {
        let found = texts(check_use(MANIFEST, &BTreeSet::new()));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("Cargo.toml:3: no crate uses serde"));
    }

    #[test]
    fn stale_and_empty_lines_are_found() {
        let found = texts(check_reasons(MANIFEST, "| gone | It was here. |\n| serde | |\n"));
        assert!(found[0].starts_with("docs/dependencies.md:1: gone is no dependency"));
        assert!(found[1].starts_with("docs/dependencies.md:2: say why serde"));
    }
}
