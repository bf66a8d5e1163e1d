//! Fields that an application adds to forms.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ConfigError;
use crate::flow::Problem;
use crate::message::{Message, MessageKey};

/// A field that the application adds to a form.
///
/// Only declared fields are read. The values of
/// [`Registration::fields`](crate::config::Registration::fields) are stored in the user's
/// `attributes`. On other forms they are passed to the application's check and are not stored.
///
/// ```
/// use fs_core::{ExtraField, FieldCheck, InputKind};
///
/// let mut department = ExtraField::new("department", "Department");
/// department.required = true;
/// department.check = Some(FieldCheck::new(|text| match text.starts_with("D-") {
///     true => Ok(()),
///     false => Err("It looks like D-12.".to_owned()),
/// }));
/// let mut terms = ExtraField::new("terms", "I have read the terms");
/// terms.kind = InputKind::Checkbox;
/// terms.required = true;
/// assert!(department.accept(Some(&"D-7".into())).is_ok());
/// assert!(terms.accept(None).is_err());
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ExtraField {
    /// Name in the form, in JSON and among the stored values.
    pub name: String,
    /// Label of the field.
    pub label: String,
    /// Kind of input, which determines the type of the value.
    #[serde(default)]
    pub kind: InputKind,
    /// Whether the field must be filled in, or the checkbox checked.
    #[serde(default)]
    pub required: bool,
    /// Maximum length of a text, in characters.
    #[serde(default = "usual_length")]
    pub max_length: usize,
    /// Additional check by the application. It is code, so a settings file cannot contain it.
    #[serde(skip)]
    pub check: Option<FieldCheck>,
}

/// Kind of input of a field, and the type of its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InputKind {
    /// A line of text. The value is a text.
    #[default]
    Text,
    /// A number. The value is a number, although forms send text.
    Number,
    /// A checkbox. The value is a Boolean, and `false` if the field is missing.
    Checkbox,
    /// A choice of several values. The value is the text of the choice.
    Choice(Vec<FieldChoice>),
    /// A hidden text that a script on the page sets, such as the answer of a CAPTCHA.
    Hidden,
}

/// A choice of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChoice {
    /// Value that the form sends.
    pub value: String,
    /// Label of the choice.
    pub label: String,
}

/// Application's check of the text in a field. It returns `Ok`, or a message for the user that says
/// what is wrong.
///
/// It is called only for a field that is not empty, and neither for checkboxes nor for a value that
/// is not among the choices.
#[derive(Clone)]
pub struct FieldCheck(Arc<Judge>);

type Judge = dyn Fn(&str) -> Result<(), String> + Send + Sync;

impl FieldCheck {
    /// Creates a check. It must not block: call external services in the check of the whole form
    /// instead.
    pub fn new(check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }
}

impl fmt::Debug for FieldCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldCheck(..)")
    }
}

fn usual_length() -> usize {
    200
}

impl ExtraField {
    /// Creates an optional field for a line of text of at most 200 characters.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind: InputKind::Text,
            required: false,
            max_length: usual_length(),
            check: None,
        }
    }

    /// Validates a submitted value and returns it in the type of the field. Texts are not trimmed.
    /// Returns `None` if the value is missing or blank.
    ///
    /// # Errors
    ///
    /// Returns a [`Problem`] with the field's name if the value is invalid.
    pub fn accept(&self, sent: Option<&Value>) -> Result<Option<Value>, Problem> {
        if self.kind == InputKind::Checkbox {
            return self.accept_box(sent);
        }
        let text = match sent {
            None | Some(Value::Null) => Cow::Borrowed(""),
            Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
            Some(Value::Number(number)) if self.kind == InputKind::Number => {
                Cow::Owned(number.to_string())
            }
            Some(_) => return Err(self.problem(MessageKey::InvalidInput)),
        };
        if text.trim().is_empty() {
            return match self.required {
                true => Err(self.problem(MessageKey::FieldRequired)),
                false => Ok(None),
            };
        }
        if text.contains('\0') {
            return Err(self.problem(MessageKey::InvalidInput));
        }
        if text.chars().count() > self.max_length {
            let message = Message::new(MessageKey::TooLong).with("max", self.max_length);
            return Err(self.problem(message));
        }
        let value = self.typed(&text)?;
        match self.check.as_ref().map_or(Ok(()), |check| (check.0)(&text)) {
            Ok(()) => Ok(Some(value)),
            Err(words) => Err(self.problem(Message::words(words))),
        }
    }

    /// Converts a text to the type of the field.
    fn typed(&self, text: &str) -> Result<Value, Problem> {
        match &self.kind {
            InputKind::Choice(choices) if !choices.iter().any(|choice| choice.value == text) => {
                Err(self.problem(MessageKey::InvalidChoice))
            }
            InputKind::Number => {
                let text = text.trim();
                let whole = text.parse::<i64>().map(Value::from).ok();
                let broken = || serde_json::Number::from_f64(text.parse().ok()?).map(Value::from);
                whole.or_else(broken).ok_or_else(|| self.problem(MessageKey::InvalidInput))
            }
            _ => Ok(Value::from(text)),
        }
    }

    fn accept_box(&self, sent: Option<&Value>) -> Result<Option<Value>, Problem> {
        let checked = match sent {
            None | Some(Value::Null) => false,
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => !matches!(text.as_str(), "" | "false"),
            Some(_) => return Err(self.problem(MessageKey::InvalidInput)),
        };
        match self.required && !checked {
            true => Err(self.problem(MessageKey::FieldRequired)),
            false => Ok(Some(checked.into())),
        }
    }

    /// Returns the errors in the list of fields at `path`. `taken` are the names of the form's own
    /// fields.
    pub fn errors(path: &str, fields: &[Self], taken: &[&str]) -> Vec<ConfigError> {
        let mut found = Vec::new();
        let mut wrong = |name: &str, problem: &str, remedy: &str| {
            let error = ConfigError::new(format!("{path}.name"), problem, remedy);
            found.push(error.with_value(format!("{name:?}")));
        };
        for (at, field) in fields.iter().enumerate() {
            let name = field.name.as_str();
            if name.is_empty() || taken.contains(&name) {
                wrong(name, "is a field of the form itself", "choose another name");
            }
            if fields.iter().take(at).any(|before| before.name == name) {
                wrong(name, "is used twice", "give each field a name of its own");
            }
            if field.kind == InputKind::Choice(Vec::new()) {
                wrong(name, "has no choices", "list what can be chosen");
            }
        }
        found
    }

    fn problem(&self, message: impl Into<Message>) -> Problem {
        Problem { field: self.name.clone().into(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepted(field: &ExtraField, sent: Value) -> Result<Option<Value>, MessageKey> {
        field.accept(Some(&sent)).map_err(|problem| {
            assert_eq!(problem.field, field.name);
            problem.message.key
        })
    }

    fn field(kind: InputKind, required: bool) -> ExtraField {
        ExtraField { kind, required, max_length: 5, ..ExtraField::new("extra", "Extra") }
    }

    #[test]
    fn texts_are_held_to_length_and_type() {
        let text = field(InputKind::Text, false);
        assert_eq!(accepted(&text, json!(" ab ")), Ok(Some(json!(" ab "))));
        assert_eq!(accepted(&text, json!("   ")), Ok(None));
        assert_eq!(accepted(&text, json!("ööööö")), Ok(Some(json!("ööööö"))));
        assert_eq!(accepted(&text, json!("abcdef")), Err(MessageKey::TooLong));
        assert_eq!(accepted(&text, json!("a\0")), Err(MessageKey::InvalidInput));
        assert_eq!(accepted(&text, json!(1)), Err(MessageKey::InvalidInput));
        let required = field(InputKind::Hidden, true);
        assert_eq!(accepted(&required, json!(null)), Err(MessageKey::FieldRequired));
    }

    #[test]
    fn numbers_are_numbers_however_they_are_sent() {
        let number = field(InputKind::Number, false);
        for (sent, value) in [
            (json!("12"), json!(12)),
            (json!(-3), json!(-3)),
            (json!(" 1.5"), json!(1.5)),
            (json!(2.5), json!(2.5)),
        ] {
            assert_eq!(accepted(&number, sent), Ok(Some(value)));
        }
        for sent in [json!("x"), json!("NaN"), json!("inf"), json!([1]), json!(true)] {
            assert_eq!(accepted(&number, sent), Err(MessageKey::InvalidInput));
        }
    }

    #[test]
    fn a_required_box_must_be_checked() {
        let terms = field(InputKind::Checkbox, true);
        for sent in [json!(true), json!("y")] {
            assert_eq!(accepted(&terms, sent), Ok(Some(json!(true))));
        }
        for sent in [json!(false), json!(""), json!("false"), json!(null)] {
            assert_eq!(accepted(&terms, sent.clone()), Err(MessageKey::FieldRequired));
            assert_eq!(accepted(&field(InputKind::Checkbox, false), sent), Ok(Some(json!(false))));
        }
        assert_eq!(accepted(&terms, json!({})), Err(MessageKey::InvalidInput));
    }

    #[test]
    fn only_what_is_offered_can_be_chosen() {
        let choice = |value: &str| FieldChoice { value: value.to_owned(), label: value.to_owned() };
        let colour = field(InputKind::Choice(vec![choice("red"), choice("blue")]), false);
        assert_eq!(accepted(&colour, json!("blue")), Ok(Some(json!("blue"))));
        assert_eq!(accepted(&colour, json!("pink")), Err(MessageKey::InvalidChoice));
    }

    #[test]
    fn lists_of_fields_are_checked() {
        let fields = [
            ExtraField::new("email", "Again?"),
            ExtraField::new("a", "A"),
            ExtraField::new("a", "A"),
            field(InputKind::Choice(Vec::new()), false),
        ];
        assert_eq!(ExtraField::errors("fields", &fields, &["email"]).len(), 3);
        assert!(ExtraField::errors("fields", &fields[1..2], &["email"]).is_empty());
    }
}
