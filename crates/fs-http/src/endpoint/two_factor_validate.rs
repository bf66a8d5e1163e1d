//! Giving the code of a second factor.

use fs_core::flow::{Problem, RememberChange, ValidateOutcome};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::model::User;
use fs_core::second_factor::PendingStage;
use fs_core::secret::Secret;
use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::asked_code::AskedCode;
use super::passcode::written_code;
use super::second_factor_pages::{after_second_factor, code_form, code_page, prove_page};
use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::form::FormName;
use crate::pages::{FieldView, FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    let owner = exchange.session_caller().await?;
    if let Some(refused) = exchange.unreadable(false).filter(|_| exchange.submits()) {
        return Ok(refused);
    }
    let current = owner.as_deref();
    if !exchange.submits() {
        return show(exchange, current).await;
    }
    let proving =
        current.filter(|_| exchange.with_session(|session| session.enrolment().is_none()));
    if let (Some(user), true) = (proving, exchange.request().fields.get("send_code").is_some()) {
        return send_proof(exchange, user).await;
    }
    let code = typed_code(exchange);
    let mut problems = exchange.form_problems(FormName::TwoFactorCode, current.is_some()).await?;
    if problems.is_empty() && code.is_none() {
        problems.push(Problem::new("code", MessageKey::TwoFactorInvalidToken));
    }
    let mut session = exchange.session();
    let changing = current.is_some() || session.enrolment().is_some();
    let core = exchange.core();
    let outcome = match &code {
        Some(code) if problems.is_empty() => {
            let (ctx, remembered) = (exchange.context(), exchange.remember_cookie());
            core.second_factors()
                .validate(ctx, &mut session, current, code, remembered.as_deref())
                .await
        }
        _ => return mistaken(exchange, changing, current, &problems).await,
    };
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(match outcome {
        ValidateOutcome::NotPending => exchange.nothing_pending(),
        ValidateOutcome::Refused(problem) => {
            return mistaken(exchange, changing, current, &[problem]).await;
        }
        ValidateOutcome::ProofNeeded => match current {
            Some(user) => exchange.factor_first(user, Endpoint::TwoFactorSetup),
            None => exchange.nothing_pending(),
        },
        ValidateOutcome::Proven { .. } => {
            if exchange.wants_json() {
                return Ok(exchange.json_ok(None, None, Map::new()));
            }
            exchange.accepted();
            exchange.flash(MessageKey::FactorProven);
            let setup = exchange.endpoint_url(Endpoint::TwoFactorSetup, &[]);
            exchange.redirect(&exchange.wish().unwrap_or(setup))
        }
        ValidateOutcome::Changed { user, remember } => {
            exchange.put_remember(remember);
            if exchange.wants_json() {
                let token = exchange.token_on_request(&user).await?;
                return Ok(exchange.json_ok(Some(&user), token, Map::new()));
            }
            exchange.accepted();
            exchange.flash(MessageKey::TwoFactorChangeMethodSuccessful);
            if core.second_factors().offers_recovery_codes() && user.recovery_codes.is_empty() {
                return Ok(exchange.redirect(&exchange.endpoint_url(Endpoint::RecoveryCodes, &[])));
            }
            exchange.redirect(&exchange.after(after_second_factor(exchange)))
        }
        ValidateOutcome::SignedIn { user, remember, device } => {
            let told = MessageKey::TwoFactorLoginSuccessful.into();
            return signed_in(exchange, &user, remember, device, told, Map::new()).await;
        }
    })
}

/// Returns the answer that ends a pending sign-in.
pub(super) async fn signed_in(
    exchange: &Exchange,
    user: &User,
    remember: RememberChange,
    device: Option<Secret>,
    told: Message,
    mut more: Map<String, Value>,
) -> Answer {
    exchange.put_remember(remember);
    if exchange.wants_json() {
        if let Some(device) = device {
            more.insert("tf_validity_token".to_owned(), device.expose().into());
        }
        // Flask-Security gives none here.
        let token = match exchange.core().auth_tokens().are_listed() {
            true => exchange.token_on_request(user).await?,
            false => None,
        };
        return Ok(exchange.json_ok(Some(user), token, more));
    }
    exchange.accepted();
    exchange.state().device = device.map(|device| device.expose().to_owned());
    exchange.flash(told);
    let view = exchange.config().views.after_sign_in.as_deref();
    Ok(exchange.redirect(&exchange.after(view)))
}

/// Returns the code as a text; numbers count as their digits.
fn typed_code(exchange: &Exchange) -> Option<String> {
    match exchange.request().fields.get("code")? {
        FieldValue::Text(code) => Some(code),
        FieldValue::Other(Value::Number(code)) => Some(written_code(exchange, &code)),
        FieldValue::Other(_) => None,
    }
}

/// Sends the code to whoever is signed in and must give the second factor again.
async fn send_proof(exchange: &Exchange, user: &User) -> Answer {
    let mut problems = exchange.form_problems(FormName::TwoFactorCode, true).await?;
    if problems.is_empty() {
        let sent = exchange.core().second_factors().send_proof(exchange.context(), user).await;
        if !sent.map_err(|error| exchange.flow_failed(&error))? {
            problems.push(Problem::new("code", MessageKey::FailedToSendCode));
        }
    }
    if !problems.is_empty() {
        return Ok(exchange.mistakes(&problems, |found| factor_page(exchange, user, found)));
    }
    if exchange.wants_json() {
        return Ok(exchange.json_ok(None, None, Map::new()));
    }
    let mut page = factor_page(exchange, user, &[]);
    page.flashes.push(exchange.flash_view(MessageKey::FactorCodeSent));
    Ok(exchange.page(StatusCode::OK, page))
}

/// Returns the page that asks whoever is signed in for the second factor.
fn factor_page(exchange: &Exchange, user: &User, problems: &[Problem]) -> PageView {
    let template = "security/two_factor_prove.html";
    let mut code = code_form(exchange, problems);
    for field in &mut code.fields {
        if field.name == "code" {
            field.label = exchange.label(Label::CodeOrRecoveryCode);
        }
    }
    let mut page = exchange.form_page(template, Label::IsItStillYou, code);
    if exchange.core().second_factors().method_of(user).is_some_and(|method| method.is_sent()) {
        let action = exchange.step_url(Endpoint::TwoFactorValidate);
        let mut form =
            FormView::new("two_factor_send_form", action, exchange.label(Label::SendMeACode));
        form.fields.push(FieldView::hidden("send_code", "y"));
        page.forms.push(form);
    }
    page
}

async fn show(exchange: &Exchange, current: Option<&User>) -> Answer {
    let mut session = exchange.session();
    if let Some(user) = current.filter(|_| session.enrolment().is_none()) {
        let needed =
            exchange.core().second_factors().needs_proof(exchange.context(), &session, user).await;
        if needed.map_err(|error| exchange.flow_failed(&error))? {
            return Ok(match exchange.wants_json() {
                true => exchange.json_ok(None, None, Map::new()),
                false => exchange.page(StatusCode::OK, factor_page(exchange, user, &[])),
            });
        }
    }
    let enrolling = session.enrolment().is_some();
    let pending = exchange.core().second_factors().pending(exchange.context(), &session).await;
    let pending = pending.map_err(|error| exchange.flow_failed(&error))?;
    let stage = pending.as_ref().map(|(pending, _)| pending.stage);
    let usable = match current.is_some() {
        true => enrolling,
        false => stage == Some(PendingStage::Code) || (stage.is_some() && enrolling),
    };
    if !usable {
        // A look at this page ends no sign-in that waits for another one.
        if stage.is_none() {
            exchange.core().second_factors().abandon(&mut session);
            exchange.put_session(session);
        }
        return Ok(exchange.nothing_pending());
    }
    if exchange.wants_json() {
        return Ok(exchange.json_ok(None, None, Map::new()));
    }
    let asked = exchange.asked_code(&session, current).await?;
    Ok(exchange.page(StatusCode::OK, again(exchange, enrolling, asked.as_ref(), &[])))
}

/// Returns the answer to a code that was not accepted.
async fn mistaken(
    exchange: &Exchange,
    changing: bool,
    current: Option<&User>,
    problems: &[Problem],
) -> Answer {
    let session = exchange.session();
    if let Some(user) = current.filter(|_| session.enrolment().is_none()) {
        return Ok(exchange.mistakes(problems, |found| factor_page(exchange, user, found)));
    }
    let asked = exchange.asked_code(&session, current).await?;
    Ok(exchange.mistakes(problems, |found| again(exchange, changing, asked.as_ref(), found)))
}

/// Returns the page that the code was typed on.
fn again(
    exchange: &Exchange,
    changing: bool,
    asked: Option<&AskedCode>,
    problems: &[Problem],
) -> PageView {
    let mut page = match changing {
        true => prove_page(exchange, problems),
        false => code_page(exchange, problems),
    };
    asked.iter().for_each(|asked| asked.tell(&mut page, false));
    page
}
