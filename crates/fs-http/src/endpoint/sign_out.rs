//! Signing out.

use http::{Method, StatusCode};
use serde_json::json;

use super::Answer;
use crate::config::CsrfScope;
use crate::exchange::Exchange;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    // Flask-Security lets anybody's link sign people out; with CSRF by mechanism ours does not.
    if let (Some(caller), CsrfScope::Mechanisms(_), true) =
        (exchange.caller().await?, &exchange.config().csrf.scope, exchange.config().strict_bodies)
    {
        exchange.csrf_for_mechanism(caller.mechanism)?;
    }
    let done = exchange.sign_out().await;
    done.map_err(|error| exchange.flow_failed(&error))?;
    if exchange.request().method == Method::POST && exchange.wants_json() {
        return Ok(exchange.json(StatusCode::OK, json!({}), None));
    }
    let view = exchange.config().views.after_sign_out.as_deref();
    Ok(exchange.redirect(&exchange.after(view)))
}
