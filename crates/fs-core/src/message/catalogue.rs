//! The texts of messages.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fill::fill;
use super::{Category, Message, MessageKey};

/// Text and severity of every message: the defaults, and the replacements of the application.
///
/// A text contains placeholders such as `%(email)s` or `%(min)d`; `%%` is a percent sign. This is
/// the format of Flask-Security's `SECURITY_MSG_…` settings, so their texts can be used unchanged.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    changed: BTreeMap<MessageKey, (String, Category)>,
}

impl Catalogue {
    /// Replaces the text and the severity of a message.
    pub fn set(&mut self, key: MessageKey, text: impl Into<String>, category: Category) {
        self.changed.insert(key, (text.into(), category));
    }

    /// Returns the severity of a message.
    pub fn category(&self, key: MessageKey) -> Category {
        self.changed.get(&key).map_or(key.default_category(), |(_, category)| *category)
    }

    /// Returns the application's text of a message, with its values filled in. `None` if it did not
    /// replace the text.
    pub fn replaced(&self, message: &Message) -> Option<String> {
        let (text, _) = self.changed.get(&message.key).filter(|_| message.words.is_none())?;
        Some(fill(text, &message.args))
    }

    /// Returns the text of a message in English or as the application replaced it, with its values
    /// filled in. [`Config::message`](crate::Config::message) returns it in any language.
    ///
    /// A placeholder without a value is kept as it is written, and so is a percent sign that does
    /// not begin a placeholder. Values are inserted literally. The result is plain text: escape it
    /// for HTML.
    pub fn text(&self, message: &Message) -> String {
        if let Some(words) = &message.words {
            return words.clone();
        }
        let text = self.changed.get(&message.key).map(|(text, _)| text.as_str());
        fill(text.unwrap_or(message.key.default_text()), &message.args)
    }
}

/// Entry of a message in a settings file: its text, or its text and severity.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "write a text, or { text = \"…\", category = \"info\" }")]
enum Changed {
    Text(String),
    Both { text: String, category: Category },
}

impl Serialize for Catalogue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.changed.iter().map(|(key, (text, category))| {
            (key.as_str(), Changed::Both { text: text.clone(), category: *category })
        }))
    }
}

impl<'de> Deserialize<'de> for Catalogue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut catalogue = Self::default();
        for (key, changed) in BTreeMap::<String, Changed>::deserialize(deserializer)? {
            let key: MessageKey = key.parse().map_err(D::Error::custom)?;
            let (text, category) = match changed {
                Changed::Text(text) => (text, key.default_category()),
                Changed::Both { text, category } => (text, category),
            };
            catalogue.set(key, text, category);
        }
        Ok(catalogue)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str, args: &[(&'static str, &str)]) -> String {
        let mut catalogue = Catalogue::default();
        catalogue.set(MessageKey::Login, text, Category::Info);
        let message =
            args.iter().fold(Message::new(MessageKey::Login), |message, (name, value)| {
                message.with(name, value)
            });
        catalogue.text(&message)
    }

    #[test]
    fn fills_placeholders() {
        let args = [("min", "4"), ("max", "32")];
        assert_eq!(filled("%(min)d to %(max)s, %(min)s", &args), "4 to 32, 4");
        assert_eq!(filled("LENGTH|max=%(max)s|min=%(min)s", &args), "LENGTH|max=32|min=4");
    }

    #[test]
    fn leaves_what_it_does_not_know() {
        for text in ["%(other)s", "%(min)x", "%(min", "%()s", "50% off", "%", "(min)s"] {
            assert_eq!(filled(text, &[("min", "4")]), text);
        }
        assert_eq!(filled("100%% of %%(min)s", &[("min", "4")]), "100% of %(min)s");
    }

    #[test]
    fn values_are_not_read_as_text() {
        assert_eq!(filled("%(a)s %(b)s", &[("a", "%(b)s"), ("b", "%(a)s")]), "%(b)s %(a)s");
    }

    #[test]
    fn replaces_text_and_category_of_one_key() {
        let mut catalogue = Catalogue::default();
        assert_eq!(catalogue.category(MessageKey::InvalidPassword), Category::Error);
        catalogue.set(MessageKey::InvalidPassword, "No.", Category::Info);
        assert_eq!(catalogue.category(MessageKey::InvalidPassword), Category::Info);
        assert_eq!(catalogue.text(&MessageKey::InvalidPassword.into()), "No.");
        assert_eq!(catalogue.category(MessageKey::InvalidCode), Category::Error);
        assert_ne!(catalogue.text(&MessageKey::InvalidCode.into()), "No.");
    }

    proptest! {
        #[test]
        fn any_text_with_any_value_ends(text in ".{0,60}|[%()sda]{0,60}", value in ".{0,20}") {
            let long = filled(&text, &[("a", &value), ("d", "%")]);
            prop_assert!(long.len() <= text.len() + text.len() * value.len());
        }
    }
}
