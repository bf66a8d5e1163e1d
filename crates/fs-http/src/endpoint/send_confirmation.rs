//! Asking for a new confirmation link.

use fs_core::config::Disclosure;
use fs_core::flow::{Problem, SendConfirmationOutcome};
use fs_core::message::{Label, Message, MessageKey};
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
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
        let known = exchange.request().query_value("email").unwrap_or_default();
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[], &known)),
        });
    }
    let signed_in = exchange.caller().await?.is_some();
    let mut typed = Typed::default();
    let email = typed.text(exchange, "email");
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &email)))
    };
    let mut problems = exchange.form_problems(FormName::SendConfirmation, signed_in).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let outcome = exchange.core().accounts().send_confirmation(exchange.context(), &email).await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SendConfirmationOutcome::Refused(problem) => wrong(&[problem]),
        SendConfirmationOutcome::Sent { email: to } => {
            if exchange.wants_json() {
                // Flask-Security tells strangers about the user here; ours is empty.
                let user = Map::from_iter([("user".to_owned(), Map::new().into())]);
                return Ok(exchange.json_ok(None, None, user));
            }
            let mut page = page(exchange, &[], &email);
            page.flashes.push(exchange.flash_view(sent(
                exchange,
                MessageKey::ConfirmationRequest,
                &to,
            )));
            Ok(exchange.page(StatusCode::OK, page))
        }
    }
}

/// Returns the message for a mail that was, or may have been, sent.
pub(super) fn sent(exchange: &Exchange, key: MessageKey, to: &str) -> Message {
    match exchange.core().config().disclosure {
        Disclosure::Explicit => Message::new(key).with("email", to),
        Disclosure::Generic => Message::new(MessageKey::CheckMail).with("email", to),
    }
}

fn page(exchange: &Exchange, problems: &[Problem], email: &str) -> PageView {
    let action = exchange.endpoint_url(Endpoint::SendConfirmation, &[]);
    let mut form = FormView::new("send_confirmation_form", action, exchange.label(Label::SendLink));
    form.fields.push(email_field(exchange, email, email.is_empty()));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/send_confirmation.html", Label::ConfirmYourAddress, form)
}
