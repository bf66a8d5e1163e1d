//! Program that writes every page and mail with sample data into a directory, to view them in a
//! browser.
//!
//! ```text
//! cargo run -p fs-http --example pages -- target/pages [TEMPLATES]
//! ```
//!
//! `TEMPLATES` is a directory of templates that replace the built-in ones.

mod factors;

use std::error::Error;
use std::path::PathBuf;

use fs_core::message::Category;
use fs_http::pages::{
    FieldKind, FieldView, FlashView, FormView, LinkView, PageView, Pages, PagesConfig,
};
use http::StatusCode;
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let out = args.next().ok_or("name a directory to write to")?;
    std::fs::create_dir_all(&out)?;
    let mut config = PagesConfig::default();
    config.directory = args.next();
    config.branding.name = "Otterbox".to_owned();
    let pages = Pages::new(&config)?;
    for (name, page) in samples().into_iter().chain(factors::samples()) {
        std::fs::write(out.join(format!("{name}.html")), pages.render(&page, &Map::new())?)?;
    }
    for name in MAILS {
        let mail = pages.render_mail(name, &mail_context(), true, true)?;
        std::fs::write(out.join(format!("mail-{name}.html")), mail.html.unwrap_or_default())?;
        std::fs::write(out.join(format!("mail-{name}.txt")), mail.text.unwrap_or_default())?;
    }
    Ok(())
}

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

fn mail_context() -> Map<String, Value> {
    let link = |path: &str| format!("https://otter.example/{path}/WyJhIiwiYiJd.aSample.Of-A_Token");
    [
        ("user", json!({ "email": "ann@example.com" })),
        ("confirmation_link", link("confirm").into()),
        ("reset_link", link("reset").into()),
        ("login_link", link("login").into()),
        ("within", "2 hours".into()),
        ("username", "ann@example.com".into()),
        ("token", "424242".into()),
        ("method", "authenticator".into()),
        ("change", "added".into()),
        ("remaining", 7.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

fn samples() -> Vec<(&'static str, PageView)> {
    let mut pages = vec![
        ("login", login()),
        ("login-errors", login_errors()),
        ("register", register()),
        (
            "forgot",
            page("forgot_password", "Forgot your password?", "Send the link", vec![email()]),
        ),
        (
            "reset",
            page("reset_password", "Choose a new password", "Save and sign in", new("password")),
        ),
        ("change", change()),
        (
            "confirm",
            page("send_confirmation", "Confirm your address", "Send a new link", vec![email()]),
        ),
        ("confirm-anew", confirm_anew()),
        ("verify", page("verify", "Is it still you?", "Continue", vec![current()])),
        ("notice", notice()),
    ];
    for (name, status) in [
        ("error-400", StatusCode::BAD_REQUEST),
        ("error-401", StatusCode::UNAUTHORIZED),
        ("error-403", StatusCode::FORBIDDEN),
        ("error-404", StatusCode::NOT_FOUND),
        ("error-405", StatusCode::METHOD_NOT_ALLOWED),
        ("error-413", StatusCode::PAYLOAD_TOO_LARGE),
        ("error-429", StatusCode::TOO_MANY_REQUESTS),
        ("error-500", StatusCode::INTERNAL_SERVER_ERROR),
        ("error-503", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let mut page = PageView::error(status, None);
        page.links = vec![link("/", "Go to the home page")];
        pages.push((name, page));
    }
    pages
}

fn login() -> PageView {
    let mut email = email();
    email.autofocus = true;
    login_with(email, Vec::new())
}

fn login_with(email: FieldView, errors: Vec<String>) -> PageView {
    let mut password = current();
    password.hint_link = Some(link("forgot.html", "Forgot it?"));
    let remember = FieldView::new(FieldKind::Checkbox, "remember", "Keep me signed in");
    let fields = vec![email, password, remember, FieldView::hidden("next", "/profile")];
    let mut form = FormView::new("login_user_form", "/", "Sign in");
    form.fields = fields;
    form.errors = errors;
    let mut page = PageView::new("security/login_user.html", "Sign in");
    page.forms = vec![form];
    page.links = vec![
        link("register.html", "Create an account"),
        link("confirm.html", "Confirm your address"),
    ];
    page
}

fn login_errors() -> PageView {
    let wrong = "This is not an e-mail address. It looks like name@example.com.";
    let mut field = email();
    field.value = "ann@example".to_owned();
    field.errors = vec![wrong.to_owned()];
    let error = "We could not sign you in with that. Check both fields and try again.";
    let mut page = login_with(field, vec![error.to_owned()]);
    page.flashes = vec![
        flash(Category::Success, "Thank you. Your e-mail address is confirmed."),
        flash(Category::Info, "Please sign in to see this page."),
        flash(Category::Error, "This link does not work, or was used already. Ask for a new one."),
    ];
    page
}

fn register() -> PageView {
    let mut name = FieldView::new(FieldKind::Text, "username", "Username");
    name.required = false;
    name.autocomplete = Some("username".to_owned());
    let fields = [vec![email(), name], new("password")].concat();
    let mut page = page("register_user", "Create your account", "Create account", fields);
    page.links = vec![link("login.html", "I have an account: sign in")];
    page
}

fn change() -> PageView {
    let fields = [vec![current()], new("new_password")].concat();
    page("change_password", "Change your password", "Change password", fields)
}

fn notice() -> PageView {
    let mut page = PageView::notice(
        "Check your mail",
        "If ann@example.com can be used here, a mail is on its way to you. Open the link in it to go on.",
    );
    page.extra.insert("icon".to_owned(), "mail".into());
    page.extra.insert(
        "advice".to_owned(),
        "It can take a minute or two. Look in the spam folder as well.".into(),
    );
    page.links = vec![link("login.html", "Back to sign in")];
    page
}

/// Returns the page of a confirmation link that was opened in another browser than the one that
/// registered.
fn confirm_anew() -> PageView {
    let mut page =
        page("confirm_email", "Confirm your address", "Confirm my address", vec![current()]);
    let fields = new("new_password");
    let mut second = FormView::new("confirm_afresh_form", "/", "Confirm my address");
    second.fields = fields;
    page.forms.push(second);
    page
}

pub(crate) fn page(template: &str, title: &str, submit: &str, fields: Vec<FieldView>) -> PageView {
    let mut page = PageView::new(format!("security/{template}.html"), title);
    let mut form = FormView::new(format!("{template}_form"), "/", submit);
    form.fields = fields;
    page.forms = vec![form];
    page
}

pub(crate) fn email() -> FieldView {
    let mut field = FieldView::new(FieldKind::Email, "email", "E-mail address");
    field.autocomplete = Some("username".to_owned());
    field
}

fn current() -> FieldView {
    let mut field = FieldView::new(FieldKind::Password, "password", "Password");
    field.autocomplete = Some("current-password".to_owned());
    field
}

fn new(name: &str) -> Vec<FieldView> {
    let mut field = FieldView::new(FieldKind::Password, name, "New password");
    field.autocomplete = Some("new-password".to_owned());
    field.hint = Some("At least 12 characters.".to_owned());
    field.minlength = Some(12);
    let mut again = field.clone();
    again.name = format!("{name}_confirm");
    again.label = "New password again".to_owned();
    again.hint = None;
    vec![field, again]
}

pub(crate) fn link(href: &str, text: &str) -> LinkView {
    LinkView { href: href.to_owned(), text: text.to_owned() }
}

fn flash(category: Category, text: &str) -> FlashView {
    FlashView { category, text: text.to_owned() }
}
