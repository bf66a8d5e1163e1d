//! Tests of the templates that come with fs, and of those that replace them.

mod factors;
mod mails;
mod overrides;
mod render;
mod style;
mod texts;

use fs_core::message::Category;
use serde_json::{Map, Value, json};

use super::*;

/// Markup that does something wherever it is not escaped.
const MARKUP: &str = r#""'><script>alert(1)</script>&"#;

const PAGES: [&str; 20] = [
    "auth_tokens",
    "change_password",
    "confirm_email",
    "error",
    "forgot_password",
    "login_user",
    "notice",
    "recovery_code",
    "recovery_codes",
    "register_user",
    "reset_password",
    "send_confirmation",
    "send_login",
    "two_factor_prove",
    "two_factor_setup",
    "two_factor_verify_code",
    "us_setup",
    "us_signin",
    "us_verify",
    "verify",
];

const MAILS: [&str; 15] = [
    "account_exists",
    "change_notice",
    "confirmation_instructions",
    "login_instructions",
    "recovery_code_used",
    "recovery_codes_made",
    "remembered_browser_ended",
    "reset_instructions",
    "reset_notice",
    "second_factor_changed",
    "sign_in_method_changed",
    "two_factor_instructions",
    "two_factor_rescue",
    "us_instructions",
    "welcome",
];

fn pages() -> Pages {
    pages_of("Otter")
}

fn pages_of(product: &str) -> Pages {
    let branding = Branding { name: product.to_owned(), home_url: "/home".to_owned() };
    let mut pages = Pages::new(&PagesConfig { branding, ..PagesConfig::default() }).unwrap();
    // Our own templates never print what is not there.
    pages.env.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    pages
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns a page with one of everything, each text being `text`.
fn full_page(template: &str, text: &str) -> PageView {
    let link = LinkView { href: text.to_owned(), text: text.to_owned() };
    let field = |kind, name: &str| FieldView {
        value: text.to_owned(),
        autocomplete: Some(text.to_owned()),
        hint: Some(text.to_owned()),
        hint_link: Some(link.clone()),
        errors: vec![text.to_owned(), text.to_owned()],
        choices: vec![ChoiceView { value: text.to_owned(), label: text.to_owned(), checked: true }],
        minlength: Some(3),
        maxlength: Some(9),
        ..FieldView::new(kind, name, text)
    };
    let fields = vec![
        field(FieldKind::Hidden, "csrf_token"),
        field(FieldKind::Text, "a"),
        field(FieldKind::Email, "b"),
        field(FieldKind::Password, "c"),
        field(FieldKind::Tel, "d"),
        field(FieldKind::Number, "e"),
        field(FieldKind::Checkbox, "f"),
        field(FieldKind::Radio, "g"),
    ];
    let errors = vec![text.to_owned()];
    let buttons = vec![ButtonView {
        text: text.to_owned(),
        name: Some(text.to_owned()),
        formaction: text.to_owned(),
    }];
    let form = FormView { fields, buttons, errors, ..FormView::new("one", text, text) };
    let other = FormView { name: "two".to_owned(), method: FormMethod::Get, ..form.clone() };
    PageView {
        forms: vec![form, other],
        flashes: [Category::Info, Category::Success, Category::Error]
            .map(|category| FlashView { category, text: text.to_owned() })
            .into(),
        links: vec![link],
        nonce: text.to_owned(),
        extra: map([
            ("status", json!(404)),
            ("text", json!(text)),
            ("advice", json!(text)),
            ("icon", json!(text)),
            ("code_sent", json!(true)),
            ("chosen_method", json!("sms")),
            ("send_code_to", json!(text)),
            ("problem", json!("no_mail_access")),
            ("rescue_mail", json!(text)),
            ("active_methods", json!([text, "sms"])),
            ("setup_methods", json!([text])),
            ("recovery_codes", json!([text])),
            ("remaining", json!(3)),
            (
                "auth_tokens",
                json!([{
                    "id": text,
                    "name": text,
                    "created_at": "2026-11-30T12:00:00Z",
                    "used_at": "2026-11-30T13:00:00Z",
                    "expires_at": "2026-12-01T12:00:00Z",
                }]),
            ),
        ]),
        ..PageView::new(format!("security/{template}.html"), text)
    }
}

/// Everything that a mail can hold, each text being `text`.
fn full_mail(text: &str) -> Map<String, Value> {
    map([
        ("user", json!({ "email": text })),
        ("within", json!(text)),
        ("confirmation_link", json!(text)),
        ("login_link", json!(text)),
        ("reset_link", json!(text)),
        ("username", json!(text)),
        ("token", json!(text)),
        ("method", json!("sms")),
        ("remaining", json!(3)),
    ])
}

/// Returns all groups of a pattern with one group.
fn found(pattern: &str, text: &str) -> Vec<String> {
    let pattern = regex::Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|hit| hit[1].to_owned()).collect()
}

#[test]
fn every_file_of_the_template_directory_is_built_in() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    let names: Vec<_> = builtin::TEMPLATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, names);
}
