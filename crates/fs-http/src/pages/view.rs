//! What a page shows, before it is HTML.
//!
//! These types have no `Debug`: they hold CSRF tokens, and the paths of links that reset passwords.

use fs_core::message::{Catalogue, Category, Message};
use serde::Serialize;
use serde_json::{Map, Value};

/// A page.
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct PageView {
    /// The name of its template, such as `security/login_user.html`.
    pub template: String,
    /// The title of the window, without the product's name.
    pub title: String,
    /// The heading on the page.
    pub heading: String,
    /// Its forms, in their order.
    pub forms: Vec<FormView>,
    /// Messages at the top.
    pub flashes: Vec<FlashView>,
    /// Links at the bottom.
    pub links: Vec<LinkView>,
    /// The nonce of the style, as in the response's `Content-Security-Policy`. New for each response.
    pub nonce: String,
    /// More variables for the template. They cannot hide the fields above.
    #[serde(skip)]
    pub extra: Map<String, Value>,
}

impl PageView {
    /// A page without anything on it but a title and a heading of the same words.
    pub fn new(template: impl Into<String>, title: impl Into<String>) -> Self {
        let title = title.into();
        Self { template: template.into(), heading: title.clone(), title, ..Self::default() }
    }

    /// A page that only tells something. What to do next can be in `extra` as `advice`, and an
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
    /// How serious it is.
    pub category: Category,
    /// What it says, as plain text.
    pub text: String,
}

impl FlashView {
    /// A message in the words of the catalogue.
    pub fn new(catalogue: &Catalogue, message: &Message) -> Self {
        Self { category: catalogue.category(message.key), text: catalogue.text(message) }
    }
}

/// A link.
#[derive(Clone, PartialEq, Serialize)]
pub struct LinkView {
    /// Where to: a path or URL. Never take one from a request unchecked: `javascript:` is a URL too.
    pub href: String,
    /// What it says.
    pub text: String,
}

/// A form.
#[derive(Clone, PartialEq, Serialize)]
pub struct FormView {
    /// Its name in the page, such as `login_user_form`. The ids of its fields begin with it.
    pub name: String,
    /// Where it is sent: a path.
    pub action: String,
    /// How it is sent.
    pub method: FormMethod,
    /// What its button says. Without words there is no button.
    pub submit: String,
    /// Its fields, in their order. Hidden ones can be anywhere.
    pub fields: Vec<FieldView>,
    /// Further buttons, below the first.
    pub buttons: Vec<ButtonView>,
    /// What is wrong with the form as a whole.
    pub errors: Vec<String>,
}

impl FormView {
    /// A form that is posted, without fields yet.
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

/// A further button of a form, which sends it to another place. The browser does not check then
/// whether everything is filled in: the fields that are left empty may not matter there.
#[derive(Clone, PartialEq, Serialize)]
pub struct ButtonView {
    /// What it says.
    pub text: String,
    /// Its name in what is sent, where there is one; its value is empty.
    pub name: Option<String>,
    /// Where the form is sent by it: a path.
    pub formaction: String,
}

/// How a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FormMethod {
    /// In the address: for questions.
    Get,
    /// In the body: for everything that changes something or is secret.
    Post,
}

/// A field of a form.
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct FieldView {
    /// Its name in what is sent.
    pub name: String,
    /// What it is called on the page; not shown for hidden fields.
    pub label: String,
    /// What can be entered.
    pub kind: FieldKind,
    /// What is in it. Never shown in a password field. For a checkbox, what is sent when it is
    /// checked (`y` when empty).
    pub value: String,
    /// Whether a checkbox is checked.
    pub checked: bool,
    /// Whether it must be filled in.
    pub required: bool,
    /// What browsers and password managers may fill in, in the words of HTML's `autocomplete`:
    /// `username`, `email`, `current-password`, `new-password`, `one-time-code`, …
    pub autocomplete: Option<String>,
    /// Whether the cursor is in it first. A field with an error takes precedence.
    pub autofocus: bool,
    /// A sentence of help.
    pub hint: Option<String>,
    /// A link beside the label, such as to the page for forgotten passwords.
    pub hint_link: Option<LinkView>,
    /// What is wrong with the value.
    pub errors: Vec<String>,
    /// What there is to choose from; only for [`FieldKind::Radio`].
    pub choices: Vec<ChoiceView>,
    /// The least number of characters.
    pub minlength: Option<usize>,
    /// The greatest number of characters.
    pub maxlength: Option<usize>,
}

impl FieldView {
    /// A required field without a value.
    pub fn new(kind: FieldKind, name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            required: !matches!(kind, FieldKind::Hidden | FieldKind::Checkbox),
            ..Self::default()
        }
    }

    /// A hidden field.
    pub fn hidden(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::new(FieldKind::Hidden, name, "") }
    }
}

/// What can be entered into a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// Yes or no.
    Checkbox,
    /// Nothing: it is sent back as it is.
    Hidden,
    /// One of several choices.
    Radio,
    /// A number.
    Number,
}

/// One of several choices.
#[derive(Clone, PartialEq, Serialize)]
pub struct ChoiceView {
    /// What is sent.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it is the one chosen.
    pub checked: bool,
}
