//! Signing out.

use http::{Method, StatusCode};
use serde_json::json;

use super::Answer;
use crate::config::CsrfScope;
use crate::exchange::Exchange;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    // Flask-Security lets anybody's link sign people out; where it is by POST alone, ours does not.
    let config = exchange.config();
    let by_post_alone = !config.sign_out_methods.contains(&Method::GET);
    match (exchange.caller().await?, &config.csrf.scope) {
        (Some(caller), CsrfScope::Mechanisms(_)) if by_post_alone => {
            exchange.csrf_for_mechanism(caller.mechanism)?;
        }
        (Some(_), CsrfScope::Everything) if by_post_alone => exchange.csrf_for_everything()?,
        _ => {}
    }
    let done = exchange.sign_out().await;
    done.map_err(|error| exchange.flow_failed(&error))?;
    if exchange.request().method == Method::POST && exchange.wants_json() {
        return Ok(exchange.json(StatusCode::OK, json!({}), None));
    }
    let view = exchange.config().views.after_sign_out.as_deref();
    Ok(exchange.redirect(&exchange.after(view)))
}
