//! Changing the password.

use fs_core::authn::Authentication;
use fs_core::flow::{ChangeOutcome, NewPassword, Problem};
use fs_core::message::{Label, MessageKey};
use fs_core::session::Session;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, current_password, new_password, repeated_password};
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
    let current = typed.secret(exchange, "password");
    let password = typed.secret(exchange, "new_password");
    let repeated = typed.secret(exchange, "new_password_confirm");
    let new = NewPassword::new(password, Some(repeated));
    let wrong =
        |problems: &[Problem]| Ok(exchange.mistakes(problems, |problems| page(exchange, problems)));
    let mut problems = exchange.form_problems(FormName::ChangePassword, true).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return wrong(&problems);
    }
    // A token or a password changes the account, not the session of whoever sits at the browser.
    let owns = exchange.owns_session(caller).await.map_err(|error| exchange.flow_failed(&error))?;
    let mut session = if owns { exchange.session() } else { Session::default() };
    let remembered = exchange.remember_cookie().filter(|_| owns);
    let outcome = exchange
        .core()
        .accounts()
        .change_password(
            exchange.context(),
            &mut session,
            user,
            &current,
            new,
            remembered.as_deref(),
        )
        .await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        ChangeOutcome::Refused(problems) => wrong(&problems),
        ChangeOutcome::Done { user, remember } => {
            if owns {
                exchange.put_session(session.clone());
                exchange.put_remember(remember);
            }
            if exchange.wants_json() {
                let mut more = Map::new();
                let token = exchange.token_for_factors(&session, &user, &mut more).await?;
                return Ok(exchange.json_ok(Some(&user), token, more));
            }
            exchange.accepted();
            exchange.flash(MessageKey::PasswordChange);
            let views = &exchange.config().views;
            let view = views.after_change.as_deref().or(views.after_sign_in.as_deref());
            Ok(exchange.redirect(&exchange.view(view, &[])))
        }
    }
}

fn page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let action = exchange.endpoint_url(Endpoint::ChangePassword, &[]);
    let mut form =
        FormView::new("change_password_form", action, exchange.label(Label::ChangePassword));
    let least = exchange.core().config().password.min_length;
    let current = current_password(exchange, "password", Label::CurrentPassword);
    form.fields.push(FieldView { autofocus: true, ..current });
    form.fields.push(new_password(exchange, "new_password", Label::NewPassword, least));
    form.fields.push(repeated_password(exchange, "new_password_confirm"));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/change_password.html", Label::ChangeYourPassword, form)
}
