//! Following a link to reset a password.

use fs_core::flow::{NewPassword, Problem, ResetCheck, ResetForm, ResetOutcome};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::model::User;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::follow_link::{EXPIRED, button_page};
use super::register::{declared_fields, typed_details, username_field};
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, new_password, repeated_password};
use crate::pages::{FormView, PageView};
use crate::route::Endpoint;
use crate::views::with_token;

pub(super) async fn answer(exchange: &Exchange, token: &str) -> Answer {
    if let Some(refused) = exchange.unreadable(false).filter(|_| exchange.submits()) {
        return Ok(refused);
    }
    match exchange.submits() {
        true => submit(exchange, token).await,
        false => show(exchange, token).await,
    }
}

async fn show(exchange: &Exchange, token: &str) -> Answer {
    let checked = exchange.core().accounts().check_reset(exchange.context(), token).await;
    let checked = checked.map_err(|error| exchange.flow_failed(&error))?;
    let views = &exchange.config().views;
    let spa = exchange.config().redirects.spa;
    Ok(match checked {
        ResetCheck::Good(user) if spa => {
            let mut query = vec![("token", token)];
            query.extend(exchange.spa_query(&user));
            exchange.redirect(&exchange.view(views.reset.as_deref(), &query))
        }
        ResetCheck::Good(user) => {
            exchange.page(StatusCode::OK, page(exchange, &[], token, Some(&user)))
        }
        ResetCheck::Expired(user) if exchange.config().links_ask_first => {
            let within = exchange.core().config().recovery.as_ref().map(|rules| rules.within);
            let within = within.map(|within| exchange.span(within)).unwrap_or_default();
            let message = Message::new(MessageKey::LinkExpired).with("within", within);
            match (spa, exchange.wants_json()) {
                (true, _) => {
                    let view = views.reset_error.as_deref();
                    exchange.redirect(&exchange.spa_view(view, message, Some(&user)))
                }
                (_, true) => exchange.refusal(StatusCode::BAD_REQUEST, message),
                _ => button_page(exchange, &EXPIRED),
            }
        }
        ResetCheck::Expired(user) => {
            // Clients of Flask-Security wait for a new link when they open an old one.
            let renewed =
                exchange.core().accounts().renew_reset_link(exchange.context(), &user).await;
            renewed.map_err(|error| exchange.flow_failed(&error))?;
            let message = expired(exchange, &user);
            if !spa {
                return Ok(start_over(exchange, message));
            }
            let to = exchange.spa_view(views.reset_error.as_deref(), message, Some(&user));
            exchange.redirect(&to)
        }
        ResetCheck::Invalid if spa => {
            let message = MessageKey::InvalidResetPasswordToken.into();
            exchange.redirect(&exchange.spa_view(views.reset_error.as_deref(), message, None))
        }
        ResetCheck::Invalid => start_over(exchange, MessageKey::InvalidResetPasswordToken.into()),
    })
}

async fn submit(exchange: &Exchange, token: &str) -> Answer {
    let mut typed = Typed::default();
    let password = typed.secret(exchange, "password");
    let repeated = typed.secret(exchange, "password_confirm");
    let mut new = ResetForm::from(NewPassword::new(password, Some(repeated)));
    new.details = typed_details(exchange, &mut typed);
    let mut problems = exchange.form_problems(FormName::ResetPassword, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return wrong(exchange, token, &problems).await;
    }
    let mut session = exchange.session();
    let core = exchange.core();
    let outcome =
        core.accounts().reset_password(exchange.context(), &mut session, token, new).await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        ResetOutcome::Refused(problems) => wrong(exchange, token, &problems).await,
        ResetOutcome::Inactive => {
            let disabled = Problem::new("password", MessageKey::DisabledAccount);
            wrong(exchange, token, &[disabled]).await
        }
        ResetOutcome::Expired(user) => {
            let message = expired(exchange, &user);
            Ok(start_over_with(exchange, message))
        }
        ResetOutcome::Invalid => {
            Ok(start_over_with(exchange, MessageKey::InvalidResetPasswordToken.into()))
        }
        ResetOutcome::Done { user, signed_in, challenge } => {
            exchange.put_session(session);
            if let Some(challenge) = &challenge {
                return Ok(exchange.challenged(challenge));
            }
            let is_in = signed_in.is_some();
            if let Some(change) = signed_in {
                exchange.put_remember(change);
            }
            if exchange.wants_json() {
                let token = match is_in {
                    true => exchange.token_on_request(&user).await?,
                    false => None,
                };
                return Ok(exchange.json_ok(Some(&user), token, Map::new()));
            }
            exchange.accepted();
            exchange.flash(MessageKey::PasswordReset);
            let views = &exchange.config().views;
            let to = match (&views.after_reset, is_in) {
                (Some(view), _) => exchange.view(Some(view), &[]),
                (None, true) => exchange.view(views.after_sign_in.as_deref(), &[]),
                (None, false) => exchange.endpoint_url(Endpoint::SignIn, &[]),
            };
            Ok(exchange.redirect(&to))
        }
    }
}

/// Returns the form with what is wrong with it.
async fn wrong(exchange: &Exchange, token: &str, problems: &[Problem]) -> Answer {
    let checked = match exchange.wants_json() {
        true => None,
        false => Some(exchange.core().accounts().check_reset(exchange.context(), token).await),
    };
    let user = match checked.transpose().map_err(|error| exchange.flow_failed(&error))? {
        Some(ResetCheck::Good(user)) => Some(user),
        _ => None,
    };
    let shown = |problems: &[Problem]| page(exchange, problems, token, user.as_deref());
    Ok(exchange.mistakes(problems, shown))
}

fn expired(exchange: &Exchange, user: &User) -> Message {
    let within = exchange.core().config().recovery.as_ref().map(|rules| rules.within);
    let within = within.map(|within| exchange.span(within)).unwrap_or_default();
    Message::new(MessageKey::PasswordResetExpired).with("within", within).with("email", &user.email)
}

/// Back to where one asks for a link.
fn start_over(exchange: &Exchange, message: Message) -> http::Response<bytes::Bytes> {
    exchange.flash(message);
    exchange.redirect(&exchange.endpoint_url(Endpoint::ForgotPassword, &[]))
}

fn start_over_with(exchange: &Exchange, message: Message) -> http::Response<bytes::Bytes> {
    match exchange.wants_json() {
        true => exchange.refusal(StatusCode::BAD_REQUEST, message),
        false => start_over(exchange, message),
    }
}

fn page(exchange: &Exchange, problems: &[Problem], token: &str, user: Option<&User>) -> PageView {
    let routes = &exchange.site().routes;
    let action = with_token(routes, Endpoint::ResetPassword, token);
    let mut form =
        FormView::new("reset_password_form", action, exchange.label(Label::SaveNewPassword));
    let least = exchange.core().config().password.min_length;
    let afresh = user.is_some_and(|user| exchange.core().accounts().reset_starts_afresh(user));
    form.fields.extend(username_field(exchange, "").filter(|_| afresh));
    form.fields.push(new_password(exchange, "password", Label::NewPassword, least));
    form.fields.push(repeated_password(exchange, "password_confirm"));
    form.fields.extend(declared_fields(exchange).filter(|_| afresh));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/reset_password.html", Label::ChooseNewPassword, form)
}
