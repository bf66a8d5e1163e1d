//! Following a confirmation link.

use fs_core::flow::ConfirmOutcome;
use fs_core::message::{Message, MessageKey};
use fs_core::model::User;
use http::StatusCode;
use serde_json::Map;

use super::Answer;
use crate::exchange::Exchange;
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, token: &str) -> Answer {
    let owner = exchange.session_caller().await?;
    let current = owner.as_deref();
    let mut visit = exchange.visit();
    let (core, ctx, cookie) = (exchange.core(), exchange.context(), exchange.remember_cookie());
    let outcome = core.confirm(ctx, &mut visit, current, cookie.as_deref(), token).await;
    let views = &exchange.config().views;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        ConfirmOutcome::Invalid => {
            failed(exchange, MessageKey::InvalidConfirmationToken.into(), None)
        }
        ConfirmOutcome::AlreadyConfirmed(user) => {
            failed(exchange, MessageKey::AlreadyConfirmed.into(), Some(&user))
        }
        ConfirmOutcome::Expired(user) => {
            let within = exchange.core().config().confirmation.as_ref().map(|rules| rules.within);
            let within = within.map(fs_core::span_text).unwrap_or_default();
            let message = Message::new(MessageKey::ConfirmationExpired)
                .with("within", within)
                .with("email", &user.email);
            failed(exchange, message, Some(&user))
        }
        ConfirmOutcome::Done { user, remember, challenge, signed_in, .. } => {
            exchange.put_visit(visit);
            exchange.put_remember(remember);
            if let Some(challenge) = &challenge {
                return Ok(exchange.challenged(challenge));
            }
            if exchange.tells_of_link() {
                let token = match signed_in {
                    true => exchange.token_on_request(&user).await?,
                    false => None,
                };
                return Ok(exchange.json_ok(Some(&user), token, Map::new()));
            }
            let sign_in_after =
                exchange.core().config().confirmation.as_ref().is_some_and(|r| r.sign_in_after);
            let message = MessageKey::EmailConfirmed;
            if exchange.config().redirects.spa {
                let to =
                    exchange.spa_view(views.after_confirm.as_deref(), message.into(), Some(&user));
                return Ok(exchange.redirect(&to));
            }
            exchange.accepted();
            exchange.flash(message);
            let to = match (&views.after_confirm, sign_in_after) {
                (Some(view), _) => exchange.view(Some(view), &[]),
                (None, true) => exchange.view(views.after_sign_in.as_deref(), &[]),
                (None, false) => exchange.endpoint_url(Endpoint::SignIn, &[]),
            };
            exchange.redirect(&to)
        }
    })
}

fn failed(
    exchange: &Exchange,
    message: Message,
    user: Option<&User>,
) -> http::Response<bytes::Bytes> {
    if exchange.tells_of_link() {
        return exchange.refusal(StatusCode::BAD_REQUEST, message);
    }
    let view = exchange.config().views.confirm_error.as_deref();
    if exchange.config().redirects.spa {
        return exchange.redirect(&exchange.spa_view(view, message, user));
    }
    exchange.flash(message);
    let to = match view {
        Some(view) => exchange.view(Some(view), &[]),
        None => exchange.endpoint_url(Endpoint::SendConfirmation, &[]),
    };
    exchange.redirect(&to)
}

impl Exchange {
    /// A view of a single-page application, told what happened and to whom.
    pub(super) fn spa_view(
        &self,
        view: Option<&str>,
        message: Message,
        user: Option<&User>,
    ) -> String {
        let category = self.category(message.key).as_str();
        let text = self.text(message);
        let mut query = vec![(category, text.as_str())];
        if let Some(user) = user {
            query.extend(self.spa_query(user));
        }
        self.view(view, &query)
    }
}
