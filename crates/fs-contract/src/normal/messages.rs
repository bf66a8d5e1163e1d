//! Message keys. In a run of the contract every message is configured to be its own key, so answers
//! contain keys.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Texts of Flask-WTF and WTForms, which have no key of Flask-Security.
const FOREIGN: [(&str, &str); 11] = [
    ("The CSRF token is missing.", "CSRF_TOKEN_MISSING"),
    ("The CSRF session token is missing.", "CSRF_SESSION_TOKEN_MISSING"),
    ("The CSRF token has expired.", "CSRF_TOKEN_EXPIRED"),
    ("The CSRF token is invalid.", "CSRF_TOKEN_INVALID"),
    ("The CSRF tokens do not match.", "CSRF_TOKENS_DO_NOT_MATCH"),
    ("The referrer header is missing.", "CSRF_REFERRER_MISSING"),
    ("The referrer does not match the host.", "CSRF_REFERRER_MISMATCH"),
    ("This field is required.", "FIELD_REQUIRED"),
    ("Not a valid choice.", "INVALID_CHOICE"),
    ("Not a valid choice", "INVALID_CHOICE"),
    ("Invalid Choice: could not coerce.", "INVALID_CHOICE"),
];

/// Message keys that a run knows.
#[derive(Debug)]
pub(super) struct Messages {
    keys: BTreeSet<String>,
}

impl Messages {
    /// Collects the message keys of the configuration, and the foreign ones.
    pub(super) fn of(config: &Map<String, Value>) -> Self {
        let own = config.keys().filter_map(|key| key.strip_prefix("SECURITY_MSG_"));
        let keys = own.chain(FOREIGN.map(|(_, key)| key)).map(str::to_owned).collect();
        Self { keys }
    }

    /// Returns the key of a foreign text, or the text itself.
    pub(super) fn text<'a>(&self, value: &'a str) -> &'a str {
        let trimmed = value.trim();
        FOREIGN.iter().find(|(text, _)| *text == trimmed).map_or(value, |(_, key)| key)
    }

    /// Returns the keys in one piece of a page's text. A key that stands alone is returned with its
    /// arguments.
    pub(super) fn within(&self, text: &str) -> Vec<String> {
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let value = self.text(&joined);
        if value.split('|').next().is_some_and(|head| self.keys.contains(head)) {
            return vec![value.to_owned()];
        }
        value
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .filter(|word| self.keys.contains(*word))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_alone_with_arguments_and_among_words() {
        let config = json!({"SECURITY_MSG_LOGIN": ["LOGIN", "info"], "SECURITY_URL": "LOGOUT"});
        let messages = Messages::of(config.as_object().unwrap());
        let within = |text| messages.within(text);
        assert_eq!(within("\n LOGIN "), ["LOGIN"]);
        assert_eq!(within("LOGIN|email=a  b"), ["LOGIN|email=a b"]);
        assert_eq!(within("so: (LOGIN), FIELD_REQUIRED!"), ["LOGIN", "FIELD_REQUIRED"]);
        assert_eq!(within("This field\nis required."), ["FIELD_REQUIRED"]);
        assert!(within("LOGIN_NOW LOGOUT xLOGIN").is_empty());
    }
}
