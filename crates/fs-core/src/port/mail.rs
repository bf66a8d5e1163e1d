//! Ports for mails, and the mails of accounts.

use std::time::Duration;

use async_trait::async_trait;

use super::OutgoingSms;
use crate::config::CodeMethod;
use crate::message::Language;
use crate::secret::Secret;

/// Sends mails, usually through a mail server.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one mail. An implementation must give up within a minute: two minutes after a mail was
    /// claimed from the outbox, another process may send it.
    ///
    /// # Errors
    ///
    /// Returns [`MailError::Temporary`] if the mail should be retried later, and
    /// [`MailError::Permanent`] if it should not.
    async fn send(&self, id: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError>;
}

/// A mail that is ready to be sent. Treat its body as a secret: it may hold a link that signs the
/// user in.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Name of the mail's template, such as `welcome`.
    pub template: String,
    /// Recipient: one address.
    pub to: String,
    /// Sender: an address, or `Name <address>`.
    pub from: String,
    /// Subject, without line breaks.
    pub subject: String,
    /// Plain text part, if there is one.
    pub text: Option<String>,
    /// HTML part, if there is one.
    pub html: Option<String>,
}

/// Template name that marks a text message in the outbox.
const TEXT_MESSAGE: &str = "text message";

/// Character that fills a decoy.
const DECOY: &str = "-";

impl OutgoingMail {
    /// Wraps a text message as a mail for the outbox. Stores do not need to distinguish the two.
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

    /// Returns a decoy: a row of the same length in every column that is never sent.
    ///
    /// A decoy is stored if an address has no account, so that storing, claiming and deleting it
    /// takes the work of a real mail. It does not contain what the user typed.
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

    /// Checks whether this is a [decoy](Self::into_decoy). A real recipient has an `@` or, in a
    /// text message, a digit.
    pub(crate) fn is_decoy(&self) -> bool {
        self.to.starts_with(DECOY) && self.to.trim_start_matches(DECOY).is_empty()
    }

    /// Returns the text message that this wraps, or `None` for a mail. A recipient with an `@` is
    /// always a mail.
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

/// Id of a mail in the outbox: a random text. The mail's `Message-ID` is derived from it, so that
/// mail servers and mail programs can recognize a mail that was sent twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub String);

/// A mail in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMail {
    /// Id of the mail.
    pub id: OutboxId,
    /// Content of the mail.
    pub mail: OutgoingMail,
    /// Number of failed attempts to send it.
    pub attempts: u32,
}

/// Error of sending a mail.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server could not be reached, or asked for another attempt.
    #[error("the mail could not be sent now: {0}")]
    Temporary(String),
    /// The server refused this mail permanently.
    #[error("the mail was refused: {0}")]
    Permanent(String),
}

/// Renders mails with their texts and links. It must not perform IO: load templates before.
pub trait MailComposer: Send + Sync {
    /// Renders a draft.
    ///
    /// # Errors
    ///
    /// Returns [`ComposeError`] if the template fails. The flow then stops before it writes
    /// anything.
    fn compose(&self, draft: &MailDraft<'_>) -> Result<OutgoingMail, ComposeError>;
}

/// Contents of a mail, before it is rendered.
#[derive(Debug)]
pub struct MailDraft<'a> {
    /// Kind of the mail, with its data.
    pub kind: MailKind<'a>,
    /// Recipient: a stored address, never one from a request.
    pub to: &'a str,
    /// Name of the account to show: its first identity.
    pub username: &'a str,
    /// URL with which links begin.
    pub base_url: &'a str,
    /// Language of the mail.
    pub language: &'a Language,
}

/// Change of a sign-in method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodChange {
    /// The method was set up for the first time.
    Added,
    /// The method replaced an earlier one of its kind.
    Replaced,
    /// The method was removed.
    Removed,
}

impl MethodChange {
    /// Returns a fixed name of the change, for templates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Removed => "removed",
        }
    }
}

/// A kind of mail. Tokens are secrets: anyone who holds one can use it.
pub enum MailKind<'a> {
    /// Welcome after a registration. It has a confirmation link if the address must be confirmed.
    Welcome {
        /// Token that confirms the address, with its validity period. `None` if no confirmation is
        /// needed.
        confirmation: Option<(&'a str, Duration)>,
    },
    /// Link to confirm the address.
    ConfirmationInstructions {
        /// Token that confirms the address.
        token: &'a str,
        /// Validity period of the token.
        within: Duration,
    },
    /// Link to reset the password.
    ResetInstructions {
        /// Token that resets the password.
        token: &'a str,
        /// Validity period of the token.
        within: Duration,
    },
    /// Notice that the password was reset.
    ResetNotice,
    /// Notice that the password was changed.
    ChangeNotice,
    /// Notice that a remembered browser was signed out because an old copy of its cookie was used.
    RememberedBrowserEnded,
    /// Notice that someone tried to register with the address of this account.
    AccountExists {
        /// Token that confirms the address, with its validity period. `None` if the address is
        /// already confirmed.
        confirmation: Option<(&'a str, Duration)>,
    },
    /// Link to sign in.
    SignInLink {
        /// Token that signs the user in.
        token: &'a str,
        /// Validity period of the token.
        within: Duration,
    },
    /// Code for the second factor.
    SecondFactorCode {
        /// The one-time code.
        code: &'a str,
    },
    /// Notice that the second factor was changed or disabled.
    SecondFactorChanged {
        /// The new method. `None` if the second factor was disabled.
        method: Option<CodeMethod>,
        /// Token that undoes the change, with its validity period. `None` if the mail has no such
        /// link.
        undo: Option<(&'a str, Duration)>,
    },
    /// Notice that a sign-in method was set up, changed or removed.
    SignInMethodChanged {
        /// The sign-in method.
        method: CodeMethod,
        /// Kind of the change.
        change: MethodChange,
        /// Token that undoes the change, with its validity period. `None` if the mail has no such
        /// link.
        undo: Option<(&'a str, Duration)>,
    },
    /// Notice that new recovery codes were made, which replace earlier ones.
    RecoveryCodesMade {
        /// Token that undoes the change, with its validity period. `None` if the mail has no such
        /// link.
        undo: Option<(&'a str, Duration)>,
    },
    /// Notice that a recovery code was used instead of the second factor.
    RecoveryCodeUsed {
        /// Number of recovery codes that are left.
        left: usize,
    },
    /// Request for help, sent to the operator: a user has access to neither the second factor nor
    /// the mail.
    SecondFactorRescue {
        /// Address of the account.
        user: &'a str,
    },
    /// Code to sign in.
    SignInCode {
        /// The one-time code.
        code: &'a str,
        /// Whether the mail has a link that signs the user in with the code.
        link: bool,
    },
}

impl MailKind<'_> {
    /// Returns the name of the mail's template.
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
            Self::RecoveryCodesMade { .. } => "recovery_codes_made",
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

/// Error of rendering a mail.
#[derive(Debug, thiserror::Error)]
#[error("the mail {template} could not be written: {why}")]
pub struct ComposeError {
    /// Name of the template.
    pub template: &'static str,
    /// Reason for the failure.
    pub why: String,
}

/// Wakes the task that sends the mails of the outbox, so that a new mail does not wait for the next
/// poll.
pub trait OutboxWaker: Send + Sync {
    /// Signals that a mail waits in the outbox. Must not block.
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
