//! Connections to a mail server, opened up to the point where the server accepts mails.

use std::time::Duration;

use fs_core::secret::Secret;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::{SmtpConfig, SmtpConfigError, SmtpSecurity};

/// Parameters of a connection, checked and ready to use.
pub(super) struct Connector {
    server: (String, u16),
    hello: ClientId,
    tls: Encryption,
    credentials: Option<(String, Secret)>,
    timeout: Duration,
}

enum Encryption {
    None,
    Later(TlsParameters),
    AtOnce(TlsParameters),
}

impl Connector {
    pub(super) fn new(config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        let host = &config.host;
        let parameters = || {
            let mut builder = TlsParameters::builder(host.clone());
            if let Some(pem) = &config.root_certificate {
                // From a text without any certificate, lettre makes one that trusts no server.
                let there = pem.contains("-----BEGIN CERTIFICATE-----");
                let root = Certificate::from_pem(pem.as_bytes()).ok().filter(|_| there);
                let root = root.ok_or(SmtpConfigError::RootCertificate)?;
                builder = builder.add_root_certificate(root);
            }
            builder.build().map_err(|_| SmtpConfigError::Host(host.clone()))
        };
        let tls = match config.security {
            SmtpSecurity::Plain => Encryption::None,
            SmtpSecurity::StartTls => Encryption::Later(parameters()?),
            SmtpSecurity::Tls => Encryption::AtOnce(parameters()?),
        };
        let hello = config.hello_name.clone().map(ClientId::Domain);
        Ok(Self {
            server: (host.clone(), config.port),
            hello: hello.unwrap_or_default(),
            tls,
            credentials: config.username.clone().zip(config.password.clone()),
            timeout: config.timeout,
        })
    }

    /// Connects, starts TLS and authenticates, in this order. If TLS is configured, nothing but
    /// greetings is sent before it is established.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, Error> {
        let at_once = match &self.tls {
            Encryption::AtOnce(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let server = (self.server.0.as_str(), self.server.1);
        let timeout = Some(self.timeout);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, timeout, &self.hello, at_once, None)
                .await?;
        if let Encryption::Later(parameters) = &self.tls {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some((username, password)) = &self.credentials {
            // lettre takes the password as a plain `String`.
            let password = password.expose().to_owned();
            let credentials = Credentials::new(username.clone(), password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}
