//! Fields and checks that the application adds to forms of the library.

use async_trait::async_trait;
use fs_core::flow::Problem;
use fs_core::{ExtraField, InputKind};
use serde_json::{Map, Value};

use crate::exchange::Exchange;
use crate::form::FormName;
use crate::pages::{ChoiceView, FieldKind, FieldView, FormView};

/// Check of a whole form by the application, such as a CAPTCHA that a service must confirm, an
/// invitation in the database, or mail addresses of one company.
///
/// It is called after the CSRF token and the declared fields were found valid, and before anything
/// else. No account is looked up yet, so its result does not depend on whether an account exists.
/// If it finds a problem, nothing is changed.
///
/// ```
/// use async_trait::async_trait;
/// use fs_core::flow::Problem;
/// use fs_core::message::Message;
/// use fs_http::{Exchange, FormCheck, FormName};
/// use serde_json::{Map, Value};
///
/// struct Invited;
///
/// #[async_trait]
/// impl FormCheck for Invited {
///     async fn check(
///         &self,
///         _: &Exchange,
///         form: FormName,
///         values: &Map<String, Value>,
///     ) -> Vec<Problem> {
///         // A real one would ask its database.
///         if form != FormName::Register || values.get("invitation") == Some(&"otter".into()) {
///             return Vec::new();
///         }
///         vec![Problem::new("invitation", Message::words("This invitation is not ours."))]
///     }
/// }
/// ```
#[async_trait]
pub trait FormCheck: Send + Sync {
    /// Returns the problems of a form. An empty list accepts the form.
    ///
    /// `values` are those of [`HttpConfig::form_fields`](crate::HttpConfig::form_fields): texts,
    /// numbers and Booleans. The form's own fields, including passwords, are in
    /// [`Exchange::request`](crate::Exchange::request): do not log them. To keep a value, store it
    /// in the session ([`Exchange::with_session`](crate::Exchange::with_session)) or in the
    /// application's own store.
    async fn check(
        &self,
        exchange: &Exchange,
        form: FormName,
        values: &Map<String, Value>,
    ) -> Vec<Problem>;
}

impl Exchange {
    /// Returns the valid values of the fields that the application added to a form, for templates
    /// and checks.
    pub fn form_values(&self, form: FormName) -> Map<String, Value> {
        self.read_added(form).0
    }

    /// Returns the problems that the application finds in a form.
    pub(crate) async fn added_problems(&self, form: FormName) -> Vec<Problem> {
        let (values, problems) = self.read_added(form);
        match problems.is_empty() {
            true => self.extension().check_form(self, form, &values).await,
            false => problems,
        }
    }

    fn read_added(&self, form: FormName) -> (Map<String, Value>, Vec<Problem>) {
        let (mut values, mut problems) = (Map::new(), Vec::new());
        for field in self.config().form_fields.get(&form).into_iter().flatten() {
            match field.accept(self.request().fields.value(&field.name).as_ref()) {
                Ok(Some(value)) => drop(values.insert(field.name.clone(), value)),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        (values, problems)
    }

    /// Appends the fields that the application added to a form.
    pub(crate) fn add_fields(&self, form: &mut FormView) {
        let fields = self.config().form_fields.iter();
        let added = fields.filter(|(name, _)| name.as_str() == form.name);
        form.fields.extend(added.flat_map(|(_, fields)| fields).map(|field| self.shown(field)));
    }

    /// Returns a declared field with its submitted value.
    pub(crate) fn shown(&self, field: &ExtraField) -> FieldView {
        let sent = match self.request().is_unsafe() {
            true => self.request().fields.value(&field.name),
            false => None,
        };
        let text = match &sent {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let mut view = FieldView::new(FieldKind::Text, field.name.as_str(), field.label.as_str());
        view.required = field.required;
        view.value = text;
        match &field.kind {
            InputKind::Number => view.kind = FieldKind::Number,
            InputKind::Hidden => view.kind = FieldKind::Hidden,
            InputKind::Checkbox => {
                view.kind = FieldKind::Checkbox;
                view.checked = self.is_checked(&field.name).unwrap_or(false);
                view.value = String::new();
            }
            InputKind::Choice(choices) => {
                view.kind = FieldKind::Radio;
                let chosen = std::mem::take(&mut view.value);
                let choices = choices.iter().map(|choice| ChoiceView {
                    value: choice.value.clone(),
                    label: choice.label.clone(),
                    checked: choice.value == chosen,
                });
                view.choices = choices.collect();
            }
            _ => view.maxlength = Some(field.max_length),
        }
        view
    }
}
