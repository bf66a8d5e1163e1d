//! A second press of a button: whoever is already where they wanted to be is told so.
//!
//! The browser's session remembers the form that was accepted last, and for a short while. A link
//! or a code stays good for one use: the second press of the same form in the same browser leads
//! where the first one led, and changes nothing.
//!
//! The same form has the same CSRF token. A copy of the cookie is therefore no way to try out what
//! was typed: its holder does not know the token of the page.

use bytes::Bytes;
use fs_core::message::MessageKey;
use http::Response;
use http::header::LOCATION;

use crate::exchange::Exchange;
use crate::fields::FieldValue;
use crate::route::Endpoint;

/// The fields that tell one form from another.
const TYPED: [&str; 6] =
    ["password", "password_confirm", "new_password", "new_password_confirm", "code", "email"];

/// A form that a browser sent, with what was typed into it.
pub(super) struct Press(Vec<String>);

/// Maximum length of a remembered redirect target, in bytes.
const LONGEST_TARGET: usize = 500;

impl Press {
    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

impl Exchange {
    /// Returns the form that the request hands in, where a second one would be told that its link
    /// or code was used, or that its password is wrong. Returns `None` without a CSRF token.
    pub(super) fn press_of(&self, endpoint: Endpoint) -> Option<Press> {
        let once = matches!(
            endpoint,
            Endpoint::Confirm
                | Endpoint::ResetPassword
                | Endpoint::ChangePassword
                | Endpoint::SignInLink
                | Endpoint::UnifiedLink
                | Endpoint::TwoFactorValidate
                | Endpoint::UseRecoveryCode
        );
        let request = self.request();
        if !once || !request.is_unsafe() || self.wants_json() {
            return None;
        }
        let token = self.sent_csrf_token().filter(|token| !token.is_empty())?;
        let typed = TYPED.iter().map(|name| match request.fields.get(name) {
            Some(FieldValue::Text(text)) => text,
            _ => String::new(),
        });
        let query = request.query().unwrap_or_default().to_owned();
        Some(Press([request.path().to_owned(), query, token].into_iter().chain(typed).collect()))
    }

    /// Returns the answer to a form that this browser has sent before, and that was accepted.
    pub(super) fn done_already(&self, press: &Press) -> Option<Response<Bytes>> {
        let now = self.context().now;
        let led_to =
            self.with_session(|session| session.done(&press.texts(), now).map(str::to_owned))?;
        self.flash(MessageKey::AlreadyDone);
        Some(self.redirect(&led_to))
    }

    /// Says that the form of this request was accepted.
    pub(super) fn accepted(&self) {
        self.state().accepted = true;
    }

    /// Remembers a form that was accepted, and where its sender is led.
    pub(super) fn note_done(&self, press: &Press, answer: &Response<Bytes>) {
        let led_to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let (accepted, now) = (self.state().accepted, self.context().now);
        // A longer one could leave no room for the session in its cookie.
        let led_to = led_to.filter(|led_to| led_to.len() <= LONGEST_TARGET);
        if let (true, Some(led_to)) = (accepted, led_to) {
            self.with_session(|session| session.note_done(&press.texts(), led_to, now));
        }
    }
}
