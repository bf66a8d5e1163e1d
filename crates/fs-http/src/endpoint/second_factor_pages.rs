//! The pages of second factors: choosing one, and typing its code.

use fs_core::config::CodeMethod;
use fs_core::flow::Problem;
use fs_core::message::Label;
use fs_core::totp::{Provisioning, TotpRules, TotpSecret};

use super::passcode::label;
use crate::exchange::Exchange;
use crate::pages::{ChoiceView, FieldKind, FieldView, FormView, LinkView, PageView};
use crate::route::Endpoint;

/// Returns the page that asks for a code.
pub(super) fn code_page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let template = "security/two_factor_verify_code.html";
    let mut page =
        exchange.form_page(template, Label::EnterYourCode, code_form(exchange, problems));
    let action = exchange.step_url(Endpoint::TwoFactorRescue);
    let mut rescue =
        FormView::new("two_factor_rescue_form", action, exchange.label(Label::GetHelp));
    let choice = |value: &str, label: Label| ChoiceView {
        value: value.to_owned(),
        label: exchange.label(label),
        checked: false,
    };
    let choices = match exchange.core().second_factors().rescues_by_mail() {
        true => vec![
            choice("lost_device", Label::LostDeviceMail),
            choice("no_mail_access", Label::NoMailAccess),
        ],
        false => vec![choice("no_mail_access", Label::LostDeviceHelp)],
    };
    rescue.fields.push(FieldView {
        choices,
        ..FieldView::new(FieldKind::Radio, "help_setup", exchange.label(Label::WhatIsTheMatter))
    });
    exchange.mark(&mut rescue, problems);
    page.forms.push(rescue);
    if exchange.core().second_factors().offers_recovery_codes() {
        page.links.push(LinkView {
            href: exchange.step_url(Endpoint::UseRecoveryCode),
            text: exchange.label(Label::UseRecoveryCode),
        });
    }
    page
}

/// Returns the form that takes a code.
pub(super) fn code_form(exchange: &Exchange, problems: &[Problem]) -> FormView {
    let action = exchange.step_url(Endpoint::TwoFactorValidate);
    let mut form =
        FormView::new("two_factor_verify_code_form", action, exchange.label(Label::Continue));
    form.fields.push(FieldView {
        autocomplete: Some("one-time-code".to_owned()),
        autofocus: true,
        ..FieldView::new(FieldKind::Text, "code", exchange.label(Label::Code))
    });
    exchange.mark(&mut form, problems);
    form
}

/// Returns the view after a change of the second factor.
pub(super) fn after_second_factor(exchange: &Exchange) -> Option<&str> {
    let views = &exchange.config().views;
    views.after_second_factor.as_deref().or(views.after_sign_in.as_deref())
}

/// Returns the page to choose a second factor.
pub(super) fn setup_page(
    exchange: &Exchange,
    problems: &[Problem],
    chosen: Option<CodeMethod>,
) -> PageView {
    let mut choice = choice_form(exchange, chosen);
    exchange.mark(&mut choice, problems);
    page(exchange, choice, code_form(exchange, &[]))
}

/// Returns the page to prove the second factor that was chosen.
pub(super) fn prove_page(exchange: &Exchange, problems: &[Problem]) -> PageView {
    let chosen = exchange.with_session(|session| session.enrolment().map(|begun| begun.method));
    let (code, mut choice) = (code_form(exchange, problems), choice_form(exchange, chosen));
    exchange.mark(&mut choice, &[]);
    page(exchange, code, choice)
}

/// Returns a page with two forms. The first one is to be filled in now.
pub(super) fn page(exchange: &Exchange, first: FormView, second: FormView) -> PageView {
    let template = "security/two_factor_setup.html";
    let mut page = exchange.form_page(template, Label::TwoStepSignIn, first);
    page.forms.push(second);
    let rules = exchange.core().config().two_factor.as_ref();
    let required = rules.is_some_and(|rules| rules.required);
    page.extra.insert("two_factor_required".to_owned(), required.into());
    let signed_in = exchange.with_session(|session| session.sign_in().is_some());
    if signed_in && exchange.core().second_factors().offers_recovery_codes() {
        page.links.push(LinkView {
            href: exchange.endpoint_url(Endpoint::RecoveryCodes, &[]),
            text: exchange.label(Label::RecoveryCodes),
        });
    }
    page
}

pub(super) fn choice_form(exchange: &Exchange, chosen: Option<CodeMethod>) -> FormView {
    let action = exchange.step_url(Endpoint::TwoFactorSetup);
    let mut form = FormView::new("two_factor_setup_form", action, exchange.label(Label::Continue));
    let named = choices(exchange).into_iter();
    form.fields.push(FieldView {
        choices: named
            .map(|(value, label)| ChoiceView {
                value: value.to_owned(),
                label: exchange.label(label),
                checked: chosen.is_some_and(|chosen| chosen.name() == value),
            })
            .collect(),
        ..FieldView::new(FieldKind::Radio, "setup", exchange.label(Label::YourSecondFactor))
    });
    if chosen == Some(CodeMethod::Sms) {
        form.fields.push(FieldView {
            autocomplete: Some("tel".to_owned()),
            ..FieldView::new(FieldKind::Tel, "phone", exchange.label(Label::Phone))
        });
    }
    form
}

/// Returns the methods that can be chosen, with what people read.
pub(super) fn choices(exchange: &Exchange) -> Vec<(&'static str, Label)> {
    let Some(rules) = &exchange.core().config().two_factor else {
        return Vec::new();
    };
    let named = rules.methods.iter().map(|method| (method.name(), label(*method)));
    let disable = (!rules.required).then_some(("disable", Label::NoSecondFactor));
    named.chain(disable).collect()
}

/// Adds the data for an authenticator app to a page.
pub(super) fn add_key(
    exchange: &Exchange,
    page: &mut PageView,
    key: &TotpSecret,
    issuer: &str,
    username: &str,
) {
    let rules = exchange.core().totp_rules();
    let shown = Provisioning { secret: key, rules, issuer, username };
    let picture = exchange.extension().qr_code(&shown).unwrap_or_else(|| shown.qr_code());
    let extra = [("authr_key", Some(key.to_groups())), ("authr_qrcode", picture)];
    for (name, text) in extra {
        page.extra.insert(name.to_owned(), text.map(|text| text.expose().to_owned()).into());
    }
    page.extra.insert("authr_username".to_owned(), username.into());
    page.extra.insert("authr_issuer".to_owned(), issuer.into());
    if rules != TotpRules::default() {
        // Who types the key must tell the app what the picture tells it.
        page.extra.insert("authr_digits".to_owned(), rules.digits().into());
        page.extra.insert("authr_period".to_owned(), rules.period().as_secs().into());
    }
}
