//! Composes mails from templates, subjects and links.

use std::sync::Arc;
use std::time::Duration;

use fs_core::config::{CodeMethod, MailSettings};
use fs_core::port::{ComposeError, MailComposer, MailDraft, MailKind, OutgoingMail};
use serde_json::{Map, Value, json};

use crate::hooks::Hooks;
use crate::pages::{Pages, PagesError};
use crate::route::{Endpoint, Routes};
use crate::web::WebSecurity;

/// Composes the mails of accounts from the templates and the routing table.
pub(crate) struct Composer {
    pub(crate) pages: Arc<Pages>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) mail: MailSettings,
    pub(crate) hooks: Hooks,
}

impl MailComposer for Composer {
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError> {
        let template = draft.kind.template();
        let failed = |why: String| ComposeError { template, why };
        let mut context = self.hooks.context(template, None);
        context.insert("user".to_owned(), json!({ "email": draft.to, "username": draft.username }));
        context.insert("username".to_owned(), draft.username.into());
        self.add_links(&mut context, draft).map_err(failed)?;
        let rendered = self
            .pages
            .render_mail(template, &context, self.mail.text, self.mail.html)
            .map_err(|error| failed(error.to_string()))?;
        let subject = self.mail.subjects.get(template).map(String::as_str);
        Ok(OutgoingMail {
            template: template.to_owned(),
            to: draft.to.to_owned(),
            from: self.mail.from.clone(),
            subject: one_line(subject.unwrap_or(default_subject(&draft.kind))),
            text: rendered.text,
            html: rendered.html,
        })
    }
}

impl Composer {
    fn add_links(
        &self,
        context: &mut Map<String, Value>,
        draft: &MailDraft<'_>,
    ) -> Result<(), String> {
        let link = |endpoint, token: &str| {
            let path = self.routes.link(endpoint, token);
            path.map(|path| format!("{}{path}", draft.base_url))
                .ok_or_else(|| format!("the endpoint {endpoint:?} is off"))
        };
        let mut put = |name: &str, link: String, within: Duration| {
            context.insert(name.to_owned(), link.into());
            context.insert("within".to_owned(), fs_core::span_text(within).into());
        };
        match &draft.kind {
            MailKind::Welcome { confirmation: Some((token, within)) }
            | MailKind::ConfirmationInstructions { token, within } => {
                put("confirmation_link", link(Endpoint::Confirm, token)?, *within);
            }
            MailKind::ResetInstructions { token, within } => {
                put("reset_link", link(Endpoint::ResetPassword, token)?, *within);
            }
            MailKind::SignInLink { token, within } => {
                put("login_link", link(Endpoint::SignInLink, token)?, *within);
            }
            MailKind::SecondFactorCode { code } => {
                context.insert("token".to_owned(), (*code).into());
            }
            MailKind::SignInCode { code, link } => {
                context.insert("token".to_owned(), (*code).into());
                if let (true, Some(path)) = (*link, self.routes.path(Endpoint::UnifiedLink)) {
                    let query = [("email", draft.to), ("code", *code)];
                    let link = format!("{}{path}", draft.base_url);
                    let link = fs_core::redirect::resolve_view(&link, &query, None);
                    context.insert("login_link".to_owned(), link.into());
                }
            }
            MailKind::SecondFactorRescue { user } => {
                context.insert("account".to_owned(), (*user).into());
            }
            MailKind::ChangeNotice | MailKind::RememberedBrowserEnded => {
                self.add_reset_page(context, draft);
            }
            MailKind::SecondFactorChanged { method, undo } => {
                if let Some((token, within)) = undo {
                    put("undo_link", link(Endpoint::UndoChange, token)?, *within);
                }
                let method = method.map(CodeMethod::name);
                context.insert("method".to_owned(), method.into());
                self.add_reset_page(context, draft);
            }
            MailKind::SignInMethodChanged { method, change, undo } => {
                if let Some((token, within)) = undo {
                    put("undo_link", link(Endpoint::UndoChange, token)?, *within);
                }
                context.insert("method".to_owned(), method.name().into());
                context.insert("change".to_owned(), change.name().into());
                self.add_reset_page(context, draft);
            }
            MailKind::RecoveryCodeUsed { left } => {
                context.insert("remaining".to_owned(), (*left).into());
                self.add_reset_page(context, draft);
            }
            MailKind::AccountExists { confirmation: Some((token, within)) } => {
                put("confirmation_link", link(Endpoint::Confirm, token)?, *within);
            }
            MailKind::AccountExists { confirmation: None } => {
                self.add_reset_page(context, draft);
                if let Some(path) = self.routes.path(Endpoint::SignIn) {
                    let link = format!("{}{path}", draft.base_url);
                    context.insert("login_link".to_owned(), link.into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Where a password is reset, for whoever did not do what the mail tells of.
    fn add_reset_page(&self, context: &mut Map<String, Value>, draft: &MailDraft<'_>) {
        if let Some(path) = self.routes.path(Endpoint::ForgotPassword) {
            let link = format!("{}{path}", draft.base_url);
            context.insert("reset_link".to_owned(), link.into());
        }
    }
}

impl WebSecurity {
    /// Composes a mail of the application from its templates `security/email/<name>.txt` and
    /// `.html`, in the layout of the library's mails. Send it with
    /// [`Security::send_mail`](fs_core::Security::send_mail).
    ///
    /// # Errors
    ///
    /// - Returns [`PagesError::Unknown`] if the templates do not exist.
    /// - Returns [`PagesError::Render`] if one of them fails.
    pub fn compose_mail(
        &self,
        name: &str,
        to: &str,
        subject: &str,
        context: Map<String, Value>,
    ) -> Result<OutgoingMail, PagesError> {
        let mail = &self.core().config().mail;
        let mut known = self.0.hooks.context(name, None);
        known.extend(context);
        let rendered = self.0.pages.render_mail(name, &known, mail.text, mail.html)?;
        Ok(OutgoingMail {
            template: name.to_owned(),
            to: to.to_owned(),
            from: mail.from.clone(),
            subject: one_line(subject),
            text: rendered.text,
            html: rendered.html,
        })
    }
}

/// Joins the lines of a subject, since a header has only one line.
fn one_line(subject: &str) -> String {
    subject.replace(['\r', '\n'], " ")
}

fn default_subject(kind: &MailKind<'_>) -> &'static str {
    match kind {
        MailKind::Welcome { confirmation: Some(_) } => "Welcome: please confirm your address",
        MailKind::Welcome { confirmation: None } => "Welcome",
        MailKind::ConfirmationInstructions { .. } => "Please confirm your address",
        MailKind::ResetInstructions { .. } => "Choose a new password",
        MailKind::ResetNotice => "Your password was reset",
        MailKind::ChangeNotice => "Your password was changed",
        MailKind::RememberedBrowserEnded => "We signed a browser out",
        MailKind::AccountExists { confirmation: None } => "You already have an account",
        MailKind::AccountExists { confirmation: Some(_) } => "Please confirm your address",
        MailKind::SignInLink { .. } => "Your link to sign in",
        MailKind::SecondFactorCode { .. } => "Your code to sign in",
        MailKind::SecondFactorChanged { .. } => "Your second step was changed",
        MailKind::SignInMethodChanged { .. } => "How you sign in was changed",
        MailKind::RecoveryCodeUsed { .. } => "A recovery code was used",
        MailKind::SecondFactorRescue { .. } => "Somebody needs help to sign in",
        MailKind::SignInCode { .. } => "Your code",
    }
}
