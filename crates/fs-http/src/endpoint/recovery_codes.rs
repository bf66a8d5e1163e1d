//! Making recovery codes.

use fs_core::authn::Authentication;
use fs_core::flow::{MakeRecoveryCodesOutcome, Problem};
use fs_core::message::{Label, MessageKey};
use fs_core::model::User;
use fs_core::recovery_code::RecoveryCode;
use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::second_factor_pages::after_second_factor;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::pages::{FormView, LinkView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, caller: &Authentication) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(shown(exchange, user));
    }
    let problems = exchange.form_problems(FormName::RecoveryCodes, true).await?;
    if !problems.is_empty() {
        return Ok(exchange.mistakes(&problems, |problems| page(exchange, user, problems)));
    }
    let session = exchange.session();
    let outcome = exchange
        .core()
        .second_factors()
        .make_recovery_codes(exchange.context(), &session, user)
        .await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        MakeRecoveryCodesOutcome::NoSecondFactor => no_second_factor(exchange),
        MakeRecoveryCodesOutcome::ProofNeeded => {
            exchange.factor_first(user, Endpoint::RecoveryCodes)
        }
        MakeRecoveryCodesOutcome::Made(codes) => made(exchange, &codes),
    })
}

/// Shows the number of remaining codes. The codes themselves were shown when they were created.
fn shown(exchange: &Exchange, user: &User) -> http::Response<bytes::Bytes> {
    if exchange.wants_json() {
        let left = user.recovery_codes.len().into();
        return exchange.json_ok(None, None, Map::from_iter([("remaining".to_owned(), left)]));
    }
    if exchange.core().second_factors().method_of(user).is_none() {
        return no_second_factor(exchange);
    }
    exchange.page(StatusCode::OK, page(exchange, user, &[]))
}

fn no_second_factor(exchange: &Exchange) -> http::Response<bytes::Bytes> {
    let needed = MessageKey::SecondFactorNeeded;
    if exchange.wants_json() {
        return exchange.refusal(StatusCode::BAD_REQUEST, needed.into());
    }
    exchange.flash(needed);
    exchange.redirect(&exchange.endpoint_url(Endpoint::TwoFactorSetup, &[]))
}

fn made(exchange: &Exchange, codes: &[RecoveryCode]) -> http::Response<bytes::Bytes> {
    let texts: Vec<Value> = codes.iter().map(|code| code.expose().into()).collect();
    let extra =
        [("recovery_codes".to_owned(), texts.into()), ("remaining".to_owned(), codes.len().into())];
    if exchange.wants_json() {
        return exchange.json_ok(None, None, Map::from_iter(extra));
    }
    let mut page = PageView::new(TEMPLATE, exchange.label(Label::YourRecoveryCodes));
    page.extra.extend(extra);
    page.links.push(LinkView {
        href: exchange.view(after_second_factor(exchange), &[]),
        text: exchange.label(Label::CodesKept),
    });
    exchange.page(StatusCode::OK, page)
}

const TEMPLATE: &str = "security/recovery_codes.html";

fn page(exchange: &Exchange, user: &User, problems: &[Problem]) -> PageView {
    let action = exchange.endpoint_url(Endpoint::RecoveryCodes, &[]);
    let left = user.recovery_codes.len();
    let submit = if left == 0 { Label::MakeCodes } else { Label::MakeNewCodes };
    let mut form = FormView::new("mf_recovery_codes_form", action, exchange.label(submit));
    exchange.mark(&mut form, problems);
    let mut page = exchange.form_page(TEMPLATE, Label::YourRecoveryCodes, form);
    page.extra.insert("remaining".to_owned(), left.into());
    page
}
