//! Rules for the `Cargo.toml` of a crate.

use toml::{Table, Value};

use crate::Result;
use crate::report::Offence;

/// Names of the tables that hold dependencies.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks one manifest.
pub(super) fn check(file: &str, text: &str) -> Result<Vec<Offence>> {
    let manifest: Table = text.parse().map_err(|error| format!("{file}: {error}"))?;
    let mut offences = Vec::new();
    let description = manifest.get("package").and_then(|package| package.get("description"));
    if description.and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
        let what = "a crate needs a `description`: one sentence that says what it is for";
        offences.push(Offence::new(file, line_of(text, "[package]"), what));
    }
    if manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true))
    {
        let what = "add `[lints] workspace = true`: every crate obeys the same lints";
        offences.push(Offence::new(file, 1, what));
    }
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    for table in std::iter::once(&manifest).chain(targets) {
        for kind in DEPENDENCIES {
            let Some(dependencies) = table.get(kind).and_then(Value::as_table) else { continue };
            for (name, value) in dependencies {
                if value.get("workspace") != Some(&Value::Boolean(true)) {
                    let what = format!(
                        "write `{name}.workspace = true`: versions live in the root Cargo.toml"
                    );
                    offences.push(Offence::new(file, line_of(text, name), what));
                }
            }
        }
    }
    Ok(offences)
}

/// Returns the line that begins with the key, or 1.
pub(super) fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with([' ', '.', '=']))
    };
    text.lines().position(is_key).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[package]
name = "a"
description = "What it is for."
[lints]
workspace = true
[dependencies]
b.workspace = true
c = { workspace = true, features = ["x"] }
"#;

    fn offences(text: &str) -> Vec<String> {
        let found = check("a/Cargo.toml", text).unwrap();
        found.into_iter().map(|offence| offence.to_string()).collect()
    }

    #[test]
    fn a_good_manifest_passes() {
        assert_eq!(offences(GOOD), [""; 0]);
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_table() {
        let own = format!("{GOOD}d = \"1\"\n[dev-dependencies]\ne = {{ path = \"../e\" }}\n");
        let found = offences(&format!("{own}[target.'cfg(unix)'.dependencies]\nf = \"1\"\n"));
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("a/Cargo.toml:10: write `d.workspace = true`"), "{found:?}");
    }

    #[test]
    fn description_and_lints_are_asked_for() {
        let found = offences("[package]\nname = \"a\"\ndescription = \" \"\n");
        assert!(found[0].contains("`description`"));
        assert!(found[1].contains("[lints]"));
    }
}
