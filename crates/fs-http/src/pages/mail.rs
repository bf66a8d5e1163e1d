//! Templates and variables of mails.
//!
//! | name | sent when | variables besides `user.email`, `username` and `branding` |
//! | --- | --- | --- |
//! | `welcome` | somebody registered | `confirmation_link` or none |
//! | `confirmation_instructions` | an address is to be confirmed | `confirmation_link` |
//! | `reset_instructions` | a password is to be reset | `reset_link` |
//! | `login_instructions` | somebody signs in by link | `username`, `login_link` |
//! | `two_factor_instructions` | a second step needs a code | `username`, `token` |
//! | `two_factor_rescue` | somebody without second step and mail asks the operators for help | `username` |
//! | `us_instructions` | somebody signs in by code, or sets that up | `username`, `token`, `login_link` or none |
//! | `recovery_code_used` | a recovery code was used | `username`, `remaining` (a number), `reset_link` or none |
//! | `recovery_codes_made` | new recovery codes replace earlier ones | `username`, `undo_link` and `reset_link`, or none |
//! | `second_factor_changed` | the second step is another one, or none any more | `username`, `method` (`authenticator`, `email`, `sms`, or none), `undo_link` and `reset_link`, or none |
//! | `sign_in_method_changed` | a way to sign in was added, replaced or removed | `username`, `method` (as above), `change` (`added`, `replaced` or `removed`), `undo_link` and `reset_link`, or none |
//! | `reset_notice` | a password was reset | |
//! | `change_notice` | a password was changed | `undo_link` and `reset_link`, or none |
//! | `remembered_browser_ended` | an old copy of a remember cookie was used, and the browser is signed out | `reset_link` or none |
//! | `account_exists` | somebody registered with an address that has an account | `login_link`, `reset_link` or none; `confirmation_link` instead, if the address is not confirmed yet |
//!
//! With a confirmation, reset or sign-in link comes `within`, which says how long the link works,
//! in words: `2 hours`. `token` is the code; nothing else in a mail looks like one. Links must be
//! whole URLs.

use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Map, Value as Json};

use super::{Pages, PagesError};

/// Rendered parts of a mail. Treat it as a secret, since it may contain a link that signs the user
/// in. For that reason it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// Plain text part, if there is one.
    pub text: Option<String>,
    /// HTML part, if there is one.
    pub html: Option<String>,
}

impl Pages {
    /// Renders the requested parts of a mail from `security/email/<name>.txt` and `.html`.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Pages::render`].
    pub fn render_mail(
        &self,
        name: &str,
        context: &Map<String, Json>,
        text: bool,
        html: bool,
    ) -> Result<RenderedMail, PagesError> {
        let part = |wanted: bool, ending: &str| {
            let render = || {
                let name = format!("security/email/{name}.{ending}");
                self.render_template(&name, context! { ..self.branding.clone(), ..Serde(context) })
            };
            wanted.then(render).transpose()
        };
        Ok(RenderedMail { text: part(text, "txt")?, html: part(html, "html")? })
    }
}
