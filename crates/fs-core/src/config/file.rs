//! Deserializes the configuration from a settings file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json, to_value};

use super::layers::{Profile, over_profile};
use super::{Config, FlaskKeys, SignInLinks, Unified};
use crate::password::{BreachRule, PasswordRules, Zxcvbn};
use crate::secret::Secret;

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let profiles = [
            profile("default", &Self::default(), &Self::default().with_everything())?,
            profile("flask_security_4", &Self::flask_security_4(), &flask_with_everything())?,
        ];
        over_profile::<Strict, _>(given, &profiles).map(|Strict(config)| config)
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// A configuration in which every setting is given.
struct Strict(Config);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Config::deserialize(deserializer).map(Self)
    }
}

fn profile<E: Error>(name: &'static str, base: &Config, full: &Config) -> Result<Profile, E> {
    let value = |config| to_value(config).map_err(E::custom);
    Ok(Profile { name, base: value(base)?, full: value(full)? })
}

impl Config {
    fn with_everything(self) -> Self {
        let within = Duration::from_secs(900);
        Self {
            unified: self.unified.or_else(|| Some(Unified::default())),
            sign_in_links: self.sign_in_links.or(Some(SignInLinks {
                within,
                once: true,
                unconfirmed: false,
            })),
            password: with_all_rules(self.password),
            ..self
        }
    }
}

fn flask_with_everything() -> Config {
    let keys = json!({
        "SECURITY_REGISTERABLE": true,
        "SECURITY_CONFIRMABLE": true,
        "SECURITY_RECOVERABLE": true,
        "SECURITY_CHANGEABLE": true,
        "SECURITY_TWO_FACTOR": true,
        "SECURITY_UNIFIED_SIGNIN": true,
        "SECURITY_PASSWORDLESS": true,
    });
    let mut keys = FlaskKeys::from_map(keys.as_object().cloned().unwrap_or_default());
    let config = Config::from_flask(&mut keys);
    Config { password: with_all_rules(config.password), ..config }
}

fn with_all_rules(rules: PasswordRules) -> PasswordRules {
    PasswordRules {
        complexity: rules.complexity.or(Some(Zxcvbn { min_score: 3 })),
        breached: rules.breached.or(Some(BreachRule::default())),
        ..rules
    }
}

/// Text that replaces a secret value in error messages.
const SECRET: &str = "write a text in quotes; it is not shown here, because it is a secret";

/// Deserializes one secret.
pub(crate) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Secret::from(text))),
        _ => Err(D::Error::custom(SECRET)),
    }
}

/// Deserializes one secret or a list of them.
pub(super) fn secrets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Secret>, D::Error> {
    let list = match Value::deserialize(from)? {
        Value::Array(list) => list,
        one => vec![one],
    };
    let texts = list.into_iter().map(|value| match value {
        Value::String(text) => Ok(Secret::from(text)),
        _ => Err(D::Error::custom(SECRET)),
    });
    texts.collect()
}

/// Deserializes a map from names to secrets.
pub(super) fn named_secrets<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Secret>, D::Error> {
    let Value::Object(table) = Value::deserialize(from)? else {
        return Err(D::Error::custom("write a table of secrets by their names"));
    };
    let pairs = table.into_iter().map(|(name, value)| match value {
        Value::String(text) => Ok((name, Secret::from(text))),
        _ => Err(D::Error::custom(SECRET)),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: Value) -> Result<Config, String> {
        serde_json::from_value(given).map_err(|error| error.to_string())
    }

    /// Checks whether any table of the tree has an entry with that name.
    fn names(value: &Value, name: &str) -> bool {
        match value {
            Value::Object(table) => {
                table.contains_key(name) || table.values().any(|value| names(value, name))
            }
            Value::Array(list) => list.iter().any(|value| names(value, name)),
            _ => false,
        }
    }

    #[test]
    fn an_empty_file_is_the_profile() {
        for (file, profile) in [
            (json!({}), Config::default()),
            (json!({ "profile": "default" }), Config::default()),
            (json!({ "profile": "flask_security_4" }), Config::flask_security_4()),
        ] {
            assert_eq!(to_value(read(file).unwrap()).unwrap(), to_value(profile).unwrap());
        }
    }

    #[test]
    fn a_file_says_what_differs() {
        let config = read(json!({
            "profile": "flask_security_4",
            "signing_keys": ["new", "old"],
            "base_url": "https://example.org",
            "disclosure": "generic",
            "hashing": { "create": { "argon2id": { "memory_kib": 65536, "iterations": 3, "lanes": 1 } } },
            "password": { "min_length": 12, "complexity": true },
            "registration": { "fields": [{ "name": "age", "label": "Age", "kind": "number" }] },
            "confirmation": { "within": "36 hours" },
            "recovery": true,
            "two_factor": { "methods": ["authenticator"], "authenticator_window": { "steps": 1 } },
            "unified": { "methods": ["password", "email"] },
            "sessions": { "lifetime": 3600, "remember": false },
            "totp": { "keys": { "1": "sealed" } },
            "messages": { "LOGIN": "Who are you?", "REFRESH": { "text": "Again", "category": "error" } },
        }))
        .unwrap();
        assert_eq!(config.signing_keys, [Secret::from("new"), Secret::from("old")]);
        assert!(matches!(config.hashing.create, crate::password::NewHash::Argon2id { .. }));
        assert_eq!(config.password.complexity, Some(Zxcvbn { min_score: 3 }));
        let registration = config.registration.unwrap();
        assert!(registration.send_welcome && registration.fields[0].name == "age");
        let confirmation = config.confirmation.unwrap();
        assert_eq!(confirmation.within.as_secs(), 36 * 3_600);
        assert!(confirmation.sign_in_after, "the rest is as Flask-Security has it");
        assert_eq!(config.recovery.unwrap().within.as_secs(), 5 * 86_400);
        let factor = config.two_factor.unwrap();
        assert_eq!(factor.authenticator_window, crate::totp::Window::Steps(1));
        assert_eq!(config.unified.unwrap().methods.len(), 2);
        assert_eq!((config.sessions.lifetime.as_secs(), config.sessions.remember), (3_600, None));
        assert_eq!(config.totp.keys["1"], Secret::from("sealed"));
        assert_eq!(config.messages.text(&crate::message::MessageKey::Login.into()), "Who are you?");
        assert!(config.password_change.is_none(), "what is not named stays off");
    }

    #[test]
    fn what_is_written_can_be_read_and_holds_no_secret() {
        let mut config = Config::flask_security_4().with_everything();
        config.signing_keys = vec![Secret::from("hunter2")];
        config.hashing.pepper = Some(Secret::from("hunter2"));
        config.totp.keys.insert("1".to_owned(), Secret::from("hunter2"));
        let written = to_value(&config).unwrap();
        assert!(!written.to_string().contains("hunter2"));
        for name in ["signing_keys", "pepper", "keys", "secs", "nanos"] {
            assert!(!names(&written, name), "{name} in {written}");
        }
        let read = read(written.clone()).unwrap();
        assert_eq!(to_value(read).unwrap(), written);
    }

    #[test]
    fn mistakes_say_where_and_what_to_write() {
        for (given, words) in [
            (json!({ "signing_key": "x" }), ["signing_key", "`signing_keys`"]),
            (json!({ "sessions": { "lifetime": "1 fortnight" } }), ["sessions.lifetime", "5 days"]),
            (json!({ "recovery": { "send": true } }), ["recovery.send", "`send_notice`"]),
            (json!({ "disclosure": "all" }), ["disclosure", "`explicit`"]),
            (json!({ "unified": { "methods": ["fax"] } }), ["unified.methods[0]", "\"sms\""]),
            (json!({ "messages": { "HELLO": "x" } }), ["messages", "HELLO"]),
            (json!({ "identities": { "region": "Mars" } }), ["identities.region", "US"]),
            (json!({ "mail": { "from": false } }), ["mail.from", "string"]),
        ] {
            let error = read(given).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
        }
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        for given in [
            json!({ "signing_keys": [20_241_122] }),
            json!({ "signing_keys": { "1": "hunter2" } }),
            json!({ "hashing": { "pepper": ["hunter2"] } }),
            json!({ "totp": { "keys": ["hunter2"] } }),
            json!({ "totp": { "keys": { "1": ["hunter2"] } } }),
        ] {
            let error = read(given).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains("20241122"), "{error}");
        }
    }
}
