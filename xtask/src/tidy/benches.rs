//! Check of the benchmarks' workspace, which cargo does not see from the root.

use toml::{Table, Value};

use super::manifest::{self, line_of};
use crate::Result;
use crate::report::Offence;
use crate::workspace::Workspace;

/// Path of its manifest.
const MANIFEST: &str = "benches/Cargo.toml";

/// Checks its manifest.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<Offence>> {
    let text = workspace.read_text(MANIFEST)?.ok_or("benches/Cargo.toml is not text")?;
    let root = workspace.read_text("Cargo.toml")?.ok_or("Cargo.toml is not text")?;
    let mut offences = manifest::check(MANIFEST, &text)?;
    offences.extend(offences_in(&text, &root)?);
    Ok(offences)
}

fn offences_in(text: &str, root: &str) -> Result<Vec<Offence>> {
    let (benches, ours): (Table, Table) = (text.parse()?, root.parse()?);
    let mut offences = Vec::new();
    let declared = at(&benches, "/workspace/dependencies").and_then(Value::as_table);
    for name in declared.into_iter().flat_map(Table::keys) {
        let line = line_of_version(text, name);
        let above = line.checked_sub(2).and_then(|index| text.lines().nth(index));
        if !above.is_some_and(|above| above.starts_with("# ")) {
            let what = format!("say in a comment above {name} why it is here");
            offences.push(Offence::new(MANIFEST, line, what));
        }
        let (here, there) = (version(&benches, name), version(&ours, name));
        if let (Some(here), Some(there)) = (here, there)
            && here != there
        {
            let what = format!("{name} is {there} in the root: measure what the crates use");
            offences.push(Offence::new(MANIFEST, line, what));
        }
    }
    for path in ["/workspace/lints", "/profile/release"] {
        if at(&benches, path) != at(&ours, path) {
            let what = format!("{path} differs from that of the root: copy it");
            offences.push(Offence::new(MANIFEST, 1, what));
        }
    }
    Ok(offences)
}

/// Returns the value at a path such as `/workspace/lints`.
fn at<'a>(manifest: &'a Table, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('/').skip(1);
    let first = manifest.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

fn version<'a>(manifest: &'a Table, name: &str) -> Option<&'a str> {
    let dependency = at(manifest, "/workspace/dependencies")?.get(name)?;
    dependency.get("version").unwrap_or(dependency).as_str()
}

/// Returns the line that declares the version of a dependency.
fn line_of_version(text: &str, name: &str) -> usize {
    let before = text.split("[workspace.dependencies]").next().unwrap_or_default();
    let skipped = before.lines().count();
    let rest: Vec<&str> = text.lines().skip(skipped).collect();
    skipped + line_of(&rest.join("\n"), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\naxum = \"1\"\n[workspace.lints.rust]\na = 1\n";

    fn offences(benches: &str) -> Vec<String> {
        let found = offences_in(benches, ROOT).unwrap();
        found.into_iter().map(|offence| offence.to_string()).collect()
    }

    #[test]
    fn an_explained_dependency_of_the_same_version_passes() {
        let good = ROOT.replace("axum", "# Measured.\naxum");
        assert_eq!(offences(&good), [""; 0]);
        assert_eq!(offences(&format!("[dependencies]\naxum.workspace = true\n{good}")), [""; 0]);
    }

    #[test]
    fn silence_other_versions_and_other_lints_are_found() {
        let found = offences("[dependencies]\naxum = 1\n[workspace.dependencies]\naxum = \"2\"\n");
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("benches/Cargo.toml:4: say in a comment"), "{found:?}");
        assert!(found[1].starts_with("benches/Cargo.toml:4: axum is 1 in the root"), "{found:?}");
        assert!(found[2].contains("/workspace/lints differs"), "{found:?}");
    }
}
