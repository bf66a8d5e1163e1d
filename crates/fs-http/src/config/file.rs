//! Deserializes the configuration from a settings file.

use fs_core::config::layers::{Profile, over_profile};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, to_value};

use super::{CsrfCookie, HttpConfig};

impl<'de> Deserialize<'de> for HttpConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let profiles = [
            profile("default", Self::default())?,
            profile("flask_security_4", Self::flask_security_4())?,
        ];
        over_profile::<Strict, _>(given, &profiles).map(|Strict(config)| config)
    }
}

impl Serialize for HttpConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// A configuration in which every setting is given.
struct Strict(HttpConfig);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HttpConfig::deserialize(deserializer).map(Self)
    }
}

fn profile<E: Error>(name: &'static str, mut config: HttpConfig) -> Result<Profile, E> {
    let base = to_value(&config).map_err(E::custom)?;
    let mut cookie = CsrfCookie::new("XSRF-TOKEN", "x-xsrf-token");
    cookie.attributes.secure = config.session_cookie.secure;
    config.csrf.cookie = Some(cookie);
    Ok(Profile { name, base, full: to_value(&config).map_err(E::custom)? })
}
