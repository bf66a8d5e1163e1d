//! Signing out.

use fs_core::authn::Mechanism;
use http::{Method, StatusCode};
use serde_json::json;

use super::answer::Answer;
use crate::config::CsrfScope;
use crate::exchange::Exchange;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    // Flask-Security lets anybody's link sign people out; where it is by POST alone, ours does not.
    let config = exchange.config();
    let by_post_alone = !config.sign_out_methods.contains(&Method::GET);
    if let Some(caller) = exchange.caller().await? {
        exchange.only_one_person(&caller).await?;
    }
    // The token is asked for because of what the browser would lose, whatever else names the caller:
    // its session, a sign-in that waits for its second factor, the memory of a registration, or a
    // remember cookie, even one that is refused now.
    let is_begun = exchange.with_session(|session| {
        session.pending().is_some() || session.enrolment().is_some() || session.has_registered()
    });
    let is_remembered = exchange.remember_cookie().is_some();
    let has_session = exchange.session_caller().await?.is_some() || is_begun || is_remembered;
    match &config.csrf.scope {
        CsrfScope::Mechanisms(_) if by_post_alone && has_session => {
            exchange.csrf_for_mechanism(Mechanism::Session)?;
        }
        CsrfScope::Everything if by_post_alone && has_session => exchange.csrf_for_everything()?,
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
