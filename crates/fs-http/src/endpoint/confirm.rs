//! Following a confirmation link.

use fs_core::flow::{
    ConfirmCheck, ConfirmForm, ConfirmOutcome, ConfirmProof, NewPassword, Problem,
};
use fs_core::message::{Label, Message, MessageKey};
use fs_core::model::User;
use fs_core::secret::Secret;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::follow_link::{CONFIRM, EXPIRED, button_page, here, page as link_page};
use super::register::{declared_fields, typed_details, username_field};
use crate::exchange::Exchange;
use crate::forms::{Typed, current_password, new_password, repeated_password};
use crate::pages::{FormView, PageView};
use crate::route::Endpoint;

pub(super) async fn answer(exchange: &Exchange, token: &str) -> Answer {
    let rules = exchange.core().config().confirmation.as_ref();
    let types = exchange.submits() && rules.is_some_and(|rules| rules.asks_for_password);
    if !exchange.config().links_ask_first && !types {
        // Opening the link is enough, unless the account's password is asked for.
        return follow(exchange, token, ConfirmForm::default()).await;
    }
    if !exchange.submits() {
        return show(exchange, token).await;
    }
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    let mut typed = Typed::default();
    let mut secret = |name| typed.optional(exchange, name).map(Secret::from);
    let password = secret("password");
    let (new, repeated) = (secret("new_password"), secret("new_password_confirm"));
    let mut form = ConfirmForm::default();
    form.password = password;
    form.new_password = new.map(|password| NewPassword::new(password, repeated));
    form.details = typed_details(exchange, &mut typed);
    let signed_in = exchange.caller().await?.is_some();
    let mut problems = exchange.csrf_problems(signed_in)?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if problems.is_empty() {
        return follow(exchange, token, form).await;
    }
    let asked = match check(exchange, token).await? {
        ConfirmCheck::Good { proof, .. } => proof,
        _ => ConfirmProof::Nothing,
    };
    Ok(exchange.mistakes(&problems, |problems| page(exchange, asked, problems)))
}

async fn check(
    exchange: &Exchange,
    token: &str,
) -> Result<ConfirmCheck, Box<http::Response<bytes::Bytes>>> {
    let session = exchange.session();
    let checked =
        exchange.core().accounts().check_confirm(exchange.context(), &session, token).await;
    checked.map_err(|error| exchange.flow_failed(&error))
}

/// Shows the form of the link. Changes nothing and sends no mail.
async fn show(exchange: &Exchange, token: &str) -> Answer {
    Ok(match check(exchange, token).await? {
        ConfirmCheck::Good { proof, .. } if exchange.wants_json() => {
            let asks = proof == ConfirmProof::Password;
            let more = [("password_required".to_owned(), asks.into())];
            exchange.json_ok(None, None, Map::from_iter(more))
        }
        ConfirmCheck::Good { proof, .. } => {
            exchange.page(StatusCode::OK, page(exchange, proof, &[]))
        }
        ConfirmCheck::Expired(_) => button_page(exchange, &EXPIRED),
        // The button tells.
        ConfirmCheck::AlreadyConfirmed(_) | ConfirmCheck::Invalid => {
            button_page(exchange, &CONFIRM)
        }
    })
}

async fn follow(exchange: &Exchange, token: &str, typed: ConfirmForm) -> Answer {
    let owner = exchange.session_caller().await?;
    let current = owner.as_deref();
    let mut session = exchange.session();
    let (core, ctx, cookie) = (exchange.core(), exchange.context(), exchange.remember_cookie());
    let outcome =
        core.accounts().confirm(ctx, &mut session, current, cookie.as_deref(), token, typed).await;
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
            let within = within.map(|within| exchange.span(within)).unwrap_or_default();
            let message = Message::new(MessageKey::ConfirmationExpired)
                .with("within", within)
                .with("email", &user.email);
            failed(exchange, message, Some(&user))
        }
        ConfirmOutcome::Refused { user, problems } => {
            let asked = match user.password {
                Some(_) => ConfirmProof::Password,
                None => ConfirmProof::Details,
            };
            exchange.mistakes(&problems, |problems| page(exchange, asked, problems))
        }
        ConfirmOutcome::Done { user, remember, challenge, signed_in, .. } => {
            exchange.put_session(session);
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

/// Returns the page that asks for what `proof` says, or for a press of the button.
fn page(exchange: &Exchange, proof: ConfirmProof, problems: &[Problem]) -> PageView {
    if proof == ConfirmProof::Nothing {
        return link_page(exchange, &CONFIRM, problems);
    }
    let mut page = PageView::new("security/confirm_email.html", exchange.label(CONFIRM.title));
    let of_the_password = |problem: &&Problem| {
        problem.field == "password" || problem.field == exchange.config().csrf.field
    };
    let (first, second): (Vec<_>, Vec<_>) =
        problems.iter().partition(|problem| of_the_password(problem));
    let cloned = |problems: Vec<&Problem>| problems.into_iter().cloned().collect::<Vec<_>>();
    let asks = proof == ConfirmProof::Password;
    if asks {
        let mut form =
            FormView::new("confirm_email_form", here(exchange), exchange.label(CONFIRM.button));
        form.fields.push(current_password(exchange, "password", Label::ChosenPassword));
        exchange.mark(&mut form, &cloned(first));
        page.forms.push(form);
    }
    let mut form =
        FormView::new("confirm_afresh_form", here(exchange), exchange.label(CONFIRM.button));
    let least = exchange.core().config().password.min_length;
    form.fields.extend(username_field(exchange, ""));
    if asks {
        form.fields.push(new_password(exchange, "new_password", Label::NewPassword, least));
        form.fields.push(repeated_password(exchange, "new_password_confirm"));
    }
    form.fields.extend(declared_fields(exchange));
    exchange.mark(&mut form, &cloned(second));
    page.forms.push(form);
    page
}

impl Exchange {
    /// Returns a view of a single-page application, told what happened and to whom.
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
