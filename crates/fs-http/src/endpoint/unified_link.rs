//! Following the link of a mailed code.

use fs_core::flow::CodeLinkOutcome;
use fs_core::message::MessageKey;

use super::answer::Answer;
use super::sign_in_link::{link_failed, link_judged};
use crate::exchange::Exchange;
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange) -> Answer {
    let value = |name| exchange.request().query_value(name).filter(|value| !value.is_empty());
    let start = Endpoint::UnifiedSignIn;
    let (Some(email), Some(code)) = (value("email"), value("code")) else {
        return Ok(link_failed(exchange, start, MessageKey::ApiError.into(), None));
    };
    let mut session = exchange.session();
    let core = exchange.core();
    // A single-page application starts its own sign-in with a second factor.
    let begin = !exchange.config().redirects.spa || exchange.tells_of_link();
    let outcome = core
        .sign_in()
        .follow_code_link(exchange.context(), &mut session, &email, &code, begin)
        .await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    let explicit = core.config().disclosure == fs_core::config::Disclosure::Explicit;
    let failed = |key: MessageKey, user| {
        // What tells of an account is told only where it may be.
        let key = if explicit { key } else { MessageKey::InvalidCode };
        link_failed(exchange, start, key.into(), user)
    };
    Ok(match outcome {
        CodeLinkOutcome::UnknownUser => failed(MessageKey::UserDoesNotExist, None),
        CodeLinkOutcome::Inactive => failed(MessageKey::DisabledAccount, None),
        CodeLinkOutcome::InvalidCode(user) => {
            failed(MessageKey::InvalidCode, Some(&*user).filter(|_| explicit))
        }
        CodeLinkOutcome::Judged(outcome) => link_judged(exchange, outcome, start).await?,
    })
}
