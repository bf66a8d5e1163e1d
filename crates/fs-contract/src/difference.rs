//! Differences between two normal forms.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// Place where two normal forms differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// Path of the place, as a JSON pointer.
    pub(crate) at: String,
    /// Recorded value.
    pub(crate) wanted: Option<Value>,
    /// Value in the answer.
    pub(crate) found: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.at, short(self.wanted.as_ref()), short(self.found.as_ref()))
    }
}

/// Formats a value, shortened to fit on a line.
fn short(value: Option<&Value>) -> String {
    const LONGEST: usize = 160;
    let Some(value) = value else { return "<absent>".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text,
    }
}

/// Returns every place where an answer differs from its recording.
pub(crate) fn differences(wanted: &Value, found: &Value) -> Vec<Difference> {
    let mut out = Vec::new();
    walk(Some(wanted), Some(found), String::new(), &mut out);
    out
}

fn walk(wanted: Option<&Value>, found: Option<&Value>, at: String, out: &mut Vec<Difference>) {
    match (wanted, found) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            for key in wanted.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
                walk(wanted.get(key), found.get(key), format!("{at}/{key}"), out);
            }
        }
        (Some(Value::Array(wanted)), Some(Value::Array(found))) if wanted.len() == found.len() => {
            for (number, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                walk(Some(wanted), Some(found), format!("{at}/{number}"), out);
            }
        }
        _ if wanted == found => {}
        _ => {
            let at = if at.is_empty() { "/".to_owned() } else { at };
            out.push(Difference { at, wanted: wanted.cloned(), found: found.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(wanted: &Value, found: &Value) -> Vec<String> {
        differences(wanted, found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_every_place() {
        let wanted = json!({"a": 1, "b": [1, {"c": "x"}], "d": null, "e": [1]});
        let found = json!({"b": [1, {"c": "y"}], "d": false, "e": [1, 2], "f": 1});
        assert_eq!(
            lines(&wanted, &found),
            [
                "/a: 1 -> <absent>",
                "/b/1/c: \"x\" -> \"y\"",
                "/d: null -> false",
                "/e: [1] -> [1,2]",
                "/f: <absent> -> 1",
            ]
        );
        assert!(lines(&wanted, &wanted).is_empty());
    }

    #[test]
    fn kinds_of_number_and_truth_are_not_mixed_up() {
        assert_eq!(lines(&json!(1), &json!(1.0)), ["/: 1 -> 1.0"]);
        assert_eq!(lines(&json!(1), &json!(true)), ["/: 1 -> true"]);
    }

    #[test]
    fn long_values_are_cut() {
        let line = lines(&json!("é".repeat(300)), &json!("")).remove(0);
        assert_eq!(line.chars().filter(|letter| *letter == 'é').count(), 159);
    }
}
