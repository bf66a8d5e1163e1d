//! Signing in by a link in a mail.

use fs_core::flow::{FollowLinkOutcome, Problem, SendLinkOutcome, SignInOutcome};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::model::User;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::send_confirmation::sent;
use crate::exchange::Exchange;
use crate::form::FormName;
use crate::forms::{Typed, email_field};
use crate::pages::{FormView, PageView};
use crate::route::Endpoint;

/// Asking for a link.
pub(super) async fn answer(exchange: &Exchange) -> Answer {
    if let Some(refused) = exchange.unreadable(false) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_ok(None, None, Map::new()),
            false => exchange.page(StatusCode::OK, page(exchange, &[], "")),
        });
    }
    let signed_in = exchange.caller().await?.is_some();
    let mut typed = Typed::default();
    let email = typed.text(exchange, "email");
    let wrong = |problems: &[Problem]| {
        Ok(exchange.mistakes(problems, |problems| page(exchange, problems, &email)))
    };
    let mut problems = exchange.form_problems(FormName::SendSignInLink, signed_in).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let outcome = exchange.core().sign_in().send_link(exchange.context(), &email).await;
    match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SendLinkOutcome::Refused(problem) => wrong(&[problem]),
        SendLinkOutcome::Sent { email: to } => {
            if exchange.wants_json() {
                // Flask-Security tells strangers about the user here; ours is empty.
                let user = Map::from_iter([("user".to_owned(), Map::new().into())]);
                return Ok(exchange.json_ok(None, None, user));
            }
            let mut page = page(exchange, &[], &email);
            let message = sent(exchange, MessageKey::LoginEmailSent, &to);
            page.flashes.push(exchange.flash_view(message));
            Ok(exchange.page(StatusCode::OK, page))
        }
    }
}

/// Following a link.
pub(super) async fn follow(exchange: &Exchange, token: &str) -> Answer {
    let mut session = exchange.session();
    let core = exchange.core();
    let outcome = core.sign_in().follow_link(exchange.context(), &mut session, token).await;
    let outcome = outcome.map_err(|error| exchange.flow_failed(&error))?;
    exchange.put_session(session);
    Ok(match outcome {
        FollowLinkOutcome::Invalid => {
            link_failed(exchange, Endpoint::SignIn, MessageKey::InvalidLoginToken.into(), None)
        }
        FollowLinkOutcome::Expired(user) => {
            let within = core.config().sign_in_links.as_ref().map(|rules| rules.within);
            let within = within.map(|within| exchange.span(within)).unwrap_or_default();
            let message = Message::new(MessageKey::LoginExpired)
                .with("within", within)
                .with("email", &user.email);
            link_failed(exchange, Endpoint::SignIn, message, Some(&user))
        }
        FollowLinkOutcome::Judged(outcome) => {
            link_judged(exchange, outcome, Endpoint::SignIn).await?
        }
    })
}

/// Answers a valid link.
pub(super) async fn link_judged(
    exchange: &Exchange,
    outcome: SignInOutcome,
    start: Endpoint,
) -> Answer {
    let views = &exchange.config().views;
    let told = exchange.tells_of_link();
    let spa = exchange.config().redirects.spa && !told;
    Ok(match outcome {
        SignInOutcome::Done { user, remember } => {
            exchange.put_remember(remember);
            if told {
                let token = exchange.token_on_request(&user).await?;
                return Ok(exchange.json_ok(Some(&user), token, Map::new()));
            }
            if spa {
                let query = exchange.spa_query(&user);
                let to = exchange.view(views.after_sign_in.as_deref(), &query);
                return Ok(exchange.redirect(&to));
            }
            exchange.accepted();
            exchange.flash(MessageKey::PasswordlessLoginSuccessful);
            exchange.redirect(&exchange.after(views.after_sign_in.as_deref()))
        }
        SignInOutcome::SecondFactor { user, challenge } => {
            if spa {
                // The single-page application starts its own sign-in with a second factor.
                exchange.with_session(|session| exchange.core().second_factors().abandon(session));
                let mut query = vec![("tf_required", "1")];
                query.extend(exchange.spa_query(&user));
                let to = exchange.view(views.sign_in_error.as_deref(), &query);
                return Ok(exchange.redirect(&to));
            }
            exchange.challenged(&challenge)
        }
        SignInOutcome::Refused(refusal) => {
            let key = match refusal {
                fs_core::flow::SignInRefusal::Unconfirmed { .. } => {
                    MessageKey::ConfirmationRequired
                }
                fs_core::flow::SignInRefusal::SameFactor => MessageKey::SameFactor,
                _ => MessageKey::DisabledAccount,
            };
            link_failed(exchange, start, key.into(), None)
        }
    })
}

/// Answers a link that is not valid.
pub(super) fn link_failed(
    exchange: &Exchange,
    start: Endpoint,
    message: Message,
    user: Option<&User>,
) -> http::Response<bytes::Bytes> {
    if exchange.tells_of_link() {
        return exchange.refusal(StatusCode::BAD_REQUEST, message);
    }
    if exchange.config().redirects.spa {
        let view = exchange.config().views.sign_in_error.as_deref();
        return exchange.redirect(&exchange.spa_view(view, message, user));
    }
    exchange.flash(message);
    exchange.redirect(&exchange.endpoint_url(start, &[]))
}

fn page(exchange: &Exchange, problems: &[Problem], email: &str) -> PageView {
    let action = exchange.endpoint_url(Endpoint::SignIn, &[]);
    let mut form = FormView::new("send_login_form", action, exchange.label(Label::SendLink));
    form.fields.push(email_field(exchange, email, email.is_empty()));
    exchange.mark(&mut form, problems);
    exchange.form_page("security/send_login.html", Label::SignInByMail, form)
}
