//! Where mails are handed in, and how.

use std::str::FromStr;
use std::time::Duration;

use fs_core::secret::Secret;
use percent_encoding::percent_decode_str;
use url::Url;

/// A mail server. Make one field by field, or read it from a URL:
///
/// | URL | meaning | default port |
/// | --- | --- | --- |
/// | `smtps://user:password@host` | TLS from the start | 465 |
/// | `smtp://user:password@host` | STARTTLS, refused without | 587 |
/// | `smtp+plain://host` | no TLS: for a server on this machine | 25 |
///
/// Signs with a meaning in URLs are written with `%` in user and password (`%40` for `@`).
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
pub struct SmtpConfig {
    /// The server's name. It must be in its certificate.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub security: SmtpSecurity,
    /// A certificate, in PEM, that is trusted besides those of the public authorities: for a mail
    /// server of the house.
    pub root_certificate: Option<String>,
    /// Who signs in; nothing: nobody does.
    pub username: Option<String>,
    /// The password to sign in with.
    pub password: Option<Secret>,
    /// What we call ourselves; nothing: by the machine's name.
    pub hello_name: Option<String>,
    /// How long connecting may take, sign-in included, and then how long handing over a mail may.
    /// Well below a minute: two minutes after a mail was taken from the outbox another process
    /// may send it.
    pub timeout: Duration,
}

/// How the way to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all: whoever is on the way reads mails, their links and the password. Only for a
    /// server on this machine.
    Plain,
    /// STARTTLS. A server that does not offer it gets nothing (RFC 3207).
    StartTls,
    /// TLS from the start (RFC 8314).
    Tls,
}

impl SmtpSecurity {
    /// The port that is usual for it.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Plain => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

impl SmtpConfig {
    /// A server at the usual port, without signing in, and with a timeout of 30 seconds.
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

/// Why a URL names no mail server. It does not say the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpUrlError {
    /// It is no URL, or names no host.
    #[error("not a URL of a mail server; write smtp://user:password@host:port")]
    Unreadable,
    /// It begins with something else.
    #[error("the URL of a mail server begins with smtps://, smtp:// or smtp+plain://")]
    Scheme,
    /// It has a path, a query or a fragment.
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
