//! Ports for mails, and the mails of accounts.

use std::time::Duration;

use async_trait::async_trait;

use super::OutboxId;
use crate::config::CodeMethod;
use crate::message::Language;

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

impl std::fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingMail")
            .field("template", &self.template)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
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
    ChangeNotice {
        /// Token that undoes the change, with its validity period. `None` if the mail has no such
        /// link.
        undo: Option<(&'a str, Duration)>,
    },
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
            Self::ChangeNotice { .. } => "change_notice",
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
