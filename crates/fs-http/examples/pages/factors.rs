//! Sample pages for second factors and other sign-in methods.

use fs_core::totp::{Provisioning, TotpRules, TotpSecret};
use fs_http::pages::{ButtonView, ChoiceView, FieldKind, FieldView, FormView, PageView};
use serde_json::{Value, json};

use crate::{email, link, page};

pub(crate) fn samples() -> Vec<(&'static str, PageView)> {
    let setup = ("setup", "Your second step", "two_factor_setup", "two_factor_verify_code_form");
    let us_setup = ("chosen_method", "Ways to sign in", "us_setup", "us_setup_validate_form");
    vec![
        ("tf-setup", choose(setup, "authenticator")),
        ("tf-setup-sms", choose(setup, "sms")),
        ("tf-setup-app", enter(setup, "authenticator")),
        ("tf-setup-mail", enter(setup, "email")),
        ("tf-validate", validate(None)),
        ("tf-validate-wrong", validate_wrong()),
        ("tf-rescue", validate(Some(""))),
        ("tf-rescue-mail", validate(Some("lost_device"))),
        ("tf-rescue-help", validate(Some("no_mail_access"))),
        ("us-signin", us_signin(false)),
        ("us-signin-sent", us_signin(true)),
        ("us-setup", choose(us_setup, "email")),
        ("us-setup-sms", enter(us_setup, "sms")),
        ("us-setup-none", us_setup_none()),
        ("us-verify", us_verify(false)),
        ("us-verify-sent", us_verify(true)),
        (
            "send-login",
            page("send_login", "Sign in without a password", "Send the link", vec![email()]),
        ),
        ("recovery-codes", recovery_codes(true)),
        ("recovery-codes-left", recovery_codes(false)),
    ]
}

type Setup = (&'static str, &'static str, &'static str, &'static str);

/// Returns a set-up page on which nothing is chosen yet, or a phone number is missing.
fn choose(setup: Setup, chosen: &str) -> PageView {
    let (name, title, template, asks) = setup;
    let mut page = PageView::new(format!("security/{template}.html"), title);
    let mut choice = choice_form(name, template, chosen);
    if chosen == "sms"
        && let Some(phone) = choice.fields.get_mut(1)
    {
        phone.value = "0151".to_owned();
        phone.errors = vec!["This is not a phone number.".to_owned()];
    }
    page.forms = vec![choice];
    if template == "two_factor_setup" {
        page.forms.push(code_form(asks, "code"));
    }
    put(&mut page, "active_methods", json!(["password", "authenticator"]));
    page.links = vec![link("recovery-codes-left.html", "Recovery codes")];
    page
}

/// Returns a set-up page that asks for a code.
fn enter(setup: Setup, chosen: &str) -> PageView {
    let (name, title, template, asks) = setup;
    let mut page = PageView::new(format!("security/{template}.html"), title);
    page.forms = vec![
        code_form(asks, if name == "setup" { "code" } else { "passcode" }),
        choice_form(name, template, chosen),
    ];
    put(&mut page, "chosen_method", chosen.into());
    if chosen == "authenticator" {
        let secret = TotpSecret::from_random([7; 20]);
        let rules = TotpRules::default();
        let app = Provisioning {
            secret: &secret,
            rules,
            issuer: "Otterbox",
            username: "ann@example.com",
        };
        let qr = app.qr_code().map(|qr| qr.expose().to_owned());
        put(&mut page, "authr_qrcode", qr.into());
        put(&mut page, "authr_key", secret.to_base32().expose().into());
        put(&mut page, "authr_username", "ann@example.com".into());
        put(&mut page, "authr_issuer", "Otterbox".into());
    }
    page
}

fn us_setup_none() -> PageView {
    let mut page = PageView::new("security/us_setup.html", "Ways to sign in");
    page.forms = vec![FormView::new("us_setup_form", "/us-setup", "")];
    put(&mut page, "setup_methods", json!([]));
    page
}

fn choice_form(name: &str, template: &str, chosen: &str) -> FormView {
    let mut methods = vec![
        ("authenticator", "Authenticator app"),
        ("sms", "Text message"),
        ("email", "E-mail, which is weaker: whoever reads your mail gets in"),
    ];
    if name == "setup" {
        methods.push(("disable", "No second step any more"));
    }
    let mut phone = FieldView::new(FieldKind::Tel, "phone", "Phone number");
    phone.required = false;
    phone.autocomplete = Some("tel".to_owned());
    phone.hint = Some("With the country code, such as +44 20 7946 0018.".to_owned());
    let choice = choice(name, "How do you want to get codes?", &methods, chosen);
    let mut form = FormView::new(format!("{template}_form"), "/", "Continue");
    form.fields = vec![choice, phone];
    form
}

fn validate(problem: Option<&str>) -> PageView {
    let mut page = PageView::new("security/two_factor_verify_code.html", "Your second step");
    let help = choice(
        "help_setup",
        "What is in the way?",
        &[
            ("lost_device", "I do not have my device: send a code to my e-mail address"),
            ("no_mail_access", "I cannot read my mail either: ask the operators for help"),
        ],
        "",
    );
    let mut rescue = FormView::new("two_factor_rescue_form", "/tf-rescue", "Get help");
    rescue.fields = vec![help];
    page.forms = vec![code_form("two_factor_verify_code_form", "code"), rescue];
    put(&mut page, "chosen_method", "authenticator".into());
    put(&mut page, "problem", problem.into());
    put(&mut page, "rescue_mail", "help@otter.example".into());
    page
}

fn validate_wrong() -> PageView {
    let mut page = validate(None);
    if let Some(field) = page.forms.first_mut().and_then(|form| form.fields.first_mut()) {
        field.errors = vec!["This is not the code, or not any more.".to_owned()];
    }
    put(&mut page, "chosen_method", "sms".into());
    put(&mut page, "send_code_to", "the number that ends in 0123".into());
    page
}

fn us_signin(sent: bool) -> PageView {
    let mut identity =
        FieldView::new(FieldKind::Text, "identity", "E-mail address or phone number");
    identity.autocomplete = Some("username".to_owned());
    identity.autofocus = !sent;
    if sent {
        identity.value = "ann@example.com".to_owned();
    }
    let remember = FieldView::new(FieldKind::Checkbox, "remember", "Keep me signed in");
    let mut page = us_page("us_signin", "Sign in", vec![identity, passcode(sent), remember]);
    put(&mut page, "code_sent", sent.into());
    page.links = vec![link("register.html", "Create an account")];
    page
}

fn us_verify(sent: bool) -> PageView {
    let mut page = us_page("us_verify", "Is it still you?", vec![passcode(sent)]);
    put(&mut page, "code_sent", sent.into());
    put(&mut page, "chosen_method", "email".into());
    put(&mut page, "send_code_to", "a…@example.com".into());
    page
}

fn us_page(template: &str, title: &str, fields: Vec<FieldView>) -> PageView {
    let submit = if template == "us_signin" { "Sign in" } else { "Continue" };
    let mut page = page(template, title, submit, fields);
    let methods = [("email", "By e-mail"), ("sms", "By text message")];
    let send = ButtonView {
        text: "Send me a code".to_owned(),
        name: Some("submit_send_code".to_owned()),
        formaction: "/send-code".to_owned(),
    };
    if let Some(form) = page.forms.first_mut() {
        let mut choice = choice("chosen_method", "No password at hand?", &methods, "email");
        choice.required = false;
        form.fields.push(choice);
        form.buttons.push(send);
    }
    page
}

fn recovery_codes(fresh: bool) -> PageView {
    let mut page = PageView::new("security/recovery_codes.html", "Your recovery codes");
    let codes = ["0k3s-8hw1-z6ye-4tqa", "p2vc-m90d-rj5x-7gbn"].repeat(4);
    if fresh {
        put(&mut page, "recovery_codes", codes.into());
        page.links = vec![link("tf-setup.html", "I have kept them: go on")];
    } else {
        put(&mut page, "remaining", 7.into());
        page.forms = vec![FormView::new("recovery_codes_form", "/", "Make new codes")];
    }
    page
}

fn code_form(form: &str, name: &str) -> FormView {
    let mut code = FieldView::new(FieldKind::Text, name, "Code");
    code.autocomplete = Some("one-time-code".to_owned());
    code.autofocus = true;
    let mut form = FormView::new(form, "/", "Continue");
    form.fields = vec![code];
    form
}

/// Returns the field for a password, or for the code if one was sent.
fn passcode(sent: bool) -> FieldView {
    let kind = if sent { FieldKind::Text } else { FieldKind::Password };
    let mut field = FieldView::new(kind, "passcode", "Password or code");
    let autocomplete = if sent { "one-time-code" } else { "current-password" };
    field.autocomplete = Some(autocomplete.to_owned());
    field.autofocus = sent;
    field
}

fn choice(name: &str, label: &str, choices: &[(&str, &str)], chosen: &str) -> FieldView {
    let choices = choices.iter().map(|(value, label)| ChoiceView {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        checked: *value == chosen,
    });
    let mut field = FieldView::new(FieldKind::Radio, name, label);
    field.choices = choices.collect();
    field
}

fn put(page: &mut PageView, name: &str, value: Value) {
    page.extra.insert(name.to_owned(), value);
}
