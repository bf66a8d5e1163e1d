//! Mails of this server: one line of text each.

use fs_core::port::{ComposeError, MailComposer, MailDraft, MailKind, OutgoingMail};

/// Composer of plain-text mails. `fs-http` has a composer with templates; without HTTP, an
/// application composes the mails of its own flows: here, the code of a second factor.
pub struct PlainMails {
    /// Sender: an address, or `Name <address>`.
    pub from: String,
}

impl MailComposer for PlainMails {
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError> {
        let MailKind::SecondFactorCode { code } = &draft.kind else {
            let why = "this server sends no such mail".to_owned();
            return Err(ComposeError { template: draft.kind.template(), why });
        };
        Ok(OutgoingMail {
            template: draft.kind.template().to_owned(),
            to: draft.to.to_owned(),
            from: self.from.clone(),
            subject: "Your code".to_owned(),
            text: Some(format!("The code to sign in with is {code}.\n")),
            html: None,
        })
    }
}
