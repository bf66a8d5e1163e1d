//! Help with a second factor.

use fs_core::config::CodeMethod;
use fs_core::flow::{Problem, RescueOutcome, RescueReason};
use fs_core::message::MessageKey;
use fs_core::second_factor::PendingStage;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::second_factor_pages::code_page;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::Typed;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(false) {
        return Ok(refused);
    }
    if !exchange.submits() {
        let session = exchange.session();
        let pending =
            exchange.core().second_factors().challenge_of(exchange.context(), &session).await;
        let pending = pending.map_err(|error| exchange.flow_failed(&error))?;
        let waits = pending.is_some_and(|found| found.stage == PendingStage::Code);
        return Ok(match (waits, exchange.wants_json()) {
            (false, _) => exchange.nothing_pending(),
            (true, true) => exchange.json_ok(None, None, Map::new()),
            (true, false) => {
                let mut page = code_page(exchange, &[]);
                // Opens the form for help.
                page.extra.insert("problem".to_owned(), "".into());
                let asked = exchange.asked_code(&session, None).await?;
                asked.iter().for_each(|asked| asked.tell(&mut page, false));
                exchange.page(StatusCode::OK, page)
            }
        });
    }
    let mut typed = Typed::default();
    let reason = typed.text(exchange, "help_setup");
    let wrong = |status: StatusCode, problems: &[Problem]| match exchange.wants_json() {
        true => exchange.json_problems(status, problems),
        false => exchange.page(StatusCode::OK, code_page(exchange, problems)),
    };
    let mut problems = exchange.form_problems(FormName::TwoFactorRescue, false).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return Ok(wrong(StatusCode::BAD_REQUEST, &problems));
    }
    let mut session = exchange.session();
    let (ctx, flows) = (exchange.context(), exchange.core().second_factors());
    let Ok(reason) = reason.parse::<RescueReason>() else {
        let pending = flows.pending(ctx, &session).await;
        let pending = pending.map_err(|error| exchange.flow_failed(&error))?;
        if pending.is_none() {
            flows.abandon(&mut session);
            exchange.put_session(session);
        }
        let waits = pending.is_some_and(|(pending, _)| pending.stage == PendingStage::Code);
        let unknown = Problem::new("help_setup", MessageKey::InvalidChoice);
        return Ok(match waits {
            true => wrong(StatusCode::BAD_REQUEST, &[unknown]),
            false => exchange.nothing_pending(),
        });
    };
    let outcome = flows.rescue(ctx, &mut session, reason).await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(match outcome {
        RescueOutcome::NotPending => exchange.nothing_pending(),
        RescueOutcome::Refused(problem) => wrong(StatusCode::BAD_REQUEST, &[problem]),
        RescueOutcome::NotSent => {
            let failed = Problem::new("help_setup", MessageKey::FailedToSendCode);
            wrong(StatusCode::INTERNAL_SERVER_ERROR, &[failed])
        }
        RescueOutcome::Sent if exchange.wants_json() => exchange.json_ok(None, None, Map::new()),
        RescueOutcome::Sent => {
            let mut page = code_page(exchange, &[]);
            let rules = exchange.core().config().two_factor.as_ref();
            if reason == RescueReason::LostDevice {
                page.extra.insert("chosen_method".to_owned(), CodeMethod::Email.name().into());
                page.extra.insert("code_sent".to_owned(), true.into());
            }
            // The default leads nowhere: nobody is helped by reading it.
            let rescue = rules.map(|rules| rules.rescue_mail.as_str());
            if let Some(rescue) = rescue.filter(|address| !address.ends_with("@localhost")) {
                page.extra.insert("rescue_mail".to_owned(), rescue.into());
            }
            page.extra.insert("problem".to_owned(), reason.name().into());
            exchange.page(StatusCode::OK, page)
        }
    })
}
