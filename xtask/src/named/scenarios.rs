//! Scenarios of the recorded contract, as `file/name`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Result;
use crate::workspace::Workspace;

/// Directory of the recordings.
const RECORDED: &str = "crates/fs-contract/corpus/recorded/";

/// Reads all scenarios. Returns none if the corpus is missing.
pub(super) fn read(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let mut scenarios = BTreeSet::new();
    for file in workspace.files()? {
        let recording = file.strip_prefix(RECORDED).and_then(|name| name.strip_suffix(".json"));
        let Some(recording) = recording else { continue };
        let text = workspace.read_text(&file)?.unwrap_or_default();
        let content: Value = serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
        scenarios.extend(names(&content).map(|name| format!("{recording}/{name}")));
    }
    Ok(scenarios)
}

fn names(recording: &Value) -> impl Iterator<Item = &str> {
    let scenarios = recording.get("scenarios").and_then(Value::as_array);
    scenarios.into_iter().flatten().filter_map(|scenario| scenario.get("name")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let recording = serde_json::json!({ "scenarios": [{ "name": "a" }, { "name": "b" }] });
        assert_eq!(names(&recording).collect::<Vec<_>>(), ["a", "b"]);
    }
}
