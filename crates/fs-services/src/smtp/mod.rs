//! Mailer that speaks SMTP.

mod config;
mod connection;
mod failure;
mod message;

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use fs_core::port::{MailError, Mailer, OutboxId, OutgoingMail};
use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::Extension;
use tokio::time::timeout;

use connection::Connector;

pub use config::{SmtpConfig, SmtpSecurity, SmtpUrlError};

/// [`Mailer`] that hands mails to a mail server by SMTP, over one connection that it keeps open.
///
/// The `Message-ID` is derived from the mail's id in the outbox. If a process dies after it handed
/// a mail over and before it recorded that, the mail is sent twice with the same `Message-ID`, so
/// that mail programs can recognize the duplicate.
///
/// Only the server's answer about a mail itself can be a permanent error. Every failure before
/// that, authentication included, is temporary: mails wait until the configuration is fixed.
///
/// Must be used within a tokio runtime.
pub struct SmtpMailer {
    config: SmtpConfig,
    connector: Connector,
    idle: Mutex<Option<AsyncSmtpConnection>>,
}

/// Error in the configuration of a mail server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpConfigError {
    /// The host is neither a DNS name nor an IP address, so its certificate cannot be checked.
    #[error(
        "host {0:?} is neither a DNS name nor an IP address; write the name that the mail server's \
         certificate contains"
    )]
    Host(String),
    /// The root certificate is not a certificate in PEM.
    #[error(
        "root_certificate is not a certificate in PEM; give a text that begins with \
         -----BEGIN CERTIFICATE-----"
    )]
    RootCertificate,
}

impl SmtpMailer {
    /// Creates a mailer for a server. Does not connect yet.
    ///
    /// # Errors
    ///
    /// Both apply only if the configuration uses TLS:
    ///
    /// - Returns [`SmtpConfigError::Host`] if the host is neither a DNS name nor an IP address.
    /// - Returns [`SmtpConfigError::RootCertificate`] if the root certificate is not a certificate
    ///   in PEM.
    pub fn new(config: SmtpConfig) -> Result<Self, SmtpConfigError> {
        let connector = Connector::new(&config)?;
        Ok(Self { config, connector, idle: Mutex::default() })
    }

    async fn hand_over(&self, message: &Message) -> Result<(), MailError> {
        let opened = async {
            match self.kept().await {
                Some(connection) => Ok(connection),
                None => self.connector.open().await,
            }
        };
        let mut connection = self.in_time(opened, failure::before_the_mail).await?;
        let envelope = message.envelope();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii())
            && !connection.server_info().supports_feature(Extension::SmtpUtfEight)
        {
            self.keep(connection);
            return Err(MailError::Permanent(
                "an address has letters outside of ASCII before the @, and the mail server does \
                 not take such addresses (SMTPUTF8)"
                    .to_owned(),
            ));
        }
        let body = message.formatted();
        let sent = connection.send(message.envelope(), &body);
        self.in_time(sent, failure::about_the_mail).await?;
        self.keep(connection);
        Ok(())
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// Returns the connection of the last mail if the server still answers on it, otherwise `None`.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut connection = kept?;
        connection.test_connected().await.then_some(connection)
    }

    /// Applies the timeout to an answer. lettre limits only the time to connect.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
        meaning: fn(&Error) -> MailError,
    ) -> Result<T, MailError> {
        match timeout(self.config.timeout, answer).await {
            Ok(answer) => answer.map_err(|error| meaning(&error)),
            Err(_) => {
                Err(MailError::Temporary("the mail server did not answer in time".to_owned()))
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, id: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        let sent = match message::message(id, mail) {
            Ok(message) => self.hand_over(&message).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &sent {
            tracing::warn!(mail = %id.0, template = %mail.template, %error, "a mail was not sent");
        }
        sent
    }
}

impl std::fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SmtpMailer").field(&self.config).finish()
    }
}
