//! What fs says to people: keys, severities and texts.
//!
//! Flows answer with a [`Message`]: a [`MessageKey`] and the values that belong to it. The words are
//! in a [`Catalogue`], which the application can change. Keys and severities are those of
//! Flask-Security 4.1, the default texts are our own.
//!
//! ```
//! use fs_core::message::{Catalogue, Category, Message, MessageKey};
//!
//! let message = Message::new(MessageKey::ConfirmRegistration).with("email", "ann@example.com");
//! let mut texts = Catalogue::default();
//! assert!(texts.text(&message).contains("ann@example.com"));
//!
//! texts.set(MessageKey::ConfirmRegistration, "Ask %(email)s for the link.", Category::Info);
//! assert_eq!(texts.text(&message), "Ask ann@example.com for the link.");
//! ```

mod catalogue;
mod key;

pub use catalogue::Catalogue;
pub use key::{MessageKey, UnknownMessageKey};

use serde::{Deserialize, Serialize};

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Worth knowing.
    Info,
    /// What was asked for is done.
    Success,
    /// What was asked for is not done.
    Error,
}

impl Category {
    /// The name on the wire: `info`, `success` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Error => "error",
        }
    }

    /// The category of that name, if there is one.
    ///
    /// ```
    /// use fs_core::message::Category;
    ///
    /// assert_eq!(Category::from_name("success"), Some(Category::Success));
    /// assert_eq!(Category::from_name("warning"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "info" => Some(Self::Info),
            "success" => Some(Self::Success),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

/// Something to say, without its words. [`Catalogue::text`] gives the words.
///
/// `Debug` shows the names of the values but not the values: one of them can be a sign-in code.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What is said.
    pub key: MessageKey,
    /// Values for the placeholders of the text, by name.
    pub args: Vec<(&'static str, String)>,
    /// Words of the application's own in place of the catalogue's.
    pub words: Option<String>,
}

impl Message {
    /// A message without values.
    pub const fn new(key: MessageKey) -> Self {
        Self { key, args: Vec::new(), words: None }
    }

    /// Words that are not in the catalogue, such as what an application's own check of a field has
    /// to say.
    pub fn words(words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..Self::new(MessageKey::InvalidInput) }
    }

    /// The same message with one more value. [`MessageKey`] tells which values a key has.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }
}

impl From<MessageKey> for Message {
    fn from(key: MessageKey) -> Self {
        Self::new(key)
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.args.iter().map(|(name, _)| name).collect();
        f.debug_struct("Message").field("key", &self.key).field("args", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_values() {
        let shown = format!("{:?}", Message::new(MessageKey::UseCode).with("code", 123_456));
        assert_eq!(shown, r#"Message { key: UseCode, args: ["code"] }"#);
    }

    #[test]
    fn category_names_go_both_ways() {
        for category in [Category::Info, Category::Success, Category::Error] {
            assert_eq!(Category::from_name(category.as_str()), Some(category));
            let json = serde_json::to_string(&category).unwrap();
            assert_eq!(json, format!("\"{}\"", category.as_str()));
        }
    }
}
