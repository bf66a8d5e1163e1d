//! The forms of our pages, and reading what was typed into them.

use bytes::Bytes;
use fs_core::flow::{FlowError, Problem};
use fs_core::message::{Label, MessageKey, StatusText};
use fs_core::secret::Secret;
use http::Response;
use http::StatusCode;
use serde_json::Value;

use crate::exchange::Exchange;
use crate::fields::{FieldValue, Fields};
use crate::pages::{FieldKind, FieldView, FormView, PageView};

/// Input of a form, which collects the fields of a wrong type.
#[derive(Default)]
pub(crate) struct Typed {
    problems: Vec<Problem>,
}

impl Typed {
    /// Returns a text, which is empty if the field is missing.
    pub(crate) fn text(&mut self, exchange: &Exchange, name: &'static str) -> String {
        self.optional(exchange, name).unwrap_or_default()
    }

    /// Returns a text, or `None` if the field is missing. With strict bodies, a list is a mistake;
    /// Flask-Security takes its first value.
    pub(crate) fn optional(&mut self, exchange: &Exchange, name: &'static str) -> Option<String> {
        if exchange.config().strict_bodies && exchange.request().fields.is_list(name) {
            self.problems.push(Problem::new(name, MessageKey::InvalidInput));
            return None;
        }
        match exchange.request().fields.get(name)? {
            FieldValue::Text(text) => Some(text),
            FieldValue::Other(_) => {
                self.problems.push(Problem::new(name, MessageKey::InvalidInput));
                None
            }
        }
    }

    /// Returns a password, which is empty if the field is missing.
    pub(crate) fn secret(&mut self, exchange: &Exchange, name: &'static str) -> Secret {
        Secret::from(self.text(exchange, name))
    }

    /// Checks whether a box is checked. Returns `None` if the field is missing. With strict bodies,
    /// a value that is neither yes nor no is a mistake.
    pub(crate) fn checked(&mut self, exchange: &Exchange, name: &'static str) -> Option<bool> {
        let fields = &exchange.request().fields;
        let odd = fields.is_list(name)
            || matches!(fields.get(name), Some(FieldValue::Other(Value::Object(_))));
        if odd && exchange.config().strict_bodies {
            self.problems.push(Problem::new(name, MessageKey::InvalidInput));
        }
        exchange.is_checked(name)
    }

    /// Returns the collected problems, if there are any.
    pub(crate) fn finish(self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.problems) }
    }
}

impl Exchange {
    /// Checks whether a box is checked: in a form, if the field is present; in JSON, if it is true.
    pub(crate) fn is_checked(&self, name: &str) -> Option<bool> {
        match self.request().fields.get(name)? {
            FieldValue::Text(text) => Some(!matches!(text.as_str(), "" | "false")),
            FieldValue::Other(Value::Bool(on)) => Some(on),
            FieldValue::Other(Value::Number(number)) => Some(number.as_f64() != Some(0.0)),
            FieldValue::Other(_) => Some(true),
        }
    }

    /// Returns the answer to a body that is too long or, with `strict_bodies`, malformed. It comes
    /// before every other check, on every endpoint.
    pub(crate) fn not_read(&self) -> Option<Response<Bytes>> {
        match &self.request().fields {
            Fields::TooLong => Some(self.failure(StatusCode::PAYLOAD_TOO_LARGE)),
            Fields::TooSlow => self.too_slow(),
            _ if self.config().strict_bodies => self.unreadable(true),
            _ => None,
        }
    }

    /// Returns the answer to a body that did not arrive within the deadline.
    pub(crate) fn too_slow(&self) -> Option<Response<Bytes>> {
        let slow = matches!(self.request().fields, Fields::TooSlow);
        slow.then(|| self.failure(StatusCode::REQUEST_TIMEOUT))
    }

    /// Returns the answer to a body that cannot be read as a form, or `None` if it can.
    ///
    /// `empty` says whether a JSON body of no bytes is as good as an empty object.
    pub(crate) fn unreadable(&self, empty: bool) -> Option<Response<Bytes>> {
        let bad = StatusCode::BAD_REQUEST;
        let words = |text: StatusText| Some(self.refusal_in_words(bad, self.label(text)));
        match &self.request().fields {
            Fields::Malformed(malformed) => words(malformed.text()),
            Fields::EmptyJson if !empty => words(StatusText::BodyEmpty),
            Fields::Json(value) if !is_objectlike(value) => {
                words(crate::fields::Malformed::NotAnObject.text())
            }
            _ => None,
        }
    }

    /// Puts the hidden CSRF field into every form of a page.
    pub(crate) fn put_csrf_fields(&self, page: &mut PageView) -> Result<(), FlowError> {
        if !self.config().csrf.enabled || page.forms.is_empty() {
            return Ok(());
        }
        let field = FieldView::hidden(self.config().csrf.field.as_str(), self.csrf_token()?);
        for form in &mut page.forms {
            form.fields.insert(0, field.clone());
        }
        Ok(())
    }

    /// Completes a form: with the fields that the application added, and what is wrong beside the
    /// fields that it is wrong with; the rest above the form.
    pub(crate) fn mark(&self, form: &mut FormView, problems: &[Problem]) {
        self.add_fields(form);
        if !problems.is_empty() {
            form.fields.iter_mut().for_each(|field| self.fill_in(field));
        }
        for problem in problems {
            let text = self.text(problem.message.clone());
            let field = form
                .fields
                .iter_mut()
                .find(|field| field.name == problem.field && field.kind != FieldKind::Hidden);
            match field {
                Some(field) => field.errors.push(text),
                None => form.errors.push(text),
            }
        }
    }
}

impl Exchange {
    /// Puts back what was typed into a field, but no password and no code.
    fn fill_in(&self, field: &mut FieldView) {
        let Some(FieldValue::Text(typed)) = self.request().fields.get(&field.name) else { return };
        let is_code = field.autocomplete.as_deref() == Some("one-time-code");
        match field.kind {
            FieldKind::Radio => {
                field.choices.iter_mut().for_each(|choice| choice.checked = choice.value == typed);
            }
            FieldKind::Text | FieldKind::Email | FieldKind::Tel | FieldKind::Number
                if field.value.is_empty() && !is_code =>
            {
                field.value = typed;
            }
            _ => {}
        }
    }
}

/// Checks whether a value is an object, or counts as an empty one: null, false, zero, an empty text
/// or list.
fn is_objectlike(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// Returns a field for an address.
///
/// Browsers refuse letters beyond ASCII before the `@` in a field of type `email`.
pub(crate) fn email_field(exchange: &Exchange, value: &str, autofocus: bool) -> FieldView {
    let kind = match exchange.core().config().identities.email.allow_unicode_local {
        true => FieldKind::Text,
        false => FieldKind::Email,
    };
    FieldView {
        value: value.to_owned(),
        autocomplete: Some("email".to_owned()),
        autofocus,
        maxlength: Some(254),
        ..FieldView::new(kind, "email", exchange.label(Label::EmailAddress))
    }
}

/// Returns a field for a password that is known already.
pub(crate) fn current_password(exchange: &Exchange, name: &'static str, label: Label) -> FieldView {
    FieldView {
        autocomplete: Some("current-password".to_owned()),
        ..FieldView::new(FieldKind::Password, name, exchange.label(label))
    }
}

/// Returns a field for a new password.
pub(crate) fn new_password(
    exchange: &Exchange,
    name: &'static str,
    label: Label,
    least: usize,
) -> FieldView {
    FieldView {
        autocomplete: Some("new-password".to_owned()),
        hint: Some(exchange.text_with(Label::NewPasswordHint, &[("min", least.to_string())])),
        minlength: Some(least),
        ..FieldView::new(FieldKind::Password, name, exchange.label(label))
    }
}

/// Returns the field for a new password typed again.
pub(crate) fn repeated_password(exchange: &Exchange, name: &'static str) -> FieldView {
    FieldView {
        autocomplete: Some("new-password".to_owned()),
        ..FieldView::new(FieldKind::Password, name, exchange.label(Label::NewPasswordAgain))
    }
}
