//! Asking for a link to reset a password.

use fs_core::flow::{Problem, ResetRequestOutcome};
use fs_core::message::{Label, MessageKey};
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::send_confirmation::sent;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, email_field};
use crate::pages::{FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(false) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[], "")),
        });
    }
    let mut typed = Typed::default();
    let email = typed.text(exchange, "email");
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &email)))
    };
    let mut problems = exchange.form_problems(FormName::ForgotPassword, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let outcome = exchange.core().accounts().request_reset(exchange.context(), &email).await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        ResetRequestOutcome::Refused(problem) => wrong(&[problem]),
        ResetRequestOutcome::Unconfirmed { email: to } => {
            let view = exchange.config().views.requires_confirmation.as_deref();
            match view {
                Some(view) if !exchange.wants_json() => {
                    exchange.flash(MessageKey::ConfirmationRequired);
                    Ok(exchange.redirect(&exchange.view(Some(view), &[("email", &to)])))
                }
                _ => wrong(&[Problem::new("email", MessageKey::ConfirmationRequired)]),
            }
        }
        ResetRequestOutcome::Sent { email: to } => {
            if exchange.wants_json() {
                return Ok(exchange.json_ok(None, None, Map::new()));
            }
            let mut page = page(exchange, &[], &email);
            let message = sent(exchange, MessageKey::PasswordResetRequest, &to);
            page.flashes.push(exchange.flash_view(message));
            Ok(exchange.page(StatusCode::OK, page))
        }
    }
}

fn page(exchange: &Exchange, problems: &[Problem], email: &str) -> PageView {
    let action = exchange.endpoint_url(Endpoint::ForgotPassword, &[]);
    let mut form = FormView::new("forgot_password_form", action, exchange.label(Label::SendLink));
    form.fields.push(email_field(exchange, email, email.is_empty()));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/forgot_password.html", Label::ResetYourPassword, form)
}
