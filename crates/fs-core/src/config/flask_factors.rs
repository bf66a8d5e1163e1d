//! Reads Flask-Security's keys for second factors, unified sign-in and sign-in links.

use std::time::Duration;

use serde_json::Value;

use super::{CodeMethod, Config, FlaskKeys, SignInLinks, SignInMethod, TwoFactor, Unified};
use crate::secret::Secret;
use crate::totp::Window;

const DAY: Duration = Duration::from_secs(86_400);

impl Config {
    pub(super) fn read_factors(&mut self, keys: &mut FlaskKeys) {
        let mut on = false;
        keys.bool("SECURITY_TWO_FACTOR", &mut on);
        self.two_factor = two_factor(keys).filter(|_| on);
        let mut unified = false;
        keys.bool("SECURITY_UNIFIED_SIGNIN", &mut unified);
        self.unified = read_unified(keys).filter(|_| unified);
        let mut links = SignInLinks { within: DAY, once: false, unconfirmed: true };
        keys.duration("SECURITY_LOGIN_WITHIN", &mut links.within);
        let mut passwordless = false;
        keys.bool("SECURITY_PASSWORDLESS", &mut passwordless);
        self.sign_in_links = passwordless.then_some(links);
        self.read_totp(keys, on || unified);
        for key in ["SECURITY_SMS_SERVICE", "SECURITY_SMS_SERVICE_CONFIG"] {
            // Who sends text messages is handed in as a port.
            keys.take(key);
        }
        if on && self.two_factor.as_ref().is_some_and(|rules| rules.methods.is_empty()) {
            keys.wrong("SECURITY_TWO_FACTOR_ENABLED_METHODS", "name at least one method");
        }
        if unified && self.unified.as_ref().is_some_and(|rules| rules.methods.is_empty()) {
            keys.wrong("SECURITY_US_ENABLED_METHODS", "name at least one method");
        }
    }

    fn read_totp(&mut self, keys: &mut FlaskKeys, needed: bool) {
        let old = keys.take("SECURITY_TWO_FACTOR_SECRET");
        let secrets = keys.take("SECURITY_TOTP_SECRETS").filter(|secrets| !secrets.is_null());
        match secrets.or(old) {
            Some(Value::Object(map)) => {
                let pairs = map.into_iter().map(|(tag, secret)| match secret {
                    Value::String(secret) => Some((tag, Secret::from(secret))),
                    _ => None,
                });
                match pairs.collect::<Option<_>>() {
                    Some(pairs) => self.totp.keys = pairs,
                    None => keys.wrong("SECURITY_TOTP_SECRETS", TOTP_SECRETS),
                }
            }
            None | Some(Value::Null) => {}
            Some(_) if needed => keys.wrong("SECURITY_TOTP_SECRETS", TOTP_SECRETS),
            Some(_) => {}
        }
        let mut old = Some("service_name".to_owned());
        keys.optional_text("SECURITY_TWO_FACTOR_URI_SERVICE_NAME", &mut old);
        let mut issuer = None;
        keys.optional_text("SECURITY_TOTP_ISSUER", &mut issuer);
        match issuer.or(old) {
            Some(issuer) => self.totp.issuer = issuer,
            None if needed => keys.wrong("SECURITY_TOTP_ISSUER", "write a text: apps show it"),
            None => {}
        }
        if needed && self.totp.keys.is_empty() {
            keys.wrong("SECURITY_TOTP_SECRETS", TOTP_SECRETS);
        }
    }
}

const TOTP_SECRETS: &str = "write an object of secrets by their tags, as in {\"1\": \"…\"}";

fn two_factor(keys: &mut FlaskKeys) -> Option<TwoFactor> {
    let seconds = Duration::from_secs;
    let mut rules = TwoFactor {
        required: false,
        methods: vec![CodeMethod::Email, CodeMethod::Authenticator, CodeMethod::Sms],
        authenticator_window: Window::Seconds(seconds(120)),
        email_window: Window::Seconds(seconds(300)),
        sms_window: Window::Seconds(seconds(120)),
        pending: seconds(3_600),
        device: None,
        mail_rescue: true,
        rescue_mail: "no-reply@localhost".to_owned(),
        recovery_codes: None,
        send_notice: false,
        strict: false,
    };
    read_recovery_codes(keys, &mut rules);
    keys.bool("SECURITY_TWO_FACTOR_REQUIRED", &mut rules.required);
    for (key, window) in [
        ("SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", &mut rules.authenticator_window),
        ("SECURITY_TWO_FACTOR_MAIL_VALIDITY", &mut rules.email_window),
        ("SECURITY_TWO_FACTOR_SMS_VALIDITY", &mut rules.sms_window),
    ] {
        if let Window::Seconds(span) = window {
            keys.duration(key, span);
        }
    }
    let mut validity = 30 * DAY;
    keys.duration("SECURITY_TWO_FACTOR_LOGIN_VALIDITY", &mut validity);
    let mut always = true;
    keys.bool("SECURITY_TWO_FACTOR_ALWAYS_VALIDATE", &mut always);
    rules.device = (!always).then_some(validity);
    keys.text("SECURITY_TWO_FACTOR_RESCUE_MAIL", &mut rules.rescue_mail);
    if let Some(names) = keys.texts("SECURITY_TWO_FACTOR_ENABLED_METHODS") {
        match names.iter().map(|name| name.parse().ok()).collect() {
            Some(methods) => rules.methods = methods,
            None => keys.wrong(
                "SECURITY_TWO_FACTOR_ENABLED_METHODS",
                "write a list of \"email\", \"authenticator\" and \"sms\"",
            ),
        }
    }
    Some(rules)
}

/// Reads the settings of recovery codes, which Flask-Security has since 5.0.
fn read_recovery_codes(keys: &mut FlaskKeys, rules: &mut TwoFactor) {
    let (mut on, mut count) = (false, 5);
    keys.bool("SECURITY_MULTI_FACTOR_RECOVERY_CODES", &mut on);
    keys.number("SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", &mut count);
    rules.recovery_codes = on.then_some(count);
    let about_encryption =
        ["SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS", "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL"];
    for key in about_encryption {
        // Ours are hashed.
        keys.take(key);
    }
}

fn read_unified(keys: &mut FlaskKeys) -> Option<Unified> {
    let mut within = Duration::from_secs(120);
    keys.duration("SECURITY_US_TOKEN_VALIDITY", &mut within);
    let codes = [CodeMethod::Email, CodeMethod::Authenticator, CodeMethod::Sms];
    let codes = codes.into_iter().map(SignInMethod::Code);
    let mut rules = Unified {
        methods: std::iter::once(SignInMethod::Password).chain(codes).collect(),
        second_factor_after: vec![SignInMethod::Password, SignInMethod::Code(CodeMethod::Email)],
        authenticator_window: Window::Seconds(within),
        sent_window: Window::Seconds(within),
        send_notice: false,
        end_with_reset: false,
        ..Unified::default()
    };
    for (key, into) in [
        ("SECURITY_US_ENABLED_METHODS", &mut rules.methods),
        ("SECURITY_US_MFA_REQUIRED", &mut rules.second_factor_after),
    ] {
        if let Some(names) = keys.texts(key) {
            match names.iter().map(|name| name.parse().ok()).collect() {
                Some(methods) => *into = methods,
                None => keys.wrong(
                    key,
                    "write a list of \"password\", \"email\", \"authenticator\" and \"sms\"",
                ),
            }
        }
    }
    keys.duration("SECURITY_US_SETUP_WITHIN", &mut rules.setup_within);
    Some(rules)
}
