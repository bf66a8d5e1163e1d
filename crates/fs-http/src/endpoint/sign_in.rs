//! Signing in with a password.

use fs_core::Config;
use fs_core::config::Disclosure;
use fs_core::flow::{Credentials, Problem, SignInOutcome, SignInRefusal};
use fs_core::message::{Label, MessageKey};
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, current_password, email_field};
use crate::pages::{FieldKind, FieldView, FormView, LinkView, PageView};
use crate::refusal::Refusal;
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if !exchange.submits()
        && let Some(caller) = exchange.caller().await?
    {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(Some(&caller.user), None, Map::new()),
            false => exchange.refuse(&Refusal::NotAnonymous),
        });
    }
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[], "")),
        });
    }
    submit(exchange).await
}

async fn submit(exchange: &Exchange) -> Answer {
    let mut typed = Typed::default();
    let identity = typed.text(exchange, "email");
    let password = typed.secret(exchange, "password");
    let remember = typed.checked(exchange, "remember");
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &identity)))
    };
    let mut problems = exchange.form_problems(FormName::SignIn, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if problems.is_empty() {
        if identity.trim().is_empty() {
            problems.push(Problem::new("email", MessageKey::EmailNotProvided));
        }
        if password.expose().trim().is_empty() {
            problems.push(Problem::new("password", MessageKey::PasswordNotProvided));
        }
        problems.extend(exchange.next_problem());
    }
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let default =
        exchange.core().config().sessions.remember_by_default && exchange.request().is_json();
    let mut credentials = Credentials::new(identity.clone(), password);
    credentials.remember = Some(remember.unwrap_or(default));
    credentials.device = exchange.device_token();
    let mut session = exchange.session();
    let outcome = exchange
        .core()
        .sign_in()
        .with_password(exchange.context(), &mut session, credentials)
        .await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SignInOutcome::Done { user, remember } => {
            exchange.put_session(session);
            exchange.put_remember(remember);
            if !exchange.wants_json() {
                let view = exchange.config().views.after_sign_in.as_deref();
                return Ok(exchange.redirect(&exchange.after(view)));
            }
            let token = exchange.token_on_request(&user).await?;
            Ok(exchange.json_ok(Some(&user), token, Map::new()))
        }
        SignInOutcome::SecondFactor { challenge, .. } => {
            exchange.put_session(session);
            Ok(exchange.challenged(&challenge))
        }
        SignInOutcome::Refused(refusal) => {
            let view = exchange.config().views.requires_confirmation.as_deref();
            let config = exchange.core().config();
            if let (SignInRefusal::Unconfirmed { .. }, Disclosure::Explicit, Some(view), false) =
                (&refusal, config.disclosure, view, exchange.wants_json())
            {
                exchange.flash(MessageKey::ConfirmationRequired);
                let to = exchange.view(Some(view), &[("email", &identity)]);
                return Ok(exchange.redirect(&to));
            }
            wrong(&[problem(&refusal, config)])
        }
    }
}

/// Returns the problem to report. If accounts are not disclosed, it reveals only what the right
/// password permits, and not that an account is unconfirmed: whoever registers an address would
/// learn that it had none.
fn problem(refusal: &SignInRefusal, config: &Config) -> Problem {
    let (field, key) = match (refusal, config.disclosure) {
        (SignInRefusal::Inactive, _) => ("email", MessageKey::DisabledAccount),
        (SignInRefusal::SameFactor, _) => ("password", MessageKey::SameFactor),
        (_, Disclosure::Generic) => ("password", not_signed_in(config)),
        (SignInRefusal::Unconfirmed { .. }, _) => ("email", MessageKey::ConfirmationRequired),
        (SignInRefusal::UnknownIdentity, _) => ("email", MessageKey::UserDoesNotExist),
        (SignInRefusal::PasswordNotSet, _) => ("password", MessageKey::PasswordNotSet),
        (SignInRefusal::WrongPassword, _) => ("password", MessageKey::InvalidPassword),
        _ => ("password", not_signed_in(config)),
    };
    Problem::new(field, key)
}

/// Returns the message for every refused sign-in.
pub(super) fn not_signed_in(config: &Config) -> MessageKey {
    match config.confirmation_required() {
        true => MessageKey::InvalidOrUnconfirmed,
        false => MessageKey::InvalidCredentials,
    }
}

fn page(exchange: &Exchange, problems: &[Problem], identity: &str) -> PageView {
    let action = exchange.endpoint_url(Endpoint::SignIn, &[]);
    let mut form = FormView::new("login_user_form", action, exchange.label(Label::SignIn));
    form.fields.push(FieldView::hidden("next", exchange.wish().unwrap_or_default()));
    let mut who = email_field(exchange, identity, identity.is_empty());
    if exchange.core().config().identities.order.len() > 1 {
        who.kind = FieldKind::Text;
        who.label = exchange.label(Label::EmailOrName);
    }
    who.autocomplete = Some("username".to_owned());
    form.fields.push(who);
    let mut password = current_password(exchange, "password", Label::Password);
    if exchange.site().routes.path(Endpoint::ForgotPassword).is_some() {
        password.hint_link = Some(LinkView {
            href: exchange.endpoint_url(Endpoint::ForgotPassword, &[]),
            text: exchange.label(Label::ForgotYourPassword),
        });
    }
    form.fields.push(password);
    if exchange.core().config().sessions.remember.is_some() {
        form.fields.push(FieldView {
            checked: exchange.is_checked("remember").unwrap_or(false),
            ..FieldView::new(FieldKind::Checkbox, "remember", exchange.label(Label::Remember))
        });
    }
    exchange.mark(&mut form, problems);
    exchange.form_page("security/login_user.html", Label::SignIn, form)
}
