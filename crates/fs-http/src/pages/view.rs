//! Contents of a page, before it is rendered.
//!
//! These types have no `Debug`: they hold CSRF tokens, and the paths of links that reset passwords.

use fs_core::message::{Catalogue, Category, Message};
use serde::Serialize;
use serde_json::{Map, Value};

/// Contents of a page.
#[derive(Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct PageView {
    /// Name of the template, such as `security/login_user.html`.
    pub template: String,
    /// Title of the window, without the product's name.
    pub title: String,
    /// Heading of the page.
    pub heading: String,
    /// Forms, in order.
    pub forms: Vec<FormView>,
    /// Messages at the top of the page.
    pub flashes: Vec<FlashView>,
    /// Links at the bottom of the page.
    pub links: Vec<LinkView>,
    /// Nonce of the style, as in the response's `Content-Security-Policy`. It is new for each
    /// response.
    pub nonce: String,
    /// Additional variables for the template. They cannot replace the fields above.
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl PageView {
    /// Creates a page with only a title and a heading of the same text.
    pub fn new(template: impl Into<String>, title: impl Into<String>) -> Self {
        let title = title.into();
        Self { template: template.into(), heading: title.clone(), title, ..Self::default() }
    }

    /// Creates a page that shows a text. `extra` may contain the next step as `advice`, and an
    /// `icon`: `mail` or `done`.
    pub fn notice(title: impl Into<String>, text: impl Into<String>) -> Self {
        let mut page = Self::new("security/notice.html", title);
        page.extra.insert("text".to_owned(), Value::String(text.into()));
        page
    }
}

/// A message at the top of a page.
#[derive(Clone, PartialEq, Serialize)]
pub struct FlashView {
    /// Severity of the message.
    pub category: Category,
    /// Text of the message, as plain text.
    pub text: String,
}

impl FlashView {
    /// Creates the message with its text from the catalogue.
    pub fn new(catalogue: &Catalogue, message: &Message) -> Self {
        Self { category: catalogue.category(message.key), text: catalogue.text(message) }
    }
}

/// A link.
#[derive(Clone, PartialEq, Serialize)]
pub struct LinkView {
    /// Target: a path or URL. Never use one from a request unchecked: `javascript:` is a URL too.
    pub href: String,
    /// Text of the link.
    pub text: String,
}

/// A form.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FormView {
    /// Name of the form in the page, such as `login_user_form`. The `id` of a field is this name, a
    /// hyphen and the name of the field.
    pub name: String,
    /// Path to which the form is sent.
    pub action: String,
    /// Method by which the form is sent.
    pub method: FormMethod,
    /// Label of the button. If empty, there is no button.
    pub submit: String,
    /// Fields, in order. Hidden ones can be anywhere.
    pub fields: Vec<FieldView>,
    /// Further buttons, below the first.
    pub buttons: Vec<ButtonView>,
    /// Errors of the form as a whole.
    pub errors: Vec<String>,
}

impl FormView {
    /// Creates a form that is sent by POST, without fields.
    pub fn new(
        name: impl Into<String>,
        action: impl Into<String>,
        submit: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            action: action.into(),
            method: FormMethod::Post,
            submit: submit.into(),
            fields: Vec::new(),
            buttons: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// An additional button of a form, which sends it to another path. The browser then does not check
/// for empty required fields, since they may not matter there.
#[derive(Clone, PartialEq, Serialize)]
pub struct ButtonView {
    /// Label of the button.
    pub text: String,
    /// Name of the submitted value, if there is one. The value is empty.
    pub name: Option<String>,
    /// Path to which the button sends the form.
    pub formaction: String,
}

/// Method by which a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FormMethod {
    /// GET, for queries.
    Get,
    /// POST, for everything that changes something or is secret.
    Post,
}

/// A field of a form.
#[derive(Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct FieldView {
    /// Name of the submitted value.
    pub name: String,
    /// Label on the page. It is not shown for hidden fields.
    pub label: String,
    /// Kind of input.
    pub kind: FieldKind,
    /// Value of the field. It is never shown in a password field. For a checkbox, the value that is
    /// sent if it is checked (`y` if empty).
    pub value: String,
    /// Whether a checkbox is checked.
    pub checked: bool,
    /// Whether the field must be filled in.
    pub required: bool,
    /// Value that browsers and password managers may fill in, as in HTML's `autocomplete`:
    /// `username`, `email`, `current-password`, `new-password`, `one-time-code`, …
    pub autocomplete: Option<String>,
    /// Whether the field has the focus first. A field with an error takes precedence.
    pub autofocus: bool,
    /// Help text.
    pub hint: Option<String>,
    /// Link beside the label, such as to the page for forgotten passwords.
    pub hint_link: Option<LinkView>,
    /// Errors of the value.
    pub errors: Vec<String>,
    /// Choices, only for [`FieldKind::Radio`].
    pub choices: Vec<ChoiceView>,
    /// Minimum number of characters.
    pub minlength: Option<usize>,
    /// Maximum number of characters.
    pub maxlength: Option<usize>,
}

impl FieldView {
    /// Creates a required field without a value.
    pub fn new(kind: FieldKind, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            required: !matches!(kind, FieldKind::Hidden | FieldKind::Checkbox),
            ..Self::default()
        }
    }

    /// Creates a hidden field.
    pub fn hidden(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::new(FieldKind::Hidden, name, "") }
    }
}

/// Kind of input of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FieldKind {
    /// Any text of one line.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// A password: not readable, and never sent to the browser.
    Password,
    /// A phone number.
    Tel,
    /// A checkbox.
    Checkbox,
    /// A hidden value that is sent back unchanged.
    Hidden,
    /// A choice of several values.
    Radio,
    /// A number.
    Number,
}

/// A choice of a field.
#[derive(Clone, PartialEq, Serialize)]
pub struct ChoiceView {
    /// Value that is sent.
    pub value: String,
    /// Label of the choice.
    pub label: String,
    /// Whether it is selected.
    pub checked: bool,
}
