//! Flask-Security's keys as they are found in a map or the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::{parse_duration_text, unread};

/// Keys of Flask's own that matter here.
const OF_FLASK: [&str; 7] = [
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "PERMANENT_SESSION_LIFETIME",
    "SERVER_NAME",
    "APPLICATION_ROOT",
    "MAX_CONTENT_LENGTH",
    "MAIL_DEFAULT_SENDER",
];
/// How the keys of Flask-Security begin, and those of what it stands on.
const STARTS: [&str; 4] = ["SECURITY_", "SESSION_COOKIE_", "REMEMBER_COOKIE_", "WTF_CSRF_"];

/// A configuration in Flask's own keys, on its way into ours.
///
/// Whoever reads a key takes it out; what is left at the end is known to nobody. Mistakes are
/// collected, so that all of them are told at once. Its `Debug` shows no value: many are secrets.
#[derive(Clone, Default)]
pub struct FlaskKeys {
    values: BTreeMap<String, Value>,
    /// The variables as they were written, where the values were read from some.
    written: BTreeMap<String, String>,
    mistakes: Vec<KeyError>,
}

/// What is wrong with one key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}")]
pub struct KeyError {
    /// The key.
    pub key: String,
    /// What is wrong, and what to write instead. Never the value: it may be a secret.
    pub what: String,
    /// The key is right, but what it switches on does not exist here yet.
    pub unsupported: bool,
}

impl fmt::Debug for FlaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.values.keys().collect();
        f.debug_struct("FlaskKeys").field("keys", &names).field("mistakes", &self.mistakes).finish()
    }
}

impl FlaskKeys {
    /// Keys with JSON values. Durations are texts (`5 days`) or seconds.
    pub fn from_map(values: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { values: values.into_iter().collect(), ..Self::default() }
    }

    /// Keys from environment variables: values that are JSON are read as such (`true`, `8`,
    /// `["a"]`), all others are texts. Where a text is asked for, `123` is one. Other variables than
    /// those that Flask-Security goes by are left out.
    ///
    /// Hand in the variables, for instance `std::env::vars()`.
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

    /// Takes a key out.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.values.remove(key)
    }

    /// Takes out all keys that start so, without that start.
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

    /// Takes out a key whose value is to be a text.
    fn take_text(&mut self, key: &str) -> Option<Value> {
        let value = self.take(key)?;
        Some(match (value, self.written.get(key)) {
            (value @ (Value::Null | Value::String(_)), _) => value,
            (_, Some(written)) => Value::String(written.clone()),
            (value, None) => value,
        })
    }

    /// Notes a mistake.
    pub fn wrong(&mut self, key: &str, what: impl Into<String>) {
        self.mistakes.push(KeyError { key: key.to_owned(), what: what.into(), unsupported: false });
    }

    /// Notes a feature that does not exist here yet.
    pub fn unsupported(&mut self, key: &str) {
        self.mistakes.push(KeyError {
            key: key.to_owned(),
            what: "is not supported yet; leave it out".to_owned(),
            unsupported: true,
        });
    }

    /// Reads a truth value into `into`, if the key is there.
    pub fn bool(&mut self, key: &str, into: &mut bool) {
        match self.take(key) {
            None => {}
            Some(Value::Bool(value)) => *into = value,
            Some(_) => self.wrong(key, "write true or false"),
        }
    }

    /// Reads a text into `into`, if the key is there and not null.
    pub fn text(&mut self, key: &str, into: &mut String) {
        match self.take_text(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => *into = value,
            Some(_) => self.wrong(key, "write a text"),
        }
    }

    /// Reads a text or null.
    pub fn optional_text(&mut self, key: &str, into: &mut Option<String>) {
        match self.take_text(key) {
            None => {}
            Some(Value::Null) => *into = None,
            Some(Value::String(value)) => *into = Some(value).filter(|text| !text.is_empty()),
            Some(_) => self.wrong(key, "write a text, or null for none"),
        }
    }

    /// Reads a whole number.
    pub fn number(&mut self, key: &str, into: &mut usize) {
        match self.take(key) {
            None => {}
            Some(value) => match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number) => *into = number,
                None => self.wrong(key, "write a whole number, zero or more"),
            },
        }
    }

    /// Reads a list of texts; `[]` for null.
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

    /// Reads a span of time: a text such as `5 days`, or seconds.
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

    /// Reads a span of time; a negative one, or null, is none.
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

    /// What is wrong: all mistakes, and every key that nobody took.
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
