//! Passcodes: the methods to get one, and the fields of a form that take one.

use fs_core::config::{CodeMethod, SignInMethod};
use fs_core::flow::Problem;
use fs_core::message::{Label, MessageKey};
use serde_json::{Map, Number, Value};

use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::pages::{ButtonView, ChoiceView, FieldKind, FieldView, FormView};

/// Returns the passcode as a text. A number is read as its digits; other values are `None`.
pub(super) fn typed_passcode(exchange: &Exchange) -> Option<String> {
    match exchange.request().fields.get("passcode")? {
        FieldValue::Text(passcode) => Some(passcode),
        FieldValue::Other(Value::Number(code)) => Some(written_code(exchange, &code)),
        FieldValue::Other(_) => None,
    }
}

/// Returns the digits of a code that is a number in JSON, with the leading zeros that a number
/// lacks.
pub(super) fn written_code(exchange: &Exchange, code: &Number) -> String {
    let digits = usize::from(exchange.core().totp_rules().digits());
    // A number of JSON does not fill up by itself.
    format!("{:0>digits$}", code.to_string())
}

/// Returns the chosen method of sending a code. The older names of methods are accepted only in
/// databases.
pub(super) fn chosen_method(exchange: &Exchange) -> Result<CodeMethod, Problem> {
    let problem = |key| Problem::new("chosen_method", key);
    match exchange.request().fields.get("chosen_method") {
        Some(FieldValue::Text(chosen)) if !chosen.is_empty() => {
            let mut all = CodeMethod::ALL.into_iter();
            let named = all.find(|method| method.name() == chosen);
            named.ok_or_else(|| problem(MessageKey::InvalidChoice))
        }
        Some(FieldValue::Other(_)) => Err(problem(MessageKey::InvalidChoice)),
        _ => Err(problem(MessageKey::UsMethodNotAvailable)),
    }
}

/// Returns the methods that can be used, and those by which codes can be sent.
pub(super) fn methods(exchange: &Exchange) -> Map<String, Value> {
    let Some(rules) = &exchange.core().config().unified else {
        return Map::new();
    };
    let all: Vec<_> = rules.methods.iter().map(|method| method.name()).collect();
    let codes: Vec<_> = code_methods(exchange).into_iter().map(CodeMethod::name).collect();
    Map::from_iter([
        ("available_methods".to_owned(), all.into()),
        ("code_methods".to_owned(), codes.into()),
    ])
}

pub(super) fn code_methods(exchange: &Exchange) -> Vec<CodeMethod> {
    let rules = exchange.core().config().unified.iter();
    rules
        .flat_map(|rules| &rules.methods)
        .filter_map(|method| match method {
            SignInMethod::Code(method) if method.is_sent() => Some(*method),
            _ => None,
        })
        .collect()
}

/// Adds the choice of a method and the button that sends a code.
pub(super) fn add_send_code(exchange: &Exchange, form: &mut FormView, action: String) {
    let methods = code_methods(exchange);
    if methods.is_empty() {
        return;
    }
    form.fields.push(FieldView {
        required: false,
        choices: methods
            .into_iter()
            .map(|method| ChoiceView {
                value: method.name().to_owned(),
                label: exchange.label(label(method)),
                checked: false,
            })
            .collect(),
        ..FieldView::new(FieldKind::Radio, "chosen_method", exchange.label(Label::SendMeACode))
    });
    form.buttons.push(ButtonView {
        text: exchange.label(Label::SendCode),
        name: Some("submit_send_code".to_owned()),
        formaction: action,
    });
}

/// Lets a form take the code that was sent, in place of a password.
pub(super) fn expect_code(exchange: &Exchange, form: &mut FormView) {
    if let Some(field) = form.fields.iter_mut().find(|field| field.name == "passcode") {
        field.kind = FieldKind::Text;
        field.label = exchange.label(Label::Code);
        field.autocomplete = Some("one-time-code".to_owned());
        field.autofocus = true;
        field.required = true;
    }
}

/// Returns the field for a password or a code, named for what is accepted.
pub(super) fn passcode_field(exchange: &Exchange) -> FieldView {
    let rules = exchange.core().config().unified.as_ref();
    let methods = rules.map_or(&[][..], |rules| &rules.methods);
    let password = methods.contains(&SignInMethod::Password);
    let code = methods.iter().any(|method| matches!(method, SignInMethod::Code(_)));
    let (kind, label, fill) = match (password, code) {
        (true, false) => (FieldKind::Password, Label::Password, "current-password"),
        (false, true) => (FieldKind::Text, Label::Code, "one-time-code"),
        _ => (FieldKind::Password, Label::PasswordOrCode, "current-password"),
    };
    FieldView {
        autocomplete: Some(fill.to_owned()),
        required: false,
        ..FieldView::new(kind, "passcode", exchange.label(label))
    }
}

/// Returns the label of a method.
pub(super) const fn label(method: CodeMethod) -> Label {
    match method {
        CodeMethod::Email => Label::ByMail,
        CodeMethod::Authenticator => Label::ByApp,
        CodeMethod::Sms => Label::ByText,
    }
}
