//! Reads Flask-Security's configuration keys into a [`Config`].

use serde_json::Value;

use super::{
    Config, Confirmation, Disclosure, FlaskKeys, Freshness, PasswordChange, Recovery, Registration,
};
use crate::identity::{IdentityAttribute, IdentityRule, NormalForm};
use crate::message::{Category, MessageKey};
use crate::secret::Secret;

const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);
const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

impl Config {
    /// Reads Flask-Security's keys on top of [`Config::flask_security_4`]. Keys that concern only
    /// HTTP are left for `fs-http`. After the last reader, call [`FlaskKeys::finish`] for the
    /// mistakes.
    pub fn from_flask(keys: &mut FlaskKeys) -> Self {
        let mut config = Self::flask_security_4();
        config.read_keys(keys);
        config.read_identities(keys);
        config.read_passwords(keys);
        config.read_features(keys);
        config.read_factors(keys);
        config.read_sessions(keys);
        config.read_mails(keys);
        config.read_messages(keys);
        config
    }

    fn read_keys(&mut self, keys: &mut FlaskKeys) {
        let mut all = Vec::new();
        match keys.take("SECRET_KEY") {
            Some(Value::String(key)) if !key.is_empty() => all.push(Secret::from(key)),
            None => {}
            Some(_) => keys.wrong("SECRET_KEY", "write a text, not an empty one"),
        }
        let older = keys.texts("SECRET_KEY_FALLBACKS").unwrap_or_default();
        all.extend(older.into_iter().map(Secret::from));
        self.signing_keys = all;
        for (key, salt) in [
            ("SECURITY_REMEMBER_SALT", &mut self.salts.auth),
            ("SECURITY_CONFIRM_SALT", &mut self.salts.confirm),
            ("SECURITY_RESET_SALT", &mut self.salts.reset),
            ("SECURITY_LOGIN_SALT", &mut self.salts.sign_in_link),
            ("SECURITY_US_SETUP_SALT", &mut self.salts.setup_state),
            ("SECURITY_TWO_FACTOR_VALIDITY_SALT", &mut self.salts.device),
        ] {
            keys.text(key, salt);
        }
    }

    fn read_identities(&mut self, keys: &mut FlaskKeys) {
        let args = keys.take("SECURITY_EMAIL_VALIDATOR_ARGS").filter(|args| !args.is_null());
        if args.as_ref().is_some_and(|args| !args.is_object()) {
            keys.wrong("SECURITY_EMAIL_VALIDATOR_ARGS", "write an object, or null");
        }
        if let Some(Value::Object(args)) = args {
            for (name, value) in args {
                match (name.as_str(), value) {
                    ("test_environment", Value::Bool(on)) => {
                        self.identities.email.allow_test_domains = on;
                    }
                    ("allow_smtputf8", Value::Bool(on)) => {
                        self.identities.email.allow_unicode_local = on;
                    }
                    // What is done here anyway.
                    (
                        "check_deliverability"
                        | "allow_empty_local"
                        | "allow_quoted_local"
                        | "allow_domain_literal"
                        | "allow_display_name",
                        Value::Bool(false),
                    )
                    | ("globally_deliverable", Value::Bool(true)) => {}
                    (name, _) => keys.wrong(
                        "SECURITY_EMAIL_VALIDATOR_ARGS",
                        format!(
                            "{name} is not read as it is set; allow_smtputf8 and test_environment \
                             are, true or false. Leave it out, or write a ReadEmail"
                        ),
                    ),
                }
            }
        }
        let mut region = String::new();
        keys.text("SECURITY_PHONE_REGION_DEFAULT", &mut region);
        if !region.is_empty() {
            match region.parse() {
                Ok(region) => self.identities.region = region,
                Err(_) => keys.wrong(
                    "SECURITY_PHONE_REGION_DEFAULT",
                    "write a country's two letters, as in \"US\"",
                ),
            }
        }
        if let Some(value) = keys.take("SECURITY_USER_IDENTITY_ATTRIBUTES") {
            match identity_rules(&value) {
                Some(order) => self.identities.order = order,
                None => keys.wrong(
                    "SECURITY_USER_IDENTITY_ATTRIBUTES",
                    "write a list with one attribute an entry, as in [{\"email\": {\"mapper\": \
                     \"email\", \"case_insensitive\": true}}]",
                ),
            }
        }
        keys.bool("SECURITY_USERNAME_ENABLE", &mut self.usernames);
        let rules = &mut self.identities.username;
        keys.bool("SECURITY_USERNAME_REQUIRED", &mut rules.required);
        keys.number("SECURITY_USERNAME_MIN_LENGTH", &mut rules.min);
        keys.number("SECURITY_USERNAME_MAX_LENGTH", &mut rules.max);
        let mut form = String::new();
        keys.text("SECURITY_USERNAME_NORMALIZE_FORM", &mut form);
        match form.as_str() {
            "" => {}
            "NFC" => rules.form = NormalForm::Nfc,
            "NFD" => rules.form = NormalForm::Nfd,
            "NFKC" => rules.form = NormalForm::Nfkc,
            "NFKD" => rules.form = NormalForm::Nfkd,
            _ => keys.wrong("SECURITY_USERNAME_NORMALIZE_FORM", NORMAL_FORMS),
        }
        let named = |rule: &IdentityRule| rule.attribute == IdentityAttribute::Username;
        if self.usernames && !self.identities.order.iter().any(named) {
            let attribute = IdentityAttribute::Username;
            self.identities.order.push(IdentityRule { attribute, ignore_case: true });
        }
    }

    fn read_features(&mut self, keys: &mut FlaskKeys) {
        let on = |keys: &mut FlaskKeys, key: &str| {
            let mut on = false;
            keys.bool(key, &mut on);
            on
        };
        let mut registration = Registration { send_welcome: true, fields: Vec::new() };
        keys.bool("SECURITY_SEND_REGISTER_EMAIL", &mut registration.send_welcome);
        self.registration = on(keys, "SECURITY_REGISTERABLE").then_some(registration);

        let mut confirmation = Confirmation {
            within: 5 * DAY,
            sign_in_after: true,
            sign_in_without: false,
            asks_for_password: false,
        };
        keys.duration("SECURITY_CONFIRM_EMAIL_WITHIN", &mut confirmation.within);
        keys.bool("SECURITY_AUTO_LOGIN_AFTER_CONFIRM", &mut confirmation.sign_in_after);
        keys.bool("SECURITY_LOGIN_WITHOUT_CONFIRMATION", &mut confirmation.sign_in_without);
        self.confirmation = on(keys, "SECURITY_CONFIRMABLE").then_some(confirmation);

        let mut recovery = Recovery {
            within: 5 * DAY,
            send_instructions: true,
            send_notice: true,
            sign_in_after: true,
            confirms: false,
            undo_within: None,
        };
        keys.duration("SECURITY_RESET_PASSWORD_WITHIN", &mut recovery.within);
        keys.bool("SECURITY_SEND_PASSWORD_RESET_EMAIL", &mut recovery.send_instructions);
        keys.bool("SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL", &mut recovery.send_notice);
        self.recovery = on(keys, "SECURITY_RECOVERABLE").then_some(recovery);

        let mut change = PasswordChange { send_notice: true, counts_as_sign_in: true };
        keys.bool("SECURITY_SEND_PASSWORD_CHANGE_EMAIL", &mut change.send_notice);
        self.password_change = on(keys, "SECURITY_CHANGEABLE").then_some(change);

        keys.bool("SECURITY_TRACKABLE", &mut self.tracking);
    }

    fn read_sessions(&mut self, keys: &mut FlaskKeys) {
        let mut generic = false;
        keys.bool("SECURITY_RETURN_GENERIC_RESPONSES", &mut generic);
        if generic {
            self.disclosure = Disclosure::Generic;
        }
        keys.duration("PERMANENT_SESSION_LIFETIME", &mut self.sessions.lifetime);
        let mut remember = 365 * DAY;
        keys.duration("REMEMBER_COOKIE_DURATION", &mut remember);
        self.sessions.remember = Some(remember);
        keys.bool("SECURITY_DEFAULT_REMEMBER_ME", &mut self.sessions.remember_by_default);
        let mut freshness = Freshness { within: Some(DAY), grace: HOUR, grace_limit: None };
        keys.optional_duration("SECURITY_FRESHNESS", &mut freshness.within);
        keys.duration("SECURITY_FRESHNESS_GRACE_PERIOD", &mut freshness.grace);
        self.freshness = freshness;
        keys.optional_duration("SECURITY_TOKEN_MAX_AGE", &mut self.auth_tokens.max_age);
    }

    fn read_mails(&mut self, keys: &mut FlaskKeys) {
        // Flask-Mail's is the default.
        for key in ["MAIL_DEFAULT_SENDER", "SECURITY_EMAIL_SENDER"] {
            match keys.take(key) {
                None | Some(Value::Null) => {}
                Some(value) => match sender(&value) {
                    Some(sender) => self.mail.from = sender,
                    None => keys.wrong(key, "write an address, or [name, address]"),
                },
            }
        }
        keys.bool("SECURITY_EMAIL_PLAINTEXT", &mut self.mail.text);
        keys.bool("SECURITY_EMAIL_HTML", &mut self.mail.html);
        for (key, template) in [
            ("SECURITY_EMAIL_SUBJECT_REGISTER", "welcome"),
            ("SECURITY_EMAIL_SUBJECT_CONFIRM", "confirmation_instructions"),
            ("SECURITY_EMAIL_SUBJECT_PASSWORD_RESET", "reset_instructions"),
            ("SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE", "reset_notice"),
            ("SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE", "change_notice"),
            ("SECURITY_EMAIL_SUBJECT_PASSWORDLESS", "login_instructions"),
            ("SECURITY_EMAIL_SUBJECT_TWO_FACTOR", "two_factor_instructions"),
            ("SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE", "two_factor_rescue"),
            ("SECURITY_US_EMAIL_SUBJECT", "us_instructions"),
        ] {
            let mut subject = String::new();
            keys.text(key, &mut subject);
            if !subject.is_empty() {
                self.mail.subjects.insert(template.to_owned(), subject);
            }
        }
    }

    fn read_messages(&mut self, keys: &mut FlaskKeys) {
        for (name, value) in keys.take_prefixed("SECURITY_MSG_") {
            let key = format!("SECURITY_MSG_{name}");
            let Ok(message) = name.parse::<MessageKey>() else {
                keys.wrong(&key, "there is no such message");
                continue;
            };
            let pair = value.as_array().map(Vec::as_slice);
            match pair {
                Some([Value::String(text), Value::String(category)]) => {
                    match category.parse::<Category>() {
                        Ok(category) => self.messages.set(message, text, category),
                        Err(_) => keys.wrong(&key, "write \"info\", \"success\" or \"error\""),
                    }
                }
                _ => keys.wrong(&key, "write a text and a category, as in [\"Hello\", \"info\"]"),
            }
        }
    }
}

pub(super) const NORMAL_FORMS: &str = "write \"NFC\", \"NFD\", \"NFKC\" or \"NFKD\"";

fn identity_rules(value: &Value) -> Option<Vec<IdentityRule>> {
    let entries = value.as_array()?;
    entries
        .iter()
        .map(|entry| {
            let entry = entry.as_object().filter(|entry| entry.len() == 1)?;
            let (name, details) = entry.iter().next()?;
            let attribute = match name.as_str() {
                "email" => IdentityAttribute::Email,
                "username" => IdentityAttribute::Username,
                "us_phone_number" => IdentityAttribute::Phone,
                _ => return None,
            };
            let ignore_case = details.get("case_insensitive").and_then(Value::as_bool);
            Some(IdentityRule { attribute, ignore_case: ignore_case.unwrap_or(false) })
        })
        .collect()
}

/// Returns the sender of mails: an address, or a name with an address.
fn sender(value: &Value) -> Option<String> {
    if let Value::String(address) = value {
        return Some(address.clone());
    }
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::String(address)]) => {
            Some(format!("\"{}\" <{address}>", name.replace(['"', '\\'], "")))
        }
        _ => None,
    }
}
