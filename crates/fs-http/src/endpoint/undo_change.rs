//! Undoing changes of the password, second factors and sign-in methods: "this was not me".

use fs_core::flow::{UndoCheck, UndoKind, UndoOutcome};
use fs_core::message::{Label, MessageKey, PageText};
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::follow_link::{Words, button_page, page};
use crate::exchange::Exchange;
use crate::route::Endpoint;

const FACTORS: Words =
    Words { title: Label::WasThisNotYou, text: PageText::UndoText, button: Label::ThisWasNotMe };
const PASSWORD: Words = Words { text: PageText::UndoPasswordText, ..FACTORS };

pub(super) async fn answer(exchange: &Exchange, token: &str) -> Answer {
    let (core, ctx) = (exchange.core(), exchange.context());
    if !exchange.submits() {
        return Ok(match words(exchange, token).await? {
            Some(words) => button_page(exchange, words),
            None => invalid(exchange),
        });
    }
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    let signed_in = exchange.caller().await?.is_some();
    let problems = exchange.csrf_problems(signed_in)?;
    if !problems.is_empty() {
        let words = words(exchange, token).await?.unwrap_or(&FACTORS);
        return Ok(exchange.mistakes(&problems, |problems| page(exchange, words, problems)));
    }
    let mut session = exchange.session();
    let outcome = core.second_factors().undo_changes(ctx, &mut session, token).await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        UndoOutcome::Invalid => invalid(exchange),
        UndoOutcome::Done { reset, .. } => {
            exchange.put_session(session);
            if exchange.wants_json() {
                let token = reset.expose().into();
                return Ok(exchange.json_ok(
                    None,
                    None,
                    Map::from_iter([("reset_token".to_owned(), token)]),
                ));
            }
            exchange.flash(MessageKey::ChangesUndone);
            let form = exchange.site().routes.link(Endpoint::ResetPassword, reset.expose());
            exchange.redirect(&form.unwrap_or_default())
        }
    })
}

/// Returns the texts of the page of a link that works.
async fn words(
    exchange: &Exchange,
    token: &str,
) -> Result<Option<&'static Words>, Box<http::Response<bytes::Bytes>>> {
    let checked = exchange.core().second_factors().check_undo(exchange.context(), token).await;
    Ok(match checked.map_err(|error| exchange.flow_failed(&error))? {
        UndoCheck::Good { kind: UndoKind::Factors, .. } => Some(&FACTORS),
        UndoCheck::Good { kind: UndoKind::Password, .. } => Some(&PASSWORD),
        UndoCheck::Invalid => None,
    })
}

fn invalid(exchange: &Exchange) -> http::Response<bytes::Bytes> {
    let message = MessageKey::InvalidUndoToken;
    if exchange.wants_json() {
        return exchange.refusal(StatusCode::BAD_REQUEST, message.into());
    }
    exchange.flash(message);
    exchange.redirect(&exchange.endpoint_url(Endpoint::ForgotPassword, &[]))
}
