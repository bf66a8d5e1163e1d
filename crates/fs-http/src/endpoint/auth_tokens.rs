//! The list of the caller's auth tokens, and ending them.

use fs_core::authn::Authentication;
use fs_core::flow::{AuthTokenInfo, Problem};
use fs_core::message::{Label, MessageKey};
use fs_core::model::{CredentialKey, User};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::form::FormName;
use crate::pages::{FieldView, FormView, PageView};
use crate::route::Endpoint;

/// The field that names the token to end.
const FIELD: &str = "end";
/// Value of the field that revokes all tokens.
const ALL: &str = "all";

pub(super) async fn answer(exchange: &Exchange, caller: &Authentication) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(false).filter(|_| exchange.submits()) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return shown(exchange, user, &[]).await;
    }
    let mut problems = exchange.form_problems(FormName::AuthTokens, true).await?;
    if problems.is_empty() {
        let Some(FieldValue::Text(which)) = exchange.request().fields.get(FIELD) else {
            problems.push(Problem::new(FIELD, MessageKey::InvalidInput));
            return refused(exchange, user, &problems).await;
        };
        if end(exchange, user, &which).await? {
            if exchange.wants_json() {
                return shown(exchange, user, &[]).await;
            }
            exchange.flash(MessageKey::AuthTokenEnded);
            return Ok(exchange.redirect(&exchange.endpoint_url(Endpoint::AuthTokens, &[])));
        }
        problems.push(Problem::new(FIELD, MessageKey::AuthTokenUnknown));
    }
    refused(exchange, user, &problems).await
}

/// Ends one token or all; false if there is no such token.
async fn end(
    exchange: &Exchange,
    user: &User,
    which: &str,
) -> Result<bool, Box<http::Response<bytes::Bytes>>> {
    let (core, ctx) = (exchange.core(), exchange.context());
    let ended = match which {
        ALL => core.auth_tokens().end_all(ctx, user).await.map(|()| true),
        id => core.auth_tokens().end(ctx, user, &CredentialKey::new(id)).await,
    };
    ended.map_err(|error| exchange.flow_failed(&error))
}

async fn refused(exchange: &Exchange, user: &User, problems: &[Problem]) -> Answer {
    match exchange.wants_json() {
        true => Ok(exchange.json_problems(StatusCode::BAD_REQUEST, problems)),
        false => shown(exchange, user, problems).await,
    }
}

async fn shown(exchange: &Exchange, user: &User, problems: &[Problem]) -> Answer {
    let tokens = exchange.core().auth_tokens().list(exchange.context(), user).await;
    let tokens = tokens.map_err(|error| exchange.flow_failed(&error))?;
    let listed: Vec<_> = tokens.iter().map(in_json).collect();
    let extra = ("auth_tokens".to_owned(), Value::from(listed));
    if exchange.wants_json() {
        return Ok(exchange.json_ok(None, None, Map::from_iter([extra])));
    }
    let mut page =
        PageView::new("security/auth_tokens.html", exchange.label(Label::ProgramsWithAccess));
    let ending = tokens.iter().map(|token| (token.id.as_str(), Label::EndAccess));
    let all = (tokens.len() > 1).then_some((ALL, Label::EndAllAccess));
    for (index, (which, submit)) in ending.chain(all).enumerate() {
        let action = exchange.endpoint_url(Endpoint::AuthTokens, &[]);
        let mut form = FormView::new(FormName::AuthTokens.as_str(), action, exchange.label(submit));
        form.fields.push(FieldView::hidden(FIELD, which));
        // What is wrong is said once.
        exchange.mark(&mut form, if index == 0 { problems } else { &[] });
        page.forms.push(form);
    }
    page.extra.extend([extra]);
    Ok(exchange.page(StatusCode::OK, page))
}

fn in_json(token: &AuthTokenInfo) -> Value {
    json!({
        "id": token.id.as_str(),
        "name": token.name,
        "created_at": token.created_at.to_string(),
        "used_at": token.used_at.map(|moment| moment.to_string()),
        "expires_at": token.expires_at.map(|moment| moment.to_string()),
    })
}
