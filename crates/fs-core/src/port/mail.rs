//! Mails.

use std::time::Duration;

use async_trait::async_trait;

use super::OutgoingSms;
use crate::config::CodeMethod;
use crate::secret::Secret;

/// Hands mails to a mail server.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one mail, or gives up within a minute: two minutes after it was taken from the outbox,
    /// another process may send it.
    ///
    /// # Errors
    ///
    /// [`MailError::Temporary`] is tried again later, [`MailError::Permanent`] never.
    async fn send(&self, id: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError>;
}

/// A mail that is ready to go. Its body may hold a link that signs somebody in: treat it as a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Which of the mails it is: the name of its template, such as `welcome`.
    pub template: String,
    /// Whom it goes to: one address.
    pub to: String,
    /// Whom it comes from: an address, or `Name <address>`.
    pub from: String,
    /// The subject, without line breaks.
    pub subject: String,
    /// The plain part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
}

/// What stands in place of a template where the outbox carries a text message.
const TEXT_MESSAGE: &str = "text message";

/// What a decoy is filled with.
const DECOY: &str = "-";

impl OutgoingMail {
    /// A text message on its way through the outbox. Stores need not know it from a mail.
    pub(crate) fn of_text(sms: &OutgoingSms) -> Self {
        Self {
            template: TEXT_MESSAGE.to_owned(),
            to: sms.to.clone(),
            from: String::new(),
            subject: String::new(),
            text: Some(sms.text.expose().to_owned()),
            html: None,
        }
    }

    /// The same row without its content: as long in every column, and sent to nobody.
    ///
    /// It stands in the outbox where an address has no account, so that the work of storing, claiming
    /// and deleting it is that of a mail. What somebody typed is not kept in it.
    pub(crate) fn into_decoy(self) -> Self {
        let hidden = |text: String| DECOY.repeat(text.len());
        Self {
            to: hidden(self.to),
            text: self.text.map(hidden),
            html: self.html.map(hidden),
            subject: hidden(self.subject),
            ..self
        }
    }

    /// Whether it is a [decoy](Self::into_decoy). No mail goes to an address without an `@`, no
    /// text message to a number without a digit.
    pub(crate) fn is_decoy(&self) -> bool {
        self.to.starts_with(DECOY) && self.to.trim_start_matches(DECOY).is_empty()
    }

    /// The text message that it is. A telephone number is no address of a mail.
    pub(crate) fn as_text(&self) -> Option<OutgoingSms> {
        let text = self.text.as_ref().filter(|_| self.template == TEXT_MESSAGE)?;
        let number = Some(&self.to).filter(|to| !to.contains('@'))?;
        Some(OutgoingSms { to: number.clone(), text: Secret::from(text.as_str()) })
    }
}

impl std::fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingMail")
            .field("template", &self.template)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// The name of a mail in the outbox: a random text. It also makes the mail's `Message-ID`, so that
/// a mail server can recognise one that was handed over twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub String);

/// A mail that waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMail {
    /// Its name.
    pub id: OutboxId,
    /// The mail.
    pub mail: OutgoingMail,
    /// How often it was tried.
    pub attempts: u32,
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server could not be reached, or asked to try again.
    #[error("the mail could not be sent now: {0}")]
    Temporary(String),
    /// The server refused this mail for good.
    #[error("the mail was refused: {0}")]
    Permanent(String),
}

/// Writes mails: finds the words, makes the links. No IO: templates are loaded before.
pub trait MailComposer: Send + Sync {
    /// The mail for a draft.
    ///
    /// # Errors
    ///
    /// The template failed. The flow stops before anything is written.
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError>;
}

/// What a mail is about.
#[derive(Debug)]
pub struct MailDraft<'a> {
    /// Which mail.
    pub kind: MailKind<'a>,
    /// Whom it goes to: a stored address, never a typed one.
    pub to: &'a str,
    /// How the account is called in it: the first identity that it has.
    pub username: &'a str,
    /// Links start with it.
    pub base_url: &'a str,
}

/// What became of a sign-in method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodChange {
    /// There was none of its kind before.
    Added,
    /// It took the place of one of its kind.
    Replaced,
    /// It is gone.
    Removed,
}

impl MethodChange {
    /// A fixed word, for templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }
}

/// The mails of accounts. Tokens are secrets: whoever holds one may do what it is for.
pub enum MailKind<'a> {
    /// Somebody registered; with a token to confirm the address where that is asked for.
    Welcome {
        /// Confirms the address, and how long it is good.
        confirmation: Option<(&'a str, Duration)>,
    },
    /// A link to confirm the address.
    ConfirmationInstructions {
        /// Confirms the address.
        token: &'a str,
        /// How long it is good.
        within: Duration,
    },
    /// A link to reset the password.
    ResetInstructions {
        /// Resets the password.
        token: &'a str,
        /// How long it is good.
        within: Duration,
    },
    /// The password was reset.
    ResetNotice,
    /// The password was changed.
    ChangeNotice,
    /// A remembered browser was signed out, since an old copy of its cookie was used.
    RememberedBrowserEnded,
    /// Somebody tried to register with the address of this account.
    AccountExists {
        /// Confirms the address, and how long it is good; `None` if it was confirmed before.
        confirmation: Option<(&'a str, Duration)>,
    },
    /// A link to sign in with.
    SignInLink {
        /// Signs in.
        token: &'a str,
        /// How long it is good.
        within: Duration,
    },
    /// The code of a second factor.
    SecondFactorCode {
        /// The code.
        code: &'a str,
    },
    /// The second factor is another one now, or there is none any more.
    SecondFactorChanged {
        /// By which method its codes come now.
        method: Option<CodeMethod>,
        /// Undoes the change, and how long it is good.
        undo: Option<(&'a str, Duration)>,
    },
    /// A method to sign in with was set up, changed or removed.
    SignInMethodChanged {
        /// The method.
        method: CodeMethod,
        /// What became of it.
        change: MethodChange,
        /// Undoes the change, and how long it is good.
        undo: Option<(&'a str, Duration)>,
    },
    /// A recovery code was used in place of a second factor.
    RecoveryCodeUsed {
        /// How many are left.
        left: usize,
    },
    /// Somebody can use neither second factor nor mail: for whoever runs the application.
    SecondFactorRescue {
        /// Who: the address of the account.
        user: &'a str,
    },
    /// A code to sign in with.
    SignInCode {
        /// The code.
        code: &'a str,
        /// Whether the mail has a link that signs in with it.
        link: bool,
    },
}

impl MailKind<'_> {
    /// The name of its template.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::ConfirmationInstructions { .. } => "confirmation_instructions",
            Self::ResetInstructions { .. } => "reset_instructions",
            Self::ResetNotice => "reset_notice",
            Self::ChangeNotice => "change_notice",
            Self::RememberedBrowserEnded => "remembered_browser_ended",
            Self::AccountExists { .. } => "account_exists",
            Self::SignInLink { .. } => "login_instructions",
            Self::SecondFactorCode { .. } => "two_factor_instructions",
            Self::SecondFactorChanged { .. } => "second_factor_changed",
            Self::SignInMethodChanged { .. } => "sign_in_method_changed",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::SecondFactorRescue { .. } => "two_factor_rescue",
            Self::SignInCode { .. } => "us_instructions",
        }
    }
}

impl std::fmt::Debug for MailKind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.template())
    }
}

/// A mail could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the mail {template} could not be written: {why}")]
pub struct ComposeError {
    /// Which.
    pub template: &'static str,
    /// Why.
    pub why: String,
}

/// Is told that a mail waits in the outbox, so that it need not wait for the next look.
pub trait OutboxWaker: Send + Sync {
    /// A mail waits. It must not block.
    fn wake(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoy_is_as_long_as_its_mail_and_holds_nothing_of_it() {
        let mail = OutgoingMail {
            template: "reset_instructions".to_owned(),
            to: "ann@site.test".to_owned(),
            from: "no-reply@site.test".to_owned(),
            subject: "Hello".to_owned(),
            text: Some("https://site.test/reset/token".to_owned()),
            html: None,
        };
        let decoy = mail.clone().into_decoy();
        assert!(decoy.is_decoy() && !mail.is_decoy());
        assert_eq!((decoy.to.len(), decoy.subject.len()), (mail.to.len(), mail.subject.len()));
        let lengths = |mail: &OutgoingMail| mail.text.as_ref().map(String::len);
        assert_eq!(lengths(&decoy), lengths(&mail));
        assert!(!decoy.text.unwrap_or_default().contains("token"));
        let text = OutgoingSms { to: "+41446681800".to_owned(), text: "17".into() };
        let text = OutgoingMail::of_text(&text);
        assert!(text.as_text().is_some() && !text.is_decoy());
        assert!(text.into_decoy().is_decoy());
    }
}
