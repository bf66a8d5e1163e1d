//! Flask-Security's configuration keys, from a map or from environment variables.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::{parse_duration_text, unread};

/// Flask's own keys that are used here.
const OF_FLASK: [&str; 7] = [
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "PERMANENT_SESSION_LIFETIME",
    "SERVER_NAME",
    "APPLICATION_ROOT",
    "MAX_CONTENT_LENGTH",
    "MAIL_DEFAULT_SENDER",
];
/// Prefixes of the keys of Flask-Security and of its dependencies.
const STARTS: [&str; 4] = ["SECURITY_", "SESSION_COOKIE_", "REMEMBER_COOKIE_", "WTF_CSRF_"];

/// Configuration in Flask's own keys, to be converted to ours.
///
/// Reading a key removes it, so the keys that remain at the end are unknown. Errors are
/// collected, and [`finish`](Self::finish) reports all of them at once. `Debug` does not show values, since many are
/// secrets.
#[derive(Clone, Default)]
pub struct FlaskKeys {
    values: BTreeMap<String, Value>,
    /// Original texts of the environment variables, if the values were read from them.
    written: BTreeMap<String, String>,
    mistakes: Vec<KeyError>,
}

/// Error of one configuration key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
#[non_exhaustive]
pub struct KeyError {
    /// Name of the key.
    pub key: String,
    /// Problem and remedy. The text does not contain the value, which may be a
    /// secret.
    pub what: String,
    /// Whether the key is valid but enables a feature that is not supported yet.
    pub unsupported: bool,
}

impl fmt::Debug for FlaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.values.keys().collect();
        f.debug_struct("FlaskKeys").field("keys", &names).field("mistakes", &self.mistakes).finish()
    }
}

impl FlaskKeys {
    /// Creates keys from JSON values. Durations are texts (`5 days`) or numbers of seconds.
    pub fn from_map(values: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { values: values.into_iter().collect(), ..Self::default() }
    }

    /// Creates keys from environment variables. Values that are valid JSON are parsed (`true`, `8`,
    /// `["a"]`); all others are texts. Where a text is expected, `123` is one. Variables that
    /// Flask-Security does not use are ignored.
    ///
    /// Pass the variables, for instance `std::env::vars()`.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours = |key: &str| {
            OF_FLASK.contains(&key) || STARTS.iter().any(|start| key.starts_with(start))
        };
        let written: BTreeMap<_, _> = variables.into_iter().filter(|(key, _)| ours(key)).collect();
        let values = written.iter().map(|(key, text)| {
            let value = match serde_json::from_str(text) {
                Ok(value) if key != "SECRET_KEY" => value,
                _ => Value::String(text.clone()),
            };
            (key.clone(), value)
        });
        Self { values: values.collect(), written, mistakes: Vec::new() }
    }

    /// Removes a key and returns its value.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.values.remove(key)
    }

    /// Removes all keys with the prefix `start`, and returns them without the prefix.
    pub fn take_prefixed(&mut self, start: &str) -> Vec<(String, Value)> {
        let found: Vec<_> =
            self.values.keys().filter(|key| key.starts_with(start)).cloned().collect();
        found
            .into_iter()
            .filter_map(|key| {
                let value = self.values.remove(&key)?;
                Some((key.trim_start_matches(start).to_owned(), value))
            })
            .collect()
    }

    /// Removes a key whose value should be a text, and returns the value.
    fn take_text(&mut self, key: &str) -> Option<Value> {
        let value = self.take(key)?;
        Some(match (value, self.written.get(key)) {
            (value @ (Value::Null | Value::String(_)), _) => value,
            (_, Some(written)) => Value::String(written.clone()),
            (value, None) => value,
        })
    }

    /// Records a mistake.
    pub fn wrong(&mut self, key: &str, what: impl Into<String>) {
        self.mistakes.push(KeyError { key: key.to_owned(), what: what.into(), unsupported: false });
    }

    /// Records that a key enables a feature that is not supported yet.
    pub fn unsupported(&mut self, key: &str) {
        self.mistakes.push(KeyError {
            key: key.to_owned(),
            what: "is not supported yet; leave it out".to_owned(),
            unsupported: true,
        });
    }

    /// Reads a Boolean into `into`, if the key exists.
    pub fn bool(&mut self, key: &str, into: &mut bool) {
        match self.take(key) {
            None => {}
            Some(Value::Bool(value)) => *into = value,
            Some(_) => self.wrong(key, "write true or false"),
        }
    }

    /// Reads a text into `into`, if the key exists and is not null.
    pub fn text(&mut self, key: &str, into: &mut String) {
        match self.take_text(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => *into = value,
            Some(_) => self.wrong(key, "write a text"),
        }
    }

    /// Reads a text into `into`, if the key exists. Null is `None`.
    pub fn optional_text(&mut self, key: &str, into: &mut Option<String>) {
        match self.take_text(key) {
            None => {}
            Some(Value::Null) => *into = None,
            Some(Value::String(value)) => *into = Some(value).filter(|text| !text.is_empty()),
            Some(_) => self.wrong(key, "write a text, or null for none"),
        }
    }

    /// Reads a whole number into `into`, if the key exists.
    pub fn number(&mut self, key: &str, into: &mut usize) {
        match self.take(key) {
            None => {}
            Some(value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number) => *into = number,
                None => self.wrong(key, "write a whole number, zero or more"),
            },
        }
    }

    /// Reads a list of texts. Null is an empty list.
    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        if value.is_null() {
            return Some(Vec::new());
        }
        let texts = value.as_array().and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.wrong(key, "write a list of texts, as in [\"a\", \"b\"]");
        }
        texts
    }

    /// Reads a duration into `into`, if the key exists: a text such as `5 days`, or a number of
    /// seconds.
    pub fn duration(&mut self, key: &str, into: &mut Duration) {
        match self.take(key) {
            None => {}
            Some(Value::String(text)) => match parse_duration_text(&text) {
                Ok(duration) => *into = duration,
                Err(error) => self.wrong(key, error.to_string()),
            },
            Some(value) => match seconds(&value) {
                Some(duration) => *into = duration,
                None => self.wrong(key, "write a span of time, as in \"5 days\", or seconds"),
            },
        }
    }

    /// Reads a duration into `into`, if the key exists. A negative one and null are `None`.
    pub fn optional_duration(&mut self, key: &str, into: &mut Option<Duration>) {
        match self.take(key) {
            None => {}
            Some(Value::Null) => *into = None,
            Some(value) if value.as_f64().is_some_and(|seconds| seconds < 0.0) => *into = None,
            Some(value) => {
                let mut read = Duration::ZERO;
                let before = self.mistakes.len();
                self.values.insert(key.to_owned(), value);
                self.duration(key, &mut read);
                if self.mistakes.len() == before {
                    *into = Some(read);
                }
            }
        }
    }

    /// Returns all mistakes, and an error for every key that was not read.
    pub fn finish(self) -> Vec<KeyError> {
        let mut all = self.mistakes;
        all.extend(self.values.into_keys().map(|key| KeyError {
            what: unread::advice(&key).to_owned(),
            key,
            unsupported: true,
        }));
        all
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn collects_every_mistake_and_names_what_nobody_took() {
        let map = json!({"A": "yes", "B": "5 day", "C": 1, "D": true});
        let mut keys = FlaskKeys::from_map(map.as_object().unwrap().clone());
        keys.bool("A", &mut false);
        let mut duration = Duration::ZERO;
        keys.duration("B", &mut duration);
        keys.text("C", &mut String::new());
        let named: Vec<_> = keys.finish().into_iter().map(|wrong| wrong.key).collect();
        assert_eq!(named, ["A", "B", "C", "D"]);
    }

    #[test]
    fn reads_variables() {
        let variables = [("SECURITY_TRACKABLE", "true"), ("PATH", "/bin"), ("SECRET_KEY", "123")];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut keys = FlaskKeys::from_variables(variables);
        assert_eq!(keys.take("SECURITY_TRACKABLE"), Some(Value::Bool(true)));
        assert_eq!(keys.take("SECRET_KEY"), Some(Value::String("123".to_owned())));
        assert!(keys.finish().is_empty());
    }

    #[test]
    fn a_variable_that_is_to_be_a_text_is_one_however_it_looks() {
        let variables = [
            ("SECURITY_PASSWORD_SALT", "146585145368132386173505678016728509634"),
            ("SECURITY_EMAIL_SUBJECT_REGISTER", "true"),
            ("SECURITY_TOTP_ISSUER", "\"quoted\""),
            ("SECURITY_URL_PREFIX", "null"),
            ("SECRET_KEY_FALLBACKS", "[\"an older key\"]"),
            ("PERMANENT_SESSION_LIFETIME", "60"),
        ];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut keys = FlaskKeys::from_variables(variables);
        let (mut salt, mut prefix) = (None, Some("before".to_owned()));
        keys.optional_text("SECURITY_PASSWORD_SALT", &mut salt);
        assert_eq!(salt.as_deref(), Some("146585145368132386173505678016728509634"));
        let mut subject = String::new();
        keys.text("SECURITY_EMAIL_SUBJECT_REGISTER", &mut subject);
        assert_eq!(subject, "true");
        keys.text("SECURITY_TOTP_ISSUER", &mut subject);
        assert_eq!(subject, "quoted");
        keys.optional_text("SECURITY_URL_PREFIX", &mut prefix);
        assert_eq!(prefix, None);
        assert_eq!(keys.texts("SECRET_KEY_FALLBACKS"), Some(vec!["an older key".to_owned()]));
        let mut lifetime = Duration::ZERO;
        keys.duration("PERMANENT_SESSION_LIFETIME", &mut lifetime);
        assert_eq!(lifetime, Duration::from_secs(60));
        assert!(keys.finish().is_empty());
    }
}
