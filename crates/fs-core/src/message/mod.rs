//! Texts for people: messages, pages and mails, in every [`Language`].
//!
//! Flows return a [`Message`]: a [`MessageKey`] with its values. Keys and severities are those of
//! Flask-Security 4.1; the default texts are our own, and the application can change them in a
//! [`Catalogue`]. Pages and mails have keys of their own: [`Label`], [`PageText`], [`StatusText`]
//! and [`MailText`].
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
mod fill;
mod key;
mod label;
mod language;
mod mail_text;
mod page_text;
mod status_text;
mod texts;

pub use catalogue::Catalogue;
pub use key::{MessageKey, UnknownMessageKey};
pub use label::Label;
pub use language::{Language, LanguageError};
pub use mail_text::MailText;
pub use page_text::PageText;
pub use status_text::StatusText;
pub use texts::{English, TextKey};

use std::str::FromStr;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::UnknownName;

/// Severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Category {
    /// For information.
    #[n(0)]
    Info,
    /// The request succeeded.
    #[n(1)]
    Success,
    /// The request failed.
    #[n(2)]
    Error,
}

impl Category {
    /// Returns the name in answers: `info`, `success` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Error => "error",
        }
    }
}

impl FromStr for Category {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let all = [Self::Info, Self::Success, Self::Error];
        all.into_iter().find(|category| category.as_str() == name).ok_or(UnknownName)
    }
}

/// A message to a user, as a key and values. [`Catalogue::text`] returns its text.
///
/// `Debug` shows the names of the values but not the values, one of which can be a sign-in code.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Key of the message.
    pub key: MessageKey,
    /// Values for the placeholders of the text, by name.
    pub args: Vec<(&'static str, String)>,
    /// Text of the application that replaces the text of the catalogue.
    pub words: Option<String>,
}

impl Message {
    /// Creates a message without values.
    pub const fn new(key: MessageKey) -> Self {
        Self { key, args: Vec::new(), words: None }
    }

    /// Creates a message with a text that is not in the catalogue, such as the result of an
    /// application's check of a field.
    pub fn words(words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..Self::new(MessageKey::InvalidInput) }
    }

    /// Adds a value. The documentation of each [`MessageKey`] lists its values.
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
            assert_eq!(category.as_str().parse(), Ok(category));
            let json = serde_json::to_string(&category).unwrap();
            assert_eq!(json, format!("\"{}\"", category.as_str()));
        }
    }
}
