//! Proving again who one is.

use fs_core::authn::Authentication;
use fs_core::flow::{Problem, VerifyOutcome};
use fs_core::message::{Label, MessageKey};
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, current_password};
use crate::pages::{FieldView, FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, caller: &Authentication) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(false) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(Some(user), None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[])),
        });
    }
    let mut typed = Typed::default();
    let password = typed.secret(exchange, "password");
    let wrong =
        |problems: &[Problem]| Ok(exchange.mistakes(problems, |problems| page(exchange, problems)));
    let mut problems = exchange.form_problems(FormName::Verify, true).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if problems.is_empty() && password.expose().trim().is_empty() {
        problems.push(Problem::new("password", MessageKey::PasswordNotProvided));
    }
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let mut session = exchange.session();
    let outcome =
        exchange.core().sessions().verify(exchange.context(), &mut session, user, &password).await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        VerifyOutcome::Refused(problem) => wrong(&[problem]),
        VerifyOutcome::Done => {
            exchange.put_session(session);
            if exchange.wants_json() {
                return Ok(exchange.json_ok(Some(user), None, Map::new()));
            }
            exchange.flash(MessageKey::ReauthenticationSuccessful);
            let view = exchange.config().views.after_verify.as_deref();
            Ok(exchange.redirect(&exchange.after(view)))
        }
    }
}

fn page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let action = exchange.step_url(Endpoint::Verify);
    let mut form = FormView::new("verify_form", action, exchange.label(Label::Continue));
    let password = current_password(exchange, "password", Label::YourPassword);
    form.fields.push(FieldView { autofocus: true, ..password });
    exchange.mark(&mut form, problems);
    exchange.form_page("security/verify.html", Label::ConfirmItIsYou, form)
}
