//! Setting up a method to sign in with.

use fs_core::authn::Authentication;
use fs_core::config::{CodeMethod, SignInMethod};
use fs_core::flow::{Problem, ProveSetupOutcome, RemoveMethodOutcome, SetupOutcome};
use fs_core::identity::IdentityAttribute;
use fs_core::message::{Label, Message, MessageKey};
use fs_core::model::User;
use http::StatusCode;
use serde_json::Map;

use super::answer::Answer;
use super::asked_code::AskedCode;
use super::passcode::{chosen_method, label, methods, typed_passcode};
use super::second_factor_pages::add_key;
use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::form::FormName;
use crate::forms::Typed;
use crate::pages::{ChoiceView, FieldKind, FieldView, FormView, PageView};
use crate::route::Endpoint;
use crate::views::with_token;

pub(super) async fn answer(exchange: &Exchange, caller: &Authentication) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(true) {
        return Ok(refused);
    }
    if !exchange.submits() {
        return Ok(shown(exchange, user));
    }
    let mut typed = Typed::default();
    let phone = typed.text(exchange, "phone");
    let wrong = |status: StatusCode, problems: &[Problem]| match exchange.wants_json() {
        true => exchange.json_problems(status, problems),
        false => exchange.page(exchange.status_of_mistakes(), page(exchange, user, problems)),
    };
    let mut problems = exchange.form_problems(FormName::UnifiedSetup, true).await?;
    problems.extend(typed.finish().err().unwrap_or_default());
    if !problems.is_empty() {
        return Ok(wrong(StatusCode::BAD_REQUEST, &problems));
    }
    let core = exchange.core();
    if let Some(FieldValue::Text(name)) = exchange.request().fields.get("delete_method") {
        return remove(exchange, user, &name).await;
    }
    let needed =
        core.second_factors().needs_proof(exchange.context(), &exchange.session(), user).await;
    if needed.map_err(|error| exchange.flow_failed(&error))? {
        return Ok(exchange.factor_first(user, Endpoint::UnifiedSetup));
    }
    let Ok(method) = chosen_method(exchange) else {
        let unknown = Problem::new("chosen_method", MessageKey::InvalidChoice);
        return Ok(wrong(StatusCode::BAD_REQUEST, &[unknown]));
    };
    let outcome = core.sign_in_methods().set_up(exchange.context(), user, method, &phone).await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        SetupOutcome::Refused(problem) => wrong(StatusCode::BAD_REQUEST, &[problem]),
        SetupOutcome::NotSent => {
            let failed = Problem::new("chosen_method", MessageKey::FailedToSendCode);
            wrong(StatusCode::INTERNAL_SERVER_ERROR, &[failed])
        }
        SetupOutcome::Started { method, state, phone, key, username } => {
            let issuer = core.config().totp.issuer.as_str();
            if exchange.wants_json() {
                let mut more = Map::new();
                more.insert("chosen_method".to_owned(), method.name().into());
                more.insert("phone".to_owned(), phone.into());
                more.insert("state".to_owned(), state.expose().into());
                if let Some(key) = key {
                    more.insert("authr_key".to_owned(), key.to_groups().expose().into());
                    more.insert("authr_username".to_owned(), username.into());
                    more.insert("authr_issuer".to_owned(), issuer.into());
                }
                return Ok(exchange.json_ok(None, None, more));
            }
            let mut page = page(exchange, user, &[]);
            AskedCode::new(method, Some(user), phone.as_deref()).tell(&mut page, true);
            if let Some(key) = key {
                add_key(exchange, &mut page, &key, issuer, &username);
            }
            let routes = &exchange.site().routes;
            let action = with_token(routes, Endpoint::UnifiedSetupValidate, state.expose());
            let mut form =
                FormView::new("us_setup_validate_form", action, exchange.label(Label::Confirm));
            form.fields.push(FieldView {
                autocomplete: Some("one-time-code".to_owned()),
                autofocus: true,
                ..FieldView::new(FieldKind::Text, "passcode", exchange.label(Label::Code))
            });
            exchange.mark(&mut form, &[]);
            page.forms.insert(0, form);
            exchange.page(StatusCode::OK, page)
        }
    })
}

/// Removing a method that is set up.
async fn remove(exchange: &Exchange, user: &User, name: &str) -> Answer {
    let mut session = exchange.session();
    let (ctx, cookie) = (exchange.context(), exchange.remember_cookie());
    let core = exchange.core();
    let Ok(method) = name.parse::<CodeMethod>() else {
        let unknown = Problem::new("delete_method", MessageKey::UsMethodNotAvailable);
        return Ok(exchange.mistakes(&[unknown], |problems| page(exchange, user, problems)));
    };
    let outcome =
        core.sign_in_methods().remove(ctx, &mut session, user, method, cookie.as_deref()).await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        RemoveMethodOutcome::ProofNeeded => exchange.factor_first(user, Endpoint::UnifiedSetup),
        RemoveMethodOutcome::Refused(problem) => {
            exchange.mistakes(&[problem], |problems| page(exchange, user, problems))
        }
        RemoveMethodOutcome::Done { remember, .. } => {
            exchange.put_session(session);
            exchange.put_remember(remember);
            if exchange.wants_json() {
                let more = Map::from_iter([("delete_method".to_owned(), name.into())]);
                return Ok(exchange.json_ok(None, None, more));
            }
            exchange.flash(MessageKey::SignInMethodRemoved);
            exchange.redirect(&exchange.endpoint_url(Endpoint::UnifiedSetup, &[]))
        }
    })
}

fn shown(exchange: &Exchange, user: &User) -> http::Response<bytes::Bytes> {
    if !exchange.wants_json() {
        return exchange.page(StatusCode::OK, page(exchange, user, &[]));
    }
    let config = exchange.core().config();
    let mut more = methods(exchange);
    more.remove("code_methods");
    let attributes = config.identities.order.iter().map(|rule| match rule.attribute {
        IdentityAttribute::Email => "email",
        IdentityAttribute::Username => "username",
        IdentityAttribute::Phone => "us_phone_number",
    });
    more.insert("identity_attributes".to_owned(), attributes.collect::<Vec<_>>().into());
    more.insert("active_methods".to_owned(), active_methods(exchange, user).into());
    more.insert("setup_methods".to_owned(), setup_methods(exchange).into());
    more.insert("phone".to_owned(), user.phone.clone().into());
    exchange.json_ok(None, None, more)
}

/// Returns the methods that can be set up: all but the password.
fn setup_methods(exchange: &Exchange) -> Vec<&'static str> {
    let rules = exchange.core().config().unified.iter().flat_map(|rules| &rules.methods);
    let codes = rules.filter_map(|method| match method {
        SignInMethod::Code(method) => Some(method.name()),
        SignInMethod::Password => None,
    });
    codes.collect()
}

/// Returns the methods by which `user` can get a code today.
fn active_methods(exchange: &Exchange, user: &User) -> Vec<&'static str> {
    let rules = exchange.core().config().unified.iter().flat_map(|rules| &rules.methods);
    let active = rules.filter_map(|method| match method {
        SignInMethod::Code(CodeMethod::Email) => Some("email"),
        SignInMethod::Code(method) => {
            user.sign_in_secrets.contains_key(method.name()).then(|| method.name())
        }
        SignInMethod::Password => None,
    });
    active.collect()
}

/// Proving a method with a code.
pub(super) async fn validate(exchange: &Exchange, caller: &Authentication, state: &str) -> Answer {
    let user = &*caller.user;
    if let Some(refused) = exchange.unreadable(false).filter(|_| exchange.submits()) {
        return Ok(refused);
    }
    let problems = exchange.form_problems(FormName::UnifiedSetupValidate, true).await?;
    if !problems.is_empty() {
        return Ok(match exchange.wants_json() {
            true => exchange.json_problems(StatusCode::BAD_REQUEST, &problems),
            false => exchange.page(exchange.status_of_mistakes(), page(exchange, user, &problems)),
        });
    }
    let core = exchange.core();
    if !exchange.submits() {
        return Ok(match core.sign_in_methods().check_setup(exchange.context(), user, state) {
            Ok(_) if exchange.wants_json() => exchange.json_ok(None, None, Map::new()),
            Ok(_) => back(exchange, MessageKey::InvalidPasswordCode.into()),
            Err(outcome) => refused(exchange, &outcome),
        });
    }
    let code = typed_passcode(exchange).unwrap_or_default();
    if code.is_empty() && exchange.wants_json() {
        let missing = Problem::new("passcode", MessageKey::FieldRequired);
        return Ok(exchange.json_problems(StatusCode::BAD_REQUEST, &[missing]));
    }
    let mut session = exchange.session();
    let (ctx, cookie) = (exchange.context(), exchange.remember_cookie());
    let outcome = core
        .sign_in_methods()
        .prove(ctx, &mut session, user, state, &code, cookie.as_deref())
        .await;
    Ok(match outcome.map_err(|error| exchange.flow_failed(&error))? {
        ProveSetupOutcome::ProofNeeded => exchange.factor_first(user, Endpoint::UnifiedSetup),
        ProveSetupOutcome::Done { method, phone, remember } => {
            exchange.put_session(session);
            exchange.put_remember(remember);
            if exchange.wants_json() {
                let mut more = Map::new();
                more.insert("chosen_method".to_owned(), method.name().into());
                more.insert("phone".to_owned(), phone.into());
                return Ok(exchange.json_ok(None, None, more));
            }
            exchange.flash(MessageKey::UsSetupSuccessful);
            let views = &exchange.config().views;
            let view = views.after_method_setup.as_deref().or(views.after_sign_in.as_deref());
            exchange.redirect(&exchange.view(view, &[]))
        }
        outcome => refused(exchange, &outcome),
    })
}

fn refused(exchange: &Exchange, outcome: &ProveSetupOutcome) -> http::Response<bytes::Bytes> {
    let message = match outcome {
        ProveSetupOutcome::Expired => {
            let rules = exchange.core().config().unified.as_ref();
            let within = rules.map(|rules| exchange.span(rules.setup_within));
            Message::new(MessageKey::UsSetupExpired).with("within", within.unwrap_or_default())
        }
        ProveSetupOutcome::WrongCode => MessageKey::InvalidPasswordCode.into(),
        _ => MessageKey::ApiError.into(),
    };
    match (outcome, exchange.wants_json()) {
        (ProveSetupOutcome::WrongCode, true) => {
            let field = "passcode".into();
            let status = StatusCode::BAD_REQUEST;
            exchange.json_problems(status, &[Problem { field, message }])
        }
        (_, true) => exchange.refusal(StatusCode::BAD_REQUEST, message),
        (_, false) => back(exchange, message),
    }
}

fn back(exchange: &Exchange, message: Message) -> http::Response<bytes::Bytes> {
    exchange.flash(message);
    exchange.redirect(&exchange.endpoint_url(Endpoint::UnifiedSetup, &[]))
}

fn page(exchange: &Exchange, user: &User, problems: &[Problem]) -> PageView {
    let action = exchange.endpoint_url(Endpoint::UnifiedSetup, &[]);
    let mut form = FormView::new("us_setup_form", action, exchange.label(Label::SetUp));
    let rules = exchange.core().config().unified.iter().flat_map(|rules| &rules.methods);
    let choices: Vec<_> = rules
        .filter_map(|method| match method {
            SignInMethod::Code(method) => Some(ChoiceView {
                value: method.name().to_owned(),
                label: exchange.label(label(*method)),
                checked: false,
            }),
            SignInMethod::Password => None,
        })
        .collect();
    if choices.is_empty() {
        // Nothing can be set up: no button.
        form.submit = String::new();
    }
    let sms = choices.iter().any(|choice| choice.value == "sms");
    if !choices.is_empty() {
        form.fields.push(FieldView {
            choices,
            ..FieldView::new(
                FieldKind::Radio,
                "chosen_method",
                exchange.label(Label::SignInWithCode),
            )
        });
    }
    if sms {
        form.fields.push(FieldView {
            value: user.phone.clone().unwrap_or_default(),
            required: false,
            autocomplete: Some("tel".to_owned()),
            ..FieldView::new(FieldKind::Tel, "phone", exchange.label(Label::PhoneForTexts))
        });
    }
    let (of_removal, of_setup): (Vec<Problem>, Vec<Problem>) =
        problems.iter().cloned().partition(|problem| problem.field == "delete_method");
    exchange.mark(&mut form, &of_setup);
    let mut page = exchange.form_page("security/us_setup.html", Label::OtherWaysToSignIn, form);
    let choices: Vec<_> = exchange
        .core()
        .sign_in_methods()
        .removable(user)
        .into_iter()
        .map(|method| ChoiceView {
            value: method.name().to_owned(),
            label: exchange.label(label(method)),
            checked: false,
        })
        .collect();
    if !choices.is_empty() {
        let action = exchange.endpoint_url(Endpoint::UnifiedSetup, &[]);
        let mut form = FormView::new("us_remove_form", action, exchange.label(Label::Remove));
        form.fields.push(FieldView {
            choices,
            ..FieldView::new(FieldKind::Radio, "delete_method", exchange.label(Label::RemoveMethod))
        });
        exchange.mark(&mut form, &of_removal);
        page.forms.push(form);
    }
    page.extra.insert("active_methods".to_owned(), active_methods(exchange, user).into());
    page.extra.insert("setup_methods".to_owned(), setup_methods(exchange).into());
    page
}
