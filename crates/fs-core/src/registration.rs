//! What a registration may bring besides address and password.

use serde_json::Value;

use crate::flow::Problem;
use crate::message::{Message, MessageKey};

/// Judges a value that is there: nothing, or what is wrong with it, in words for people.
pub type FieldCheck = fn(&str) -> Result<(), String>;

/// A field that the application adds to registration. Its value ends up in the user's `attributes`.
///
/// Only declared fields are accepted: whatever else a form sends is not stored.
#[derive(Clone, Debug)]
pub struct ExtraField {
    /// Its name in the form, in JSON and in the attributes.
    pub name: String,
    /// What people read beside it.
    pub label: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// How many characters it takes at most.
    pub max_length: usize,
    /// A check of the application's own.
    pub check: Option<FieldCheck>,
}

impl ExtraField {
    /// The value to store, judged: a text, trimmed of nothing; absent or blank is nothing.
    pub(crate) fn accept(&self, value: Option<&Value>) -> Result<Option<Value>, Problem> {
        let text = match value {
            None | Some(Value::Null) => "",
            Some(Value::String(text)) => text,
            Some(_) => return Err(self.problem(MessageKey::InvalidInput)),
        };
        if text.trim().is_empty() {
            return match self.required {
                true => Err(self.problem(MessageKey::FieldRequired)),
                false => Ok(None),
            };
        }
        if text.chars().count() > self.max_length || text.contains('\0') {
            return Err(self.problem(MessageKey::InvalidInput));
        }
        match self.check.map_or(Ok(()), |check| check(text)) {
            Ok(()) => Ok(Some(Value::from(text))),
            Err(words) => Err(self.problem(Message::words(words))),
        }
    }

    fn problem(&self, message: impl Into<Message>) -> Problem {
        Problem { field: self.name.clone().into(), message: message.into() }
    }
}
