//! Page of the caller's security settings, with links to change each.

use bytes::Bytes;
use fs_core::model::User;
use fs_http::route::Endpoint;
use http::Response;
use serde_json::{Value, json};

use crate::screen::Screen;

/// Answers `GET /security`.
pub(crate) fn show(screen: &Screen, user: &User) -> Response<Bytes> {
    let rows = [
        password(user),
        second_factor(screen, user),
        recovery_codes(screen, user),
        sign_in_methods(user),
        programs(),
        code_or_link(),
    ];
    let rows: Vec<_> = rows.into_iter().filter_map(|row| row.located(screen)).collect();
    screen.show("demo/security.html", "Security", json!({ "rows": rows }))
}

/// Part of an account's protection.
struct Part {
    name: &'static str,
    note: String,
    /// Whether the part is set up. `None` if the question does not apply.
    on: Option<bool>,
    action: &'static str,
    endpoint: Endpoint,
}

impl Part {
    /// Returns the part with the path of the page that changes it, or `None` if that page is
    /// disabled.
    fn located(self, screen: &Screen) -> Option<Value> {
        let path = screen.exchange.security().routes().path(self.endpoint)?.to_owned();
        let Self { name, note, on, action, .. } = self;
        Some(json!({ "name": name, "note": note, "on": on, "action": action, "path": path }))
    }
}

fn password(user: &User) -> Part {
    Part {
        name: "Password",
        note: "What you know. A new one ends every other session.".to_owned(),
        on: Some(user.password.is_some()),
        action: "Change",
        endpoint: Endpoint::ChangePassword,
    }
}

fn second_factor(screen: &Screen, user: &User) -> Part {
    let method = screen.exchange.core().second_factors().method_of(user);
    let note = match method.map(|method| method.name()) {
        None => "Off: whoever has the password is in.".to_owned(),
        Some("sms") => {
            let phone = user.second_factor.phone.as_deref().unwrap_or("your phone");
            format!("A code by text message to {phone}.")
        }
        Some("email") => "A code by mail.".to_owned(),
        Some(_) => "A code from your authenticator app.".to_owned(),
    };
    Part {
        name: "Second step",
        note,
        on: Some(method.is_some()),
        action: if method.is_some() { "Change or switch off" } else { "Set up" },
        endpoint: Endpoint::TwoFactorSetup,
    }
}

fn recovery_codes(screen: &Screen, user: &User) -> Part {
    let left = user.recovery_codes.len();
    let needed = screen.exchange.core().second_factors().method_of(user).is_some();
    Part {
        name: "Recovery codes",
        note: match (needed, left) {
            (false, _) => "For when the second step is out of reach; it comes first.".to_owned(),
            (true, 0) => "None: without your second step you could not sign in.".to_owned(),
            (true, 1) => "One left. Each gets you in once without the second step.".to_owned(),
            (true, left) => {
                format!("{left} left. Each gets you in once without the second step.")
            }
        },
        on: Some(left > 0),
        action: if left == 0 { "Make codes" } else { "Make new codes" },
        endpoint: Endpoint::RecoveryCodes,
    }
}

fn sign_in_methods(user: &User) -> Part {
    let methods = user.sign_in_secrets.keys().map(|name| match name.as_str() {
        "sms" => "text message",
        "authenticator" => "authenticator app",
        _ => "mail",
    });
    let set_up: Vec<_> = methods.collect();
    Part {
        name: "Sign-in with a code",
        note: match set_up.is_empty() {
            true => "Codes by mail work without a set-up; apps and phones need one.".to_owned(),
            false => format!("In place of the password: {}.", set_up.join(", ")),
        },
        on: Some(!set_up.is_empty()),
        action: "Set up",
        endpoint: Endpoint::UnifiedSetup,
    }
}

fn programs() -> Part {
    Part {
        name: "Programs with access",
        note: "Each has a token of its own. End those that you do not know.".to_owned(),
        on: None,
        action: "Look",
        endpoint: Endpoint::AuthTokens,
    }
}

fn code_or_link() -> Part {
    Part {
        name: "Sign-in page for codes and links",
        note: "Sign out, then ask for a mail there: it has a code and a link.".to_owned(),
        on: None,
        action: "Open",
        endpoint: Endpoint::UnifiedSignIn,
    }
}
