//! Where mails go.

use std::net::IpAddr;
use std::sync::Arc;

use fs_core::port::Mailer;
use fs_core::secret::Secret;
use fs_services::console_mailer::ConsoleMailer;
use fs_services::smtp::{SmtpConfig, SmtpConfigError, SmtpMailer, SmtpUrlError};

use crate::outbox::Outbox;

/// What sends mails, and where to read them here.
pub(crate) struct Mails {
    /// Sends them.
    pub(crate) mailer: Arc<dyn Mailer>,
    /// Keeps them for a page, if that is where they go.
    pub(crate) outbox: Option<Outbox>,
}

/// Why mails cannot go where they should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailsError {
    /// The URL of the mail server is none.
    #[error("--smtp-url: {0}")]
    Url(#[from] SmtpUrlError),
    /// The mail server cannot be used.
    #[error("--smtp-url: {0}")]
    Server(#[from] SmtpConfigError),
}

impl Mails {
    /// To the mail server if there is one; else to a page if nobody else can open it, or to the
    /// terminal.
    pub(crate) fn choose(smtp_url: Option<&Secret>, listening: IpAddr) -> Result<Self, MailsError> {
        if let Some(url) = smtp_url {
            // To be taken apart into server, user and password.
            let mailer = SmtpMailer::new(url.expose().parse::<SmtpConfig>()?)?;
            return Ok(Self { mailer: Arc::new(mailer), outbox: None });
        }
        if !listening.is_loopback() {
            return Ok(Self { mailer: Arc::new(ConsoleMailer::default()), outbox: None });
        }
        let outbox = Outbox::default();
        Ok(Self { mailer: Arc::new(outbox.clone()), outbox: Some(outbox) })
    }
}
