//! Reads Flask-Security's keys for passwords.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::flask::NORMAL_FORMS;
use super::{Config, FlaskKeys};
use crate::password::{
    BreachRule, Deprecated, HashingRules, NewHash, Normalisation, Scheme, SingleHash, Zxcvbn,
};
use crate::secret::Secret;

/// Schemes of Flask-Security's default lists that are not supported: their hashes never match.
const NEVER_MATCH: [&str; 3] = ["plaintext", "des_crypt", "django_des_crypt"];

impl Config {
    pub(super) fn read_passwords(&mut self, keys: &mut FlaskKeys) {
        let mut salt = None;
        keys.optional_text("SECURITY_PASSWORD_SALT", &mut salt);
        self.hashing = HashingRules::flask_security_4(salt.map(Secret::from));
        let mut hash = "bcrypt".to_owned();
        keys.text("SECURITY_PASSWORD_HASH", &mut hash);
        let costs = costs(keys);
        let cost = |name: &str| costs.get(name).copied();
        match hash.as_str() {
            "bcrypt" => {
                if let (NewHash::Bcrypt { cost: standard }, Some(rounds)) =
                    (&mut self.hashing.create, cost("bcrypt__rounds"))
                {
                    *standard = rounds;
                    self.hashing.renew_bcrypt_cost = true;
                }
            }
            "argon2" => {
                self.hashing.create = NewHash::Argon2id {
                    memory_kib: cost("argon2__memory_cost").unwrap_or(65_536),
                    iterations: cost("argon2__rounds").unwrap_or(PASSLIB_ROUNDS),
                    lanes: cost("argon2__parallelism").unwrap_or(4),
                };
            }
            _ => keys.wrong(
                "SECURITY_PASSWORD_HASH",
                "write \"argon2\" or \"bcrypt\"; other schemes are read, but not written",
            ),
        }
        if let Some(names) = keys.texts("SECURITY_PASSWORD_SCHEMES") {
            match schemes(&names) {
                Some(accepted) => self.hashing.accepted = accepted.into_iter().collect(),
                None => keys.wrong("SECURITY_PASSWORD_SCHEMES", "write names of passlib's schemes"),
            }
        }
        if let Some(names) = keys.texts("SECURITY_DEPRECATED_PASSWORD_SCHEMES")
            && names != ["auto"]
        {
            match schemes(&names) {
                Some(listed) => self.hashing.deprecated = Deprecated::Listed(listed),
                None => keys.wrong(
                    "SECURITY_DEPRECATED_PASSWORD_SCHEMES",
                    "write [\"auto\"], or names of passlib's schemes",
                ),
            }
        }
        match keys.take("SECURITY_PASSWORD_SINGLE_HASH") {
            None => {}
            Some(Value::Bool(true)) => self.hashing.single_hash = SingleHash::All,
            Some(Value::Bool(false) | Value::Null) => {
                self.hashing.single_hash = SingleHash::Listed(BTreeSet::new());
            }
            Some(value) => {
                let names = value.as_array().and_then(|items| {
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
                });
                match names.and_then(|names: Vec<_>| schemes(&names)) {
                    Some(listed) => self.hashing.single_hash = SingleHash::Listed(listed),
                    None => {
                        keys.wrong("SECURITY_PASSWORD_SINGLE_HASH", "write true, false or names")
                    }
                }
            }
        }
        keys.number("SECURITY_PASSWORD_LENGTH_MIN", &mut self.password.min_length);
        self.read_password_rules(keys);
    }

    fn read_password_rules(&mut self, keys: &mut FlaskKeys) {
        let mut checker = None;
        keys.optional_text("SECURITY_PASSWORD_COMPLEXITY_CHECKER", &mut checker);
        match checker.as_deref() {
            None => {}
            Some("zxcvbn") => self.password.complexity = Some(Zxcvbn { min_score: 3 }),
            Some(_) => {
                keys.wrong("SECURITY_PASSWORD_COMPLEXITY_CHECKER", "write \"zxcvbn\" or null")
            }
        }
        let mut threshold = 1;
        keys.number("SECURITY_PASSWORD_BREACHED_COUNT", &mut threshold);
        let threshold = u32::try_from(threshold).unwrap_or(u32::MAX);
        match keys.take("SECURITY_PASSWORD_CHECK_BREACHED") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::String(text)) if text == "strict" => {
                self.password.breached = Some(BreachRule { strict: true, threshold });
            }
            Some(_) => self.password.breached = Some(BreachRule { strict: false, threshold }),
        }
        let mut form = Some("NFKD".to_owned());
        keys.optional_text("SECURITY_PASSWORD_NORMALIZE_FORM", &mut form);
        match form.as_deref() {
            None => self.password.normalise = None,
            Some("NFC") => self.password.normalise = Some(Normalisation::Nfc),
            Some("NFD") => self.password.normalise = Some(Normalisation::Nfd),
            Some("NFKC") => self.password.normalise = Some(Normalisation::Nfkc),
            Some("NFKD") => self.password.normalise = Some(Normalisation::Nfkd),
            Some(_) => keys.wrong("SECURITY_PASSWORD_NORMALIZE_FORM", NORMAL_FORMS),
        }
    }
}

/// passlib's default number of rounds for Argon2.
const PASSLIB_ROUNDS: u32 = 3;
const OPTIONS: &str = "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS";
const OLD_OPTIONS: &str = "SECURITY_PASSWORD_HASH_OPTIONS";

/// Returns the cost parameters of hashing by passlib's names (`argon2__rounds`). Options of schemes
/// that are not used for new hashes are left out.
fn costs(keys: &mut FlaskKeys) -> BTreeMap<String, u32> {
    let mut options = Vec::new();
    match keys.take(OLD_OPTIONS) {
        None | Some(Value::Null) => {}
        Some(Value::Object(schemes)) => {
            for (scheme, of_scheme) in &schemes {
                for (name, value) in of_scheme.as_object().into_iter().flatten() {
                    options.push((OLD_OPTIONS, format!("{scheme}__{name}"), value.clone()));
                }
            }
        }
        Some(_) => keys.wrong(OLD_OPTIONS, "write an object of schemes and their options"),
    }
    match keys.take(OPTIONS) {
        // Flask-Security's own default.
        None => options.push((OPTIONS, "argon2__rounds".to_owned(), 10.into())),
        Some(Value::Null) => {}
        Some(Value::Object(all)) => {
            options.extend(all.into_iter().map(|(name, value)| (OPTIONS, name, value)));
        }
        Some(_) => keys.wrong(OPTIONS, "write an object, as in {\"argon2__rounds\": 10}"),
    }
    let mut found = BTreeMap::new();
    for (key, name, value) in options {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        // passlib has several names for it.
        let name = match name.as_str() {
            "argon2__time_cost" | "argon2__default_rounds" => "argon2__rounds".to_owned(),
            "bcrypt__default_rounds" => "bcrypt__rounds".to_owned(),
            _ => name,
        };
        match (name.as_str(), number) {
            (
                "argon2__rounds" | "argon2__memory_cost" | "argon2__parallelism" | "bcrypt__rounds",
                Some(number),
            ) => drop(found.insert(name, number)),
            ("argon2__type", _)
                if value.as_str().is_some_and(|of| of.eq_ignore_ascii_case("id")) => {}
            ("bcrypt__ident", _) if value == "2b" => {}
            (name, _) if name.starts_with("argon2__") || name.starts_with("bcrypt__") => {
                let what = "rounds, memory_cost and parallelism of argon2 and rounds of bcrypt are \
                            read, as numbers";
                keys.wrong(key, format!("{name}: {what}; leave it out"));
            }
            _ => {}
        }
    }
    found
}

fn schemes(names: &[String]) -> Option<BTreeSet<Scheme>> {
    names
        .iter()
        .filter(|name| !NEVER_MATCH.contains(&name.as_str()))
        .map(|name| Scheme::from_passlib_name(name).ok())
        .collect()
}
