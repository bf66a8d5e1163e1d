//! Settings files that contain only the differences from a profile.

use serde::de::DeserializeOwned;
use serde::de::Error;
use serde_json::{Map, Value};

/// A named set of default settings.
#[derive(Debug)]
pub struct Profile {
    /// Name of the profile in settings files.
    pub name: &'static str,
    /// Values of settings that the file does not mention.
    pub base: Value,
    /// The same with every feature enabled: the defaults of a feature that the profile disables and
    /// the file enables.
    pub full: Value,
}

/// Reads settings of type `T` by merging a file into a profile. The file names the profile by
/// `profile`; the default is the first one.
///
/// - A table changes the settings that it names. The others keep the values of the profile.
/// - `true` enables an optional feature, `false` disables it.
/// - A list replaces the list of the profile.
///
/// # Errors
///
/// Returns an error for the first mistake, with the path of the setting and what to write instead.
pub fn over_profile<T: DeserializeOwned, E: Error>(
    given: Value,
    profiles: &[Profile],
) -> Result<T, E> {
    let Value::Object(mut given) = given else {
        return Err(E::custom("settings are a table of names and values"));
    };
    let profile = match given.remove("profile") {
        None => profiles.first(),
        Some(named) => profiles.iter().find(|profile| named == profile.name),
    };
    let Some(profile) = profile else {
        let names: Vec<_> = profiles.iter().map(|profile| profile.name).collect();
        return Err(E::custom(format!("profile: write one of {names:?}")));
    };
    let mut merged = profile.base.clone();
    merge(&mut merged, &profile.full, Value::Object(given));
    serde_path_to_error::deserialize(merged).map_err(|error| match error.path().to_string() {
        path if path == "." => E::custom(error.into_inner()),
        path => E::custom(format!("{path}: {}", error.into_inner())),
    })
}

/// Merges the given settings into the existing ones.
fn merge(there: &mut Value, full: &Value, given: Value) {
    match given {
        Value::Object(given) => {
            if !there.is_object() || is_other_kind(there, &given) {
                *there = if full.is_object() { full.clone() } else { Value::Object(Map::new()) };
            }
            if is_other_kind(there, &given) {
                *there = Value::Object(given);
                return;
            }
            let Value::Object(there) = there else { return };
            for (name, value) in given {
                let full = full.get(&name).unwrap_or(&Value::Null);
                match there.get_mut(&name) {
                    Some(there) => merge(there, full, value),
                    None => drop(there.insert(name, value)),
                }
            }
        }
        Value::Bool(_) if there.is_boolean() => *there = given,
        Value::Bool(false) => *there = Value::Null,
        // On already: it stays as the profile has it.
        Value::Bool(true) if !there.is_null() => {}
        Value::Bool(true) if !full.is_null() => *there = full.clone(),
        given => *there = given,
    }
}

/// Checks whether two tables with one entry each are different variants of an enum, such as `{
/// seconds = 120 }` and `{ steps = 1 }`. One then replaces the other.
fn is_other_kind(there: &Value, given: &Map<String, Value>) -> bool {
    let Value::Object(there) = there else { return false };
    there.len() == 1 && given.len() == 1 && !given.keys().all(|name| there.contains_key(name))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        name: String,
        loud: bool,
        window: Value,
        feature: Option<Feature>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Feature {
        within: u32,
        notice: bool,
    }

    fn read(given: Value) -> Result<Settings, String> {
        let off = json!({ "name": "a", "loud": true, "window": { "steps": 1 }, "feature": null });
        let mut full = off.clone();
        full["feature"] = json!({ "within": 5, "notice": true });
        let mut quiet = full.clone();
        quiet["loud"] = json!(false);
        let profiles = [
            Profile { name: "first", base: off, full: full.clone() },
            Profile { name: "quiet", base: quiet, full },
        ];
        over_profile(given, &profiles).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_in_the_profile() {
        let settings = read(json!({})).unwrap();
        assert_eq!((settings.name.as_str(), settings.loud, settings.feature), ("a", true, None));
        assert!(!read(json!({ "profile": "quiet" })).unwrap().loud);
    }

    #[test]
    fn features_are_switched_and_changed() {
        let feature = |given| read(given).unwrap().feature;
        assert_eq!(feature(json!({ "feature": true })), Some(Feature { within: 5, notice: true }));
        assert_eq!(feature(json!({ "profile": "quiet", "feature": false })), None);
        let changed = Some(Feature { within: 7, notice: true });
        assert_eq!(feature(json!({ "feature": { "within": 7 } })), changed);
        assert_eq!(feature(json!({ "profile": "quiet", "feature": { "within": 7 } })), changed);
    }

    #[test]
    fn one_kind_replaces_another() {
        let settings = read(json!({ "window": { "seconds": 120 } })).unwrap();
        assert_eq!(settings.window, json!({ "seconds": 120 }));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (given, words) in [
            (json!({ "feature": { "withn": 7 } }), ["feature.withn", "`within`"]),
            (json!({ "feature": { "within": "x" } }), ["feature.within", "u32"]),
            (json!({ "nmae": "b" }), ["nmae", "`name`"]),
            (json!({ "profile": "third" }), ["profile", "quiet"]),
            (json!({ "name": false }), ["name", "string"]),
            (json!([]), ["table", "names"]),
        ] {
            let error = read(given).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
