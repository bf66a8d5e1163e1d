//! Proving again who one is, with a password or code.

use fs_core::authn::Authentication;
use fs_core::flow::{Problem, SendCodeOutcome, VerifyOutcome};
use fs_core::message::{Label, MessageKey};
use fs_core::secret::Secret;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::asked_code::AskedCode;
use super::passcode::{
    add_send_code, chosen_method, expect_code, methods, passcode_field, typed_passcode,
};
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::pages::{FieldView, FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, caller: &Authentication) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, methods(exchange)),
            false => exchange.page(StatusCode::OK, page(exchange, &[])),
        });
    }
    let wrong =
        |problems: &[Problem]| Ok(exchange.mistakes(problems, |problems| page(exchange, problems)));
    let problems = exchange.form_problems(FormName::UnifiedVerify, true).await?;
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let passcode = Secret::from(typed_passcode(exchange).unwrap_or_default());
    let mut session = exchange.session();
    let core = exchange.core();
    let outcome = core
        .sessions()
        .verify_with_passcode(exchange.context(), &mut session, user, &passcode)
        .await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        VerifyOutcome::Refused(problem) => wrong(&[problem]),
        VerifyOutcome::Done => {
            exchange.put_session(session.clone());
            if exchange.wants_json() {
                let mut more = Map::new();
                let token = exchange.token_for_factors(&session, user, &mut more).await?;
                return Ok(exchange.json_ok(Some(user), token, more));
            }
            exchange.flash(MessageKey::ReauthenticationSuccessful);
            let view = exchange.config().views.after_verify.as_deref();
            Ok(exchange.redirect(&exchange.after(view)))
        }
    }
}

/// Asking for a code.
pub(super) async fn send_code(exchange: &Exchange, caller: &Authentication) -> Answer {
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, methods(exchange)),
            false => exchange.page(StatusCode::OK, page(exchange, &[])),
        });
    }
    let wrong = |status: StatusCode, problems: &[Problem]| match exchange.wants_json() {
        true => exchange.json_problems(status, problems),
        false => exchange.page(exchange.status_of_mistakes(), page(exchange, problems)),
    };
    let problems = exchange.form_problems(FormName::UnifiedVerify, true).await?;
    if !problems.is_empty() {
        return Ok(wrong(StatusCode::BAD_REQUEST, &problems));
    }
    let chosen = match chosen_method(exchange) {
        Ok(chosen) => chosen,
        Err(problem) => return Ok(wrong(StatusCode::BAD_REQUEST, &[problem])),
    };
    let core = exchange.core();
    let outcome =
        core.sessions().send_verification_code(exchange.context(), &caller.user, chosen).await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SendCodeOutcome::Refused(problem) => wrong(StatusCode::BAD_REQUEST, &[problem]),
        SendCodeOutcome::NotSent => {
            let failed = Problem::new("chosen_method", MessageKey::FailedToSendCode);
            wrong(StatusCode::INTERNAL_SERVER_ERROR, &[failed])
        }
        SendCodeOutcome::Sent if exchange.wants_json() => exchange.json_ok(None, None, Map::new()),
        SendCodeOutcome::Sent => {
            let mut page = page(exchange, &[]);
            let user = &*caller.user;
            let asked = AskedCode::new(chosen, Some(user), user.phone.as_deref());
            asked.tell(&mut page, true);
            page.forms.iter_mut().for_each(|form| expect_code(exchange, form));
            exchange.page(StatusCode::OK, page)
        }
    })
}

fn page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let action = exchange.step_url(Endpoint::UnifiedVerify);
    let mut form = FormView::new("us_verify_form", action, exchange.label(Label::Continue));
    form.fields.push(FieldView { autofocus: true, ..passcode_field(exchange) });
    let send = exchange.step_url(Endpoint::UnifiedVerifySendCode);
    add_send_code(exchange, &mut form, send);
    exchange.mark(&mut form, problems);
    let mut page = exchange.form_page("security/us_verify.html", Label::ConfirmItIsYou, form);
    page.extra.extend(methods(exchange));
    page
}
