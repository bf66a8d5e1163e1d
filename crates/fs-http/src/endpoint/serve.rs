//! Answers a request for an endpoint: method, CSRF, requirement, then the endpoint itself.

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Response, StatusCode};

use super::admission::{admit, known};
use super::answer::Answer;
use super::{
    auth_tokens, change_password, confirm, follow_link, forgot_password, recovery_codes, register,
    reset_password, send_confirmation, sign_in, sign_in_link, sign_out, two_factor_rescue,
    two_factor_setup, two_factor_validate, undo_change, unified_link, unified_setup,
    unified_sign_in, unified_verify, use_recovery_code, verify,
};
use crate::exchange::Exchange;
use crate::panic::catch_panic;
use crate::route::Endpoint;
use crate::routes::{Matched, Route};

/// Answers a request for one of our endpoints, or one that must go no further.
///
/// An answer that says that something failed brings no cookie of a session that was made before it
/// did.
pub(crate) async fn serve(exchange: &Exchange) -> Option<Response<Bytes>> {
    let answer = catch_panic(answer_to(exchange)).await.unwrap_or_else(Some)?;
    if answer.status().is_server_error() {
        exchange.discard();
    }
    Some(answer)
}

async fn answer_to(exchange: &Exchange) -> Option<Response<Bytes>> {
    let matched = exchange.matched();
    let not_read = match matched {
        Some(_) => exchange.not_read(),
        None => exchange.too_slow(),
    };
    if let Some(refused) = not_read {
        return Some(refused);
    }
    if matched.is_none_or(|matched| matched.endpoint != Endpoint::SignOut)
        && let Err(refused) = exchange.csrf_for_everything()
    {
        return Some(*refused);
    }
    let matched = matched?;
    let route = exchange.site().routes.get(matched.endpoint)?;
    if !allows(route, &exchange.request().method) {
        return Some(not_allowed(exchange, route));
    }
    if exchange.request().method == Method::HEAD && route.endpoint.acts_on_get() {
        return Some(exchange.bare(StatusCode::OK));
    }
    // Boxed, as all flows are that few requests come to: else every request would carry their room.
    Some(Box::pin(answer(exchange, matched)).await.unwrap_or_else(|refused| *refused))
}

fn allows(route: &Route, method: &Method) -> bool {
    let head = *method == Method::HEAD && route.methods.contains(&Method::GET);
    head || route.methods.contains(method)
}

fn not_allowed(exchange: &Exchange, route: &Route) -> Response<Bytes> {
    let mut names: Vec<_> = route.methods.iter().map(Method::as_str).collect();
    if route.methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let options = exchange.request().method == Method::OPTIONS;
    let mut response = match options {
        true => Response::new(Bytes::new()),
        false => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            exchange.page(status, exchange.error_view(status, None))
        }
    };
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

async fn answer(exchange: &Exchange, matched: &Matched) -> Answer {
    let press = exchange.press_of(matched.endpoint);
    if let Some(done) = press.as_ref().and_then(|press| exchange.done_already(press)) {
        return Ok(done);
    }
    let answer = dispatch(exchange, matched).await?;
    if let Some(press) = press {
        exchange.note_done(&press, &answer);
    }
    Ok(answer)
}

async fn dispatch(exchange: &Exchange, matched: &Matched) -> Answer {
    let token = matched.token.as_deref().unwrap_or_default();
    let caller = admit(exchange, matched.endpoint).await?;
    if let Some(asked) = follow_link::ask_first(exchange, matched.endpoint, token).await? {
        return Ok(asked);
    }
    match matched.endpoint {
        Endpoint::SignIn if exchange.core().config().sign_in_links.is_some() => {
            sign_in_link::answer(exchange).await
        }
        Endpoint::SignIn if exchange.config().unified_replaces_sign_in => {
            unified_sign_in::answer(exchange).await
        }
        Endpoint::SignIn => sign_in::answer(exchange).await,
        Endpoint::SignOut => sign_out::answer(exchange).await,
        Endpoint::Verify => verify::answer(exchange, &known(exchange, caller)?).await,
        Endpoint::Register => register::answer(exchange).await,
        Endpoint::SendConfirmation => send_confirmation::answer(exchange).await,
        Endpoint::Confirm => confirm::answer(exchange, token).await,
        Endpoint::ForgotPassword => forgot_password::answer(exchange).await,
        Endpoint::ResetPassword => reset_password::answer(exchange, token).await,
        Endpoint::ChangePassword => {
            change_password::answer(exchange, &known(exchange, caller)?).await
        }
        Endpoint::SignInLink => sign_in_link::follow(exchange, token).await,
        Endpoint::TwoFactorSetup => two_factor_setup::answer(exchange, caller.as_ref()).await,
        Endpoint::TwoFactorValidate => two_factor_validate::answer(exchange).await,
        Endpoint::TwoFactorRescue => two_factor_rescue::answer(exchange).await,
        Endpoint::RecoveryCodes => {
            recovery_codes::answer(exchange, &known(exchange, caller)?).await
        }
        Endpoint::UseRecoveryCode => use_recovery_code::answer(exchange).await,
        Endpoint::AuthTokens => auth_tokens::answer(exchange, &known(exchange, caller)?).await,
        Endpoint::UnifiedSignIn => unified_sign_in::answer(exchange).await,
        Endpoint::UnifiedSendCode => unified_sign_in::send_code(exchange).await,
        Endpoint::UnifiedSetup => unified_setup::answer(exchange, &known(exchange, caller)?).await,
        Endpoint::UnifiedSetupValidate => {
            unified_setup::validate(exchange, &known(exchange, caller)?, token).await
        }
        Endpoint::UnifiedVerify => {
            unified_verify::answer(exchange, &known(exchange, caller)?).await
        }
        Endpoint::UnifiedVerifySendCode => {
            unified_verify::send_code(exchange, &known(exchange, caller)?).await
        }
        Endpoint::UnifiedLink => unified_link::answer(exchange).await,
        Endpoint::UndoChange => undo_change::answer(exchange, token).await,
    }
}
