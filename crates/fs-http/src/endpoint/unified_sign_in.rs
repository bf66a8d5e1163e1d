//! Signing in with an identity and a password or code.

use bytes::Bytes;
use fs_core::Config;
use fs_core::config::Disclosure;
use fs_core::flow::{Passcode, Problem, SendCodeOutcome, SignInOutcome, SignInRefusal};
use fs_core::identity::IdentityAttribute;
use fs_core::message::{Label, MessageKey};
use fs_core::secret::Secret;
use http::{Response, StatusCode};
use serde_json::Map;

use super::answer::Answer;
use super::passcode::{
    add_send_code, chosen_method, expect_code, methods, passcode_field, typed_passcode,
};
use super::sign_in::not_signed_in;
use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::form::FormName;
use crate::pages::{FieldKind, FieldView, FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if !exchange.submits() && !exchange.wants_json() && exchange.caller().await?.is_some() {
        let view = exchange.config().views.after_sign_in.as_deref();
        return Ok(exchange.redirect(&exchange.after(view)));
    }
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(shown(exchange));
    }
    submit(exchange).await
}

async fn submit(exchange: &Exchange) -> Answer {
    let (identity, mut problems) = typed_identity(exchange);
    let passcode = typed_passcode(exchange).unwrap_or_default();
    let mut found = exchange.form_problems(FormName::UnifiedSignIn, false).await?;
    found.append(&mut problems);
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &identity)))
    };
    if !found.is_empty() {
        return wrong(&found);
    }
    let mut typed = Passcode::new(identity.clone(), Secret::from(passcode));
    typed.remember = exchange.is_checked("remember").unwrap_or(false);
    typed.device = exchange.device_token();
    let mut session = exchange.session();
    let core = exchange.core();
    let outcome = core.sign_in().with_passcode(exchange.context(), &mut session, typed).await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    match outcome {
        SignInOutcome::SecondFactor { challenge, .. } => Ok(exchange.challenged(&challenge)),
        SignInOutcome::Done { user, remember } => {
            exchange.put_remember(remember);
            if !exchange.wants_json() {
                let view = exchange.config().views.after_sign_in.as_deref();
                return Ok(exchange.redirect(&exchange.after(view)));
            }
            let token = exchange.token_on_request(&user).await?;
            Ok(exchange.json_ok(Some(&user), token, Map::new()))
        }
        SignInOutcome::Refused(refusal) => {
            let view = exchange.config().views.requires_confirmation.as_deref();
            let config = core.config();
            if let (SignInRefusal::Unconfirmed { .. }, Disclosure::Explicit, Some(view), false) =
                (&refusal, config.disclosure, view, exchange.wants_json())
            {
                exchange.flash(MessageKey::ConfirmationRequired);
                return Ok(exchange.redirect(&exchange.view(Some(view), &[])));
            }
            wrong(&[refused(&refusal, config)])
        }
    }
}

fn refused(refusal: &SignInRefusal, config: &Config) -> Problem {
    let (field, key) = match (refusal, config.disclosure) {
        (SignInRefusal::Inactive, _) => ("identity", MessageKey::DisabledAccount),
        (SignInRefusal::SameFactor, _) => ("passcode", MessageKey::SameFactor),
        (_, Disclosure::Generic) => ("passcode", not_signed_in(config)),
        (SignInRefusal::Unconfirmed { .. }, _) => ("identity", MessageKey::ConfirmationRequired),
        (SignInRefusal::UnknownIdentity, Disclosure::Explicit) => {
            ("identity", MessageKey::UsSpecifyIdentity)
        }
        _ => ("passcode", MessageKey::InvalidPasswordCode),
    };
    Problem::new(field, key)
}

/// Asking for a code.
pub(super) async fn send_code(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(shown(exchange));
    }
    let (identity, mut problems) = typed_identity(exchange);
    let mut found = exchange.form_problems(FormName::UnifiedSignIn, false).await?;
    found.append(&mut problems);
    let wrong = |status: StatusCode, problems: &[Problem]| match exchange.wants_json() {
        true => exchange.json_problems(status, problems),
        false => exchange.page(StatusCode::OK, page(exchange, problems, &identity)),
    };
    if !found.is_empty() {
        return Ok(wrong(StatusCode::BAD_REQUEST, &found));
    }
    let chosen = match chosen_method(exchange) {
        Ok(chosen) => chosen,
        Err(problem) => return Ok(wrong(StatusCode::BAD_REQUEST, &[problem])),
    };
    let core = exchange.core();
    let outcome = core.sign_in().send_code(exchange.context(), &identity, chosen).await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SendCodeOutcome::Refused(problem) => wrong(StatusCode::BAD_REQUEST, &[problem]),
        SendCodeOutcome::NotSent => {
            let failed = Problem::new("chosen_method", MessageKey::FailedToSendCode);
            wrong(StatusCode::INTERNAL_SERVER_ERROR, &[failed])
        }
        SendCodeOutcome::Sent if exchange.wants_json() => exchange.json_ok(None, None, Map::new()),
        SendCodeOutcome::Sent => {
            let mut page = page(exchange, &[], &identity);
            page.extra.insert("code_sent".to_owned(), true.into());
            page.extra.insert("chosen_method".to_owned(), chosen.name().into());
            page.forms.iter_mut().for_each(|form| expect_code(exchange, form));
            exchange.page(StatusCode::OK, page)
        }
    })
}

fn typed_identity(exchange: &Exchange) -> (String, Vec<Problem>) {
    match exchange.request().fields.get("identity") {
        Some(FieldValue::Text(identity)) if !identity.trim().is_empty() => (identity, Vec::new()),
        Some(FieldValue::Other(_)) => {
            (String::new(), vec![Problem::new("identity", MessageKey::InvalidInput)])
        }
        _ => (String::new(), vec![Problem::new("identity", MessageKey::FieldRequired)]),
    }
}

fn shown(exchange: &Exchange) -> Response<Bytes> {
    if !exchange.wants_json() {
        return exchange.page(StatusCode::OK, page(exchange, &[], ""));
    }
    let mut more = methods(exchange);
    let order = &exchange.core().config().identities.order;
    let names = order.iter().map(|rule| match rule.attribute {
        IdentityAttribute::Email => "email",
        IdentityAttribute::Username => "username",
        IdentityAttribute::Phone => "us_phone_number",
    });
    more.insert("identity_attributes".to_owned(), names.collect::<Vec<_>>().into());
    exchange.json_ok(None, None, more)
}

fn page(exchange: &Exchange, problems: &[Problem], identity: &str) -> PageView {
    let action = exchange.step_url(Endpoint::UnifiedSignIn);
    let mut form = FormView::new("us_signin_form", action, exchange.label(Label::SignIn));
    form.fields.push(FieldView {
        value: identity.to_owned(),
        autocomplete: Some("username".to_owned()),
        autofocus: identity.is_empty(),
        ..FieldView::new(FieldKind::Text, "identity", exchange.label(Label::EmailNameOrNumber))
    });
    form.fields.push(passcode_field(exchange));
    let label = exchange.label(Label::Remember);
    form.fields.push(FieldView::new(FieldKind::Checkbox, "remember", label));
    let send = exchange.step_url(Endpoint::UnifiedSendCode);
    add_send_code(exchange, &mut form, send);
    exchange.mark(&mut form, problems);
    let mut page = exchange.form_page("security/us_signin.html", Label::SignIn, form);
    page.extra.extend(methods(exchange));
    page
}
