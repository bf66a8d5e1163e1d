//! Using a recovery code in place of a second factor.

use fs_core::flow::{Problem, ValidateOutcome};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::second_factor::PendingStage;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::two_factor_validate::signed_in;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::Typed;
use crate::pages::{FieldKind, FieldView, FormView, LinkView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(false).filter(|_| exchange.submits()) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return show(exchange).await;
    }
    let mut typed = Typed::default();
    let code = typed.text(exchange, "code");
    let mut problems = exchange.form_problems(FormName::UseRecoveryCode, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if problems.is_empty() && code.trim().is_empty() {
        problems.push(Problem::new("code", MessageKey::FieldRequired));
    }
    if !problems.is_empty() {
        return Ok(exchange.mistakes(&problems, |problems| page(exchange, problems)));
    }
    let mut session = exchange.session();
    let core = exchange.core();
    let outcome =
        core.second_factors().use_recovery_code(exchange.context(), &mut session, &code).await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(match outcome {
        ValidateOutcome::SignedIn { user, remember, device } => {
            let left = user.recovery_codes.len();
            let told = Message::new(MessageKey::RecoveryCodeUsed).with("left", left);
            let more = Map::from_iter([("remaining".to_owned(), left.into())]);
            return signed_in(exchange, &user, remember, device, told, more).await;
        }
        ValidateOutcome::Refused(problem) => {
            exchange.mistakes(&[problem], |problems| page(exchange, problems))
        }
        _ => exchange.nothing_pending(),
    })
}

async fn show(exchange: &Exchange) -> Answer {
    let session = exchange.session();
    let pending = exchange.core().second_factors().pending(exchange.context(), &session).await;
    let pending = pending.map_err(|error| exchange.flow_failed(&error))?;
    let waits = pending.is_some_and(|(pending, _)| pending.stage == PendingStage::Code);
    Ok(match (waits, exchange.wants_json()) {
        (false, _) => exchange.nothing_pending(),
        (true, true) => exchange.json_ok(None, None, Map::new()),
        (true, false) => exchange.page(StatusCode::OK, page(exchange, &[])),
    })
}

fn page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let action = exchange.step_url(Endpoint::UseRecoveryCode);
    let mut form = FormView::new("mf_recovery_form", action, exchange.label(Label::SignIn));
    form.fields.push(FieldView {
        autocomplete: Some("off".to_owned()),
        autofocus: true,
        ..FieldView::new(FieldKind::Text, "code", exchange.label(Label::RecoveryCode))
    });
    exchange.mark(&mut form, problems);
    let mut page =
        exchange.form_page("security/recovery_code.html", Label::EnterRecoveryCode, form);
    page.links.push(LinkView {
        href: exchange.step_url(Endpoint::TwoFactorValidate),
        text: exchange.label(Label::UseSecondStep),
    });
    page
}
