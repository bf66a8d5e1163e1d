//! Composes mails from templates, subjects and links.

use std::sync::Arc;
use std::time::Duration;

use fs_core::config::{CodeMethod, MailSettings};
use fs_core::message::{Language, MailText};
use fs_core::port::{ComposeError, MailComposer, MailDraft, MailKind, OutgoingMail};
use serde_json::{Map, Value, json};

use crate::exchange::{Extension, WebSecurity};
use crate::pages::{Pages, PagesError};
use crate::route::Endpoint;
use crate::routes::Routes;

/// Composes the mails of accounts from the templates and the routing table.
pub(crate) struct Composer {
    pub(crate) pages: Arc<Pages>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) mail: MailSettings,
    pub(crate) default_language: Language,
    pub(crate) extension: Arc<dyn Extension>,
}

impl MailComposer for Composer {
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError> {
        let template = draft.kind.template();
        let failed = |why: String| ComposeError { template, why };
        // Operators do not share the language of whoever asks them for help.
        let language = match draft.kind {
            MailKind::SecondFactorRescue { .. } => &self.default_language,
            _ => draft.language,
        };
        let mut context = self.extension.page_context(template, None);
        context.insert("user".to_owned(), json!({ "email": draft.to, "username": draft.username }));
        context.insert("username".to_owned(), draft.username.into());
        context.entry("lang").or_insert_with(|| language.tag().into());
        self.add_links(&mut context, draft).map_err(failed)?;
        let rendered = self
            .pages
            .render_mail(template, &context, self.mail.text, self.mail.html)
            .map_err(|error| failed(error.to_string()))?;
        // Subjects of the application are in its default language.
        let is_default = self.default_language.tag() == language.tag();
        let subject = self.mail.subjects.get(template).filter(|_| is_default).cloned();
        let subject = subject.unwrap_or_else(|| language.text(subject_of(&draft.kind), &[]));
        Ok(OutgoingMail {
            template: template.to_owned(),
            to: draft.to.to_owned(),
            from: self.mail.from.clone(),
            subject: one_line(&subject),
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
            context.insert("within".to_owned(), draft.language.span(within).into());
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
            MailKind::RememberedBrowserEnded => {
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
            MailKind::RecoveryCodesMade { undo } | MailKind::ChangeNotice { undo } => {
                if let Some((token, within)) = undo {
                    put("undo_link", link(Endpoint::UndoChange, token)?, *within);
                }
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

    /// Adds the page to reset a password, for a user who did not make the change that the mail
    /// reports.
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
    /// `lang` in the context is the tag of the language; without it, the default language is used.
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
        let mut known = self.0.extension.page_context(name, None);
        known.extend(context);
        let default = self.core().config().default_language();
        known.entry("lang").or_insert_with(|| default.tag().into());
        let rendered = self.site().pages.render_mail(name, &known, mail.text, mail.html)?;
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

const fn subject_of(kind: &MailKind<'_>) -> MailText {
    match kind {
        MailKind::Welcome { confirmation: Some(_) } => MailText::SubjectWelcomeConfirm,
        MailKind::Welcome { confirmation: None } => MailText::SubjectWelcome,
        MailKind::ConfirmationInstructions { .. }
        | MailKind::AccountExists { confirmation: Some(_) } => MailText::SubjectConfirm,
        MailKind::ResetInstructions { .. } => MailText::SubjectReset,
        MailKind::ResetNotice => MailText::SubjectResetNotice,
        MailKind::ChangeNotice { .. } => MailText::SubjectChangeNotice,
        MailKind::RememberedBrowserEnded => MailText::SubjectBrowserEnded,
        MailKind::AccountExists { confirmation: None } => MailText::SubjectAccountExists,
        MailKind::SignInLink { .. } => MailText::SubjectSignInLink,
        MailKind::SecondFactorCode { .. } => MailText::SubjectFactorCode,
        MailKind::SecondFactorChanged { .. } => MailText::SubjectFactorChanged,
        MailKind::SignInMethodChanged { .. } => MailText::SubjectMethodChanged,
        MailKind::RecoveryCodesMade { .. } => MailText::SubjectRecoveryCodesMade,
        MailKind::RecoveryCodeUsed { .. } => MailText::SubjectRecoveryCodeUsed,
        MailKind::SecondFactorRescue { .. } => MailText::SubjectRescue,
        MailKind::SignInCode { .. } => MailText::SubjectCode,
    }
}
