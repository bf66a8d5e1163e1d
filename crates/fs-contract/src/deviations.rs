//! Deviations: the intended differences from the reference, listed in `deviations.toml`.
//!
//! The recordings mark the reference's own defects as quirks. Everything else that differs on
//! purpose is listed in that file, with its reason.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::glob;
use crate::step::Adjustment;

/// List of deviations. By default it is empty.
#[derive(Debug, Clone, Default)]
pub struct Deviations {
    entries: Vec<Deviation>,
}

/// Entry of the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Entry")]
pub struct Deviation {
    /// Scenarios that the entry applies to, as `file/name`; `*` and `?` are wildcards.
    pub scenario: String,
    /// Number of the step, counted from 1. `None` applies to all steps.
    pub step: Option<usize>,
    /// Adjustment of the comparison. `None` leaves the scenarios out as a whole.
    pub change: Option<Adjustment>,
    /// Reason for the deviation.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scenario: String,
    step: Option<usize>,
    #[serde(default)]
    skip: Vec<String>,
    #[serde(default)]
    instead: Map<String, Value>,
    #[serde(default)]
    whole: bool,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// Error of reading the list.
#[derive(Debug, thiserror::Error)]
pub enum DeviationsError {
    /// The file cannot be read.
    #[error("deviations.toml: {0}")]
    Io(#[from] std::io::Error),
    /// The text does not have the format that the head of the file describes.
    #[error("deviations.toml: {0}")]
    Format(#[from] toml::de::Error),
}

impl TryFrom<Entry> for Deviation {
    type Error = &'static str;

    fn try_from(entry: Entry) -> Result<Self, Self::Error> {
        let changes = !entry.skip.is_empty() || !entry.instead.is_empty();
        if entry.whole && (changes || entry.step.is_some()) {
            return Err("`whole` goes with no step, skip or instead");
        }
        if !entry.whole && !changes {
            return Err("a deviation needs skip, instead or whole");
        }
        if entry.reason.trim().is_empty() {
            return Err("a deviation needs a reason");
        }
        let change = changes.then_some(Adjustment { skip: entry.skip, instead: entry.instead });
        let Entry { scenario, step, reason, .. } = entry;
        Ok(Self { scenario, step, change, reason })
    }
}

impl Deviations {
    /// Reads the list of this project: `deviations.toml` in the source of this crate.
    ///
    /// # Errors
    ///
    /// Returns [`DeviationsError::Io`] if the file cannot be read, and [`DeviationsError::Format`]
    /// if an entry does not have the format that the head of the file describes.
    pub fn shipped() -> Result<Self, DeviationsError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deviations.toml");
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Parses a list in the format of that file.
    ///
    /// # Errors
    ///
    /// Returns [`DeviationsError::Format`] if an entry does not have the format that the head of
    /// the file describes.
    pub fn parse(text: &str) -> Result<Self, DeviationsError> {
        let list: List = toml::from_str(text)?;
        Ok(Self { entries: list.deviation })
    }

    /// Returns the entries, in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Deviation] {
        &self.entries
    }

    /// Returns the entries for a scenario, with their indexes in the list.
    pub(crate) fn about<'a>(&'a self, scenario: &str) -> Vec<(usize, &'a Deviation)> {
        let all = self.entries.iter().enumerate();
        all.filter(|(_, entry)| glob::matches(&entry.scenario, scenario)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_projects_list_can_be_read() {
        Deviations::shipped().unwrap();
    }

    #[test]
    fn entries() {
        let list = Deviations::parse(
            r#"
            [[deviation]]
            scenario = "login/json_*"
            step = 2
            skip = ["cookies"]
            instead = { status = 403, html = { messages = ["LOGIN"] } }
            reason = "stricter"

            [[deviation]]
            scenario = "spa/*"
            whole = true
            reason = "not ours"
            "#,
        )
        .unwrap();
        let [first, second] = list.entries() else { panic!("two entries") };
        let change = first.change.clone().unwrap();
        assert_eq!((first.step, change.skip), (Some(2), vec!["cookies".to_owned()]));
        let wanted = json!({"status": 403, "html": {"messages": ["LOGIN"]}});
        assert_eq!(Value::from(change.instead), wanted);
        assert_eq!((second.step, &second.change), (None, &None));
        let about: Vec<_> = list.about("login/json_ok").iter().map(|(at, _)| *at).collect();
        assert_eq!(about, [0]);
    }

    #[test]
    fn entries_that_say_nothing_are_refused() {
        for entry in [
            "reason = \"r\"",
            "whole = true\nreason = \" \"",
            "whole = true",
            "whole = true\nstep = 1\nreason = \"r\"",
            "skip = [\"json\"]\nwhole = true\nreason = \"r\"",
            "skips = [\"json\"]\nreason = \"r\"",
        ] {
            let text = format!("[[deviation]]\nscenario = \"a/b\"\n{entry}");
            assert!(Deviations::parse(&text).is_err(), "{entry}");
        }
    }
}
