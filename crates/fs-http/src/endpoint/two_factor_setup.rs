//! Choosing a second factor.

use std::sync::Arc;

use fs_core::authn::Authentication;
use fs_core::config::CodeMethod;
use fs_core::flow::{EnrolOutcome, FactorChoice, Problem};
use fs_core::message::MessageKey;
use fs_core::model::User;
use fs_core::totp::TotpSecret;
use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::second_factor_pages::{add_key, after_second_factor, choices, prove_page, setup_page};
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::Typed;
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, caller: Option<&Authentication>) -> Answer {
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    let current = caller.map(|caller| &*caller.user);
    if !exchange.submits() {
        return show(exchange, current).await;
    }
    let mut typed = Typed::default();
    let choice = typed.text(exchange, "setup");
    let phone = typed.text(exchange, "phone");
    let asks_phone = choice == "sms";
    let wrong = |status: StatusCode, problems: &[Problem]| match exchange.wants_json() {
        true => exchange.json_problems(status, problems),
        false => {
            let chosen = asks_phone.then_some(CodeMethod::Sms);
            exchange.page(exchange.status_of_mistakes(), setup_page(exchange, problems, chosen))
        }
    };
    let mut problems = exchange.form_problems(FormName::TwoFactorSetup, current.is_some()).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return Ok(wrong(StatusCode::BAD_REQUEST, &problems));
    }
    let Some(choice) = factor_choice(&choice, phone) else {
        let unknown = Problem::new("setup", MessageKey::TwoFactorMethodNotAvailable);
        return Ok(match enrolling(exchange, current).await? {
            None => exchange.nothing_pending(),
            Some((user, true)) => exchange.factor_first(&user, Endpoint::TwoFactorSetup),
            Some((_, false)) => wrong(StatusCode::BAD_REQUEST, &[unknown]),
        });
    };
    let mut session = exchange.session();
    let core = exchange.core();
    let (ctx, remembered) = (exchange.context(), exchange.remember_cookie());
    let outcome = core
        .second_factors()
        .enrol(ctx, &mut session, current, choice, remembered.as_deref())
        .await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(match outcome {
        EnrolOutcome::NotAllowed => exchange.nothing_pending(),
        EnrolOutcome::ProofNeeded => match current {
            Some(user) => exchange.factor_first(user, Endpoint::TwoFactorSetup),
            None => exchange.nothing_pending(),
        },
        EnrolOutcome::Refused(problem) => wrong(StatusCode::BAD_REQUEST, &[problem]),
        EnrolOutcome::NotSent => {
            let failed = Problem::new("setup", MessageKey::FailedToSendCode);
            wrong(StatusCode::INTERNAL_SERVER_ERROR, &[failed])
        }
        EnrolOutcome::Disabled { remember, .. } => {
            exchange.put_remember(remember);
            if exchange.wants_json() {
                return Ok(exchange.json_ok(None, None, Map::new()));
            }
            exchange.flash(MessageKey::TwoFactorDisabled);
            exchange.redirect(&exchange.view(after_second_factor(exchange), &[]))
        }
        EnrolOutcome::Started { method, key, username } => {
            begun(exchange, current, method, key.as_ref(), &username).await?
        }
    })
}

/// Returns the choice of a form. The older names of methods are in databases only.
fn factor_choice(name: &str, phone: String) -> Option<FactorChoice> {
    let phone = Some(phone).filter(|phone| !phone.trim().is_empty());
    match name {
        "authenticator" => Some(FactorChoice::Authenticator),
        "email" => Some(FactorChoice::Email),
        "sms" => Some(FactorChoice::Sms { phone }),
        "disable" => Some(FactorChoice::Disabled),
        _ => None,
    }
}

/// Returns the user who sets up a second factor, and whether the present one has to be proven
/// first.
async fn enrolling(
    exchange: &Exchange,
    current: Option<&User>,
) -> Result<Option<(Arc<User>, bool)>, Box<http::Response<bytes::Bytes>>> {
    let mut session = exchange.session();
    let (core, ctx) = (exchange.core(), exchange.context());
    let user = core.second_factors().enrolling_user(ctx, &mut session, current).await;
    let user = user.map_err(|error| exchange.flow_failed(&error))?;
    let needs_proof = match current {
        Some(user) => core.second_factors().needs_proof(ctx, &session, user).await,
        None => Ok(false),
    };
    let needs_proof = needs_proof.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(user.map(|user| (user, needs_proof)))
}

async fn show(exchange: &Exchange, current: Option<&User>) -> Answer {
    let Some((user, needs_proof)) = enrolling(exchange, current).await? else {
        return Ok(exchange.nothing_pending());
    };
    if !exchange.wants_json() {
        return Ok(match needs_proof {
            true => exchange.factor_first(&user, Endpoint::TwoFactorSetup),
            false => exchange.page(StatusCode::OK, setup_page(exchange, &[], None)),
        });
    }
    let rules = exchange.core().config().two_factor.as_ref();
    let required = rules.is_some_and(|rules| rules.required);
    let mut more = Map::new();
    more.insert("tf_required".to_owned(), required.into());
    if needs_proof {
        more.insert("tf_proof_required".to_owned(), true.into());
    }
    more.insert("tf_primary_method".to_owned(), user.second_factor.method.clone().into());
    more.insert("tf_phone_number".to_owned(), user.second_factor.phone.clone().into());
    let names: Vec<Value> = choices(exchange).into_iter().map(|(name, _)| name.into()).collect();
    more.insert("tf_available_methods".to_owned(), names.into());
    Ok(exchange.json_ok(None, None, more))
}

async fn begun(
    exchange: &Exchange,
    current: Option<&User>,
    method: CodeMethod,
    key: Option<&TotpSecret>,
    username: &str,
) -> Answer {
    let issuer = exchange.core().config().totp.issuer.as_str();
    if exchange.wants_json() {
        let mut more = Map::new();
        more.insert("tf_state".to_owned(), "validating_profile".into());
        more.insert("tf_primary_method".to_owned(), method.name().into());
        if let Some(key) = key {
            more.insert("tf_authr_key".to_owned(), key.to_groups().expose().into());
            more.insert("tf_authr_username".to_owned(), username.into());
            more.insert("tf_authr_issuer".to_owned(), issuer.into());
        }
        return Ok(exchange.json_ok(None, None, more));
    }
    let waits_for_phone = exchange
        .with_session(|session| session.enrolment().is_some_and(|begun| begun.phone.is_none()))
        && method == CodeMethod::Sms;
    let mut page = match waits_for_phone {
        true => setup_page(exchange, &[], Some(method)),
        false => prove_page(exchange, &[]),
    };
    if let Some(key) = key {
        add_key(exchange, &mut page, key, issuer, username);
    }
    let asked = exchange.asked_code(&exchange.session(), current).await?;
    asked.iter().for_each(|asked| asked.tell(&mut page, !waits_for_phone));
    Ok(exchange.page(StatusCode::OK, page))
}
