//! Conversion of a scenario's configuration from Flask's keys to ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use data_encoding::HEXUPPER;
use fs_core::Config;
use fs_core::config::FlaskKeys;
use fs_core::message::{Category, MessageKey};
use fs_core::password::NewHash;
use fs_core::port::{BreachChecker, BreachError};
use fs_http::{Hooks, HttpConfig};
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use super::routes::NAMED;

/// Parsed configuration of a scenario.
pub(super) struct Configured {
    pub(super) config: Config,
    pub(super) http: HttpConfig,
    pub(super) hooks: Hooks,
    pub(super) mail_fails: bool,
    pub(super) sms_fails: bool,
    pub(super) breached: Arc<Breached>,
}

/// Reason why a configuration cannot be served.
pub(super) enum Unservable {
    /// The configuration is invalid.
    Refused(String),
    /// The configuration is valid, but something else failed.
    Failed(String),
    /// The configuration uses a feature that is not supported yet.
    Unsupported(String),
}

pub(super) fn configure(given: Map<String, Value>) -> Result<Configured, Unservable> {
    let mut keys = FlaskKeys::from_map(given);
    let flag = |keys: &mut FlaskKeys, key: &str| {
        let mut on = false;
        keys.bool(key, &mut on);
        on
    };
    let protect = flag(&mut keys, "CONTRACT_CSRF_PROTECT");
    let token_uniquifier = flag(&mut keys, "CONTRACT_TOKEN_UNIQUIFIER");
    let payload = flag(&mut keys, "CONTRACT_USER_PAYLOAD");
    let mail_fails = flag(&mut keys, "CONTRACT_MAIL_FAILS");
    let sms_fails = flag(&mut keys, "CONTRACT_SMS_FAILS");
    let breached = Arc::new(Breached(listed(keys.take("CONTRACT_BREACHED"))));
    let mut config = Config::from_flask(&mut keys);
    let mut http = HttpConfig::from_flask(&mut keys, protect);
    config.auth_tokens.own_uniquifier = token_uniquifier;
    config.hashing.create = NewHash::CheapestForTests;
    name_foreign_messages(&mut config);
    http.views.named =
        NAMED.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
    let wrong = keys.finish();
    if !wrong.is_empty() {
        let text = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let unsupported = wrong.iter().any(|error| error.unsupported);
        return Err(match unsupported {
            true => Unservable::Unsupported(text),
            false => Unservable::Refused(text),
        });
    }
    let user_payload = payload.then(|| -> Arc<fs_http::hooks::UserPayload> {
        Arc::new(|user| {
            let email = ("email".to_owned(), Value::from(user.email.as_str()));
            Map::from_iter([email, ("active".to_owned(), Value::from(user.active))])
        })
    });
    let mut hooks = Hooks::default();
    hooks.user_payload = user_payload;
    Ok(Configured { config, http, hooks, mail_fails, sms_fails, breached })
}

/// Sets the texts of Flask-WTF to the names that the contract has for them, because they have no
/// key of Flask-Security.
fn name_foreign_messages(config: &mut Config) {
    for key in MessageKey::ALL {
        let name = key.as_str();
        if name.starts_with("CSRF_") || matches!(name, "FIELD_REQUIRED" | "INVALID_CHOICE") {
            config.messages.set(*key, name, Category::Error);
        }
    }
}

/// Breach checker with a fixed list. `None` means that the service is down.
pub(super) struct Breached(Option<BTreeMap<String, u64>>);

fn listed(value: Option<Value>) -> Option<BTreeMap<String, u64>> {
    let listed = value?.as_object()?.clone();
    Some(listed.into_iter().map(|(word, count)| (word, count.as_u64().unwrap_or(0))).collect())
}

#[async_trait]
impl BreachChecker for Breached {
    async fn range(&self, prefix: &str) -> Result<String, BreachError> {
        let listed = self.0.as_ref().ok_or_else(|| BreachError::Unavailable("down".to_owned()))?;
        let lines = listed.iter().filter_map(|(word, count)| {
            let digest = HEXUPPER.encode(&Sha1::digest(word));
            digest.strip_prefix(prefix).map(|suffix| format!("{suffix}:{count}\r\n"))
        });
        Ok(lines.collect())
    }
}
