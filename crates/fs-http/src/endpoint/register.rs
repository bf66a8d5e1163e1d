//! Registering an account.

use fs_core::flow::{NewDetails, Problem, RegisterOutcome, RegistrationForm};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::secret::Secret;
use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Answer;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, email_field, new_password, repeated_password};
use crate::pages::{FieldKind, FieldView, FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(false) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[], "", "")),
        });
    }
    submit(exchange).await
}

/// Checks whether the password is typed twice: in a form that no confirmation mail follows.
fn asks_twice(exchange: &Exchange) -> bool {
    exchange.core().config().confirmation.is_none() && !exchange.request().is_json()
}

async fn submit(exchange: &Exchange) -> Answer {
    let mut typed = Typed::default();
    let email = typed.text(exchange, "email");
    let usernames = exchange.core().config().usernames;
    let username = usernames.then(|| typed.text(exchange, "username"));
    let password = typed.optional(exchange, "password").map(Secret::from);
    let repeated = asks_twice(exchange).then(|| typed.optional(exchange, "password_confirm"));
    // As in Flask-Security, who does not ask twice where a password is not needed asks once.
    let asks_once = exchange.core().config().unified.is_some();
    let repeated = repeated
        .and_then(|text| if asks_once { text } else { Some(text.unwrap_or_default()) })
        .map(Secret::from);
    let name = username.clone().unwrap_or_default();
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &email, &name)))
    };
    let mut problems = exchange.form_problems(FormName::Register, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if problems.is_empty() && asks_twice(exchange) {
        problems.extend(exchange.next_problem());
    }
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let mut form = RegistrationForm::new(email.clone());
    form.username = username;
    form.password = password;
    form.repeated = repeated;
    form.fields = extra_fields(exchange);
    let mut session = exchange.session();
    let outcome = exchange.core().accounts().register(exchange.context(), &mut session, form).await;
    let registered = match outcome.map_err(|error| exchange.flow_failed(&error))? {
        RegisterOutcome::Refused(problems) => return wrong(&problems),
        RegisterOutcome::Done(registered) => registered,
    };
    exchange.put_session(session);
    let signed_in = registered.signed_in.is_some();
    if let Some(change) = registered.signed_in {
        exchange.put_remember(change);
    }
    if let Some(challenge) = &registered.challenge {
        return Ok(exchange.challenged(challenge));
    }
    if registered.confirmation_sent {
        let message = Message::new(MessageKey::ConfirmRegistration);
        exchange.flash(message.with("email", &registered.email));
    }
    if !exchange.wants_json() {
        let view = exchange.config().views.after_register.as_deref();
        return Ok(exchange.redirect(&exchange.after(view)));
    }
    let token = match (&registered.user, signed_in) {
        (Some(user), true) => exchange.token_on_request(user).await?,
        _ => None,
    };
    Ok(exchange.json_ok(registered.user.as_ref(), token, Map::new()))
}

/// Returns the values of the declared extra fields, and no others.
pub(super) fn extra_fields(exchange: &Exchange) -> Map<String, Value> {
    let Some(rules) = &exchange.core().config().registration else {
        return Map::new();
    };
    let sent = &exchange.request().fields;
    let fields = rules.fields.iter();
    fields.filter_map(|field| Some((field.name.clone(), sent.value(&field.name)?))).collect()
}

fn page(exchange: &Exchange, problems: &[Problem], email: &str, username: &str) -> PageView {
    let least = exchange.core().config().password.min_length;
    let action = exchange.endpoint_url(Endpoint::Register, &[]);
    let mut form =
        FormView::new("register_user_form", action, exchange.label(Label::CreateAccount));
    if asks_twice(exchange) {
        form.fields.push(FieldView::hidden("next", exchange.wish().unwrap_or_default()));
    }
    form.fields.push(email_field(exchange, email, email.is_empty()));
    form.fields.extend(username_field(exchange, username));
    form.fields.push(new_password(exchange, "password", Label::Password, least));
    if asks_twice(exchange) {
        form.fields.push(FieldView {
            label: exchange.label(Label::PasswordAgain),
            ..repeated_password(exchange, "password_confirm")
        });
    }
    form.fields.extend(declared_fields(exchange));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/register_user.html", Label::CreateYourAccount, form)
}

/// Returns the field for a username, where accounts have one.
pub(super) fn username_field(exchange: &Exchange, username: &str) -> Option<FieldView> {
    let config = exchange.core().config();
    let rules = config.usernames.then_some(&config.identities.username)?;
    Some(FieldView {
        value: username.to_owned(),
        required: rules.required,
        autocomplete: Some("username".to_owned()),
        hint: Some(format!("{} to {} letters and digits.", rules.min, rules.max)),
        maxlength: Some(rules.max),
        ..FieldView::new(FieldKind::Text, "username", exchange.label(Label::Username))
    })
}

/// Returns the fields that the application declared for registrations.
pub(super) fn declared_fields(exchange: &Exchange) -> impl Iterator<Item = FieldView> + '_ {
    let rules = exchange.core().config().registration.iter();
    rules.flat_map(|rules| &rules.fields).map(|field| exchange.shown(field))
}

/// Reads the details that replace those of a registration.
pub(super) fn typed_details(exchange: &Exchange, typed: &mut Typed) -> NewDetails {
    let usernames = exchange.core().config().usernames;
    let mut details = NewDetails::default();
    details.username = usernames.then(|| typed.text(exchange, "username"));
    details.fields = extra_fields(exchange);
    details
}
