//! Configuration of the connection to a mail server.

use std::str::FromStr;
use std::time::Duration;

use fs_core::secret::Secret;
use percent_encoding::percent_decode_str;
use url::Url;

/// Address, credentials and encryption of a mail server. Set the fields, or parse a URL:
///
/// | URL | meaning | default port |
/// | --- | --- | --- |
/// | `smtps://user:password@host` | TLS from the start | 465 |
/// | `smtp://user:password@host` | STARTTLS, refused without | 587 |
/// | `smtp+plain://host` | no TLS: for a server on this machine | 25 |
///
/// Percent-encode special characters in the user name and the password (`%40` for `@`).
///
/// ```
/// use fs_services::smtp::{SmtpSecurity, SmtpConfig};
///
/// let config: SmtpConfig = "smtp://otter:s%40lt@mail.example.org".parse()?;
/// assert_eq!((config.host.as_str(), config.port), ("mail.example.org", 587));
/// assert_eq!(config.security, SmtpSecurity::StartTls);
/// assert_eq!(config.password.as_ref().map(|password| password.expose()), Some("s@lt"));
/// # Ok::<(), fs_services::smtp::SmtpUrlError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SmtpConfig {
    /// Host name of the server. With TLS, its certificate must name it.
    pub host: String,
    /// Port of the server.
    pub port: u16,
    /// Encryption of the connection.
    pub security: SmtpSecurity,
    /// Additional root certificate to trust, in PEM, for a mail server with a private certificate
    /// authority.
    pub root_certificate: Option<String>,
    /// User name to authenticate with. If it or the password is `None`, mails are sent without
    /// authentication.
    pub username: Option<String>,
    /// Password to authenticate with.
    pub password: Option<Secret>,
    /// Name that the client gives in `EHLO`. `None` uses the host name of this machine.
    pub hello_name: Option<String>,
    /// Timeout of each of two steps: connecting and authenticating, and handing over a mail. A mail
    /// can therefore take twice this time.
    ///
    /// Keep it well below a minute: another process may send a mail that is not settled two minutes
    /// after this process took it from the outbox.
    pub timeout: Duration,
}

/// Encryption of the connection to a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// No encryption. Anyone on the network path can read the mails, their links and the password.
    /// Use it only for a server on this machine.
    Plain,
    /// STARTTLS (RFC 3207). Nothing is sent to a server that does not offer it.
    StartTls,
    /// TLS from the start (RFC 8314).
    Tls,
}

impl SmtpSecurity {
    /// Returns the usual port: 25, 587 or 465.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Plain => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

impl SmtpConfig {
    /// Creates a configuration with the usual port, no authentication and a timeout of 30 seconds.
    pub fn new(host: impl Into<String>, security: SmtpSecurity) -> Self {
        Self {
            host: host.into(),
            port: security.usual_port(),
            security,
            root_certificate: None,
            username: None,
            password: None,
            hello_name: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Error of parsing the URL of a mail server. Its message does not contain the URL, which may hold
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpUrlError {
    /// The text is not a URL, or the URL has no host.
    #[error("not a URL of a mail server; write smtp://user:password@host:port")]
    Unreadable,
    /// The scheme is not `smtps`, `smtp` or `smtp+plain`.
    #[error("the URL of a mail server begins with smtps://, smtp:// or smtp+plain://")]
    Scheme,
    /// The URL has a path, a query or a fragment.
    #[error(
        "the URL of a mail server ends after the port; write / ? # in a password as %2F %3F %23"
    )]
    Trailing,
}

impl FromStr for SmtpConfig {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text).map_err(|_| SmtpUrlError::Unreadable)?;
        let security = match url.scheme() {
            "smtps" => SmtpSecurity::Tls,
            "smtp" => SmtpSecurity::StartTls,
            "smtp+plain" => SmtpSecurity::Plain,
            _ => return Err(SmtpUrlError::Scheme),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(SmtpUrlError::Trailing);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(SmtpUrlError::Unreadable)?.trim_matches(['[', ']']);
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(String::from).map_err(|_| SmtpUrlError::Unreadable)
        };
        let username = Some(url.username()).filter(|name| !name.is_empty());
        Ok(Self {
            port: url.port().unwrap_or(security.usual_port()),
            username: username.map(decode).transpose()?,
            password: url.password().map(decode).transpose()?.map(Secret::from),
            ..Self::new(host, security)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_table_says() {
        for (text, security, port) in [
            ("smtps://mail.example.org", SmtpSecurity::Tls, 465),
            ("smtp://mail.example.org/", SmtpSecurity::StartTls, 587),
            ("smtp+plain://mail.example.org", SmtpSecurity::Plain, 25),
            ("smtp+plain://mail.example.org:2525", SmtpSecurity::Plain, 2525),
        ] {
            let config: SmtpConfig = text.parse().unwrap();
            assert_eq!(config.host, "mail.example.org", "{text}");
            assert_eq!((config.security, config.port), (security, port), "{text}");
            assert_eq!(config.username, None);
        }
        let config: SmtpConfig = "smtp+plain://[::1]:2525".parse().unwrap();
        assert_eq!(config.host, "::1");
    }

    #[test]
    fn refuses_the_rest_without_showing_it() {
        for (text, error) in [
            ("", SmtpUrlError::Unreadable),
            ("mail.example.org", SmtpUrlError::Unreadable),
            ("smtp:", SmtpUrlError::Unreadable),
            ("http://mail.example.org", SmtpUrlError::Scheme),
            ("smtp://otter:a/b@mail.example.org", SmtpUrlError::Unreadable),
            ("smtp://mail.example.org?tls=no", SmtpUrlError::Trailing),
        ] {
            let refused = text.parse::<SmtpConfig>().unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("otter"));
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let config: SmtpConfig = "smtp://otter:hunter2@mail.example.org".parse().unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
