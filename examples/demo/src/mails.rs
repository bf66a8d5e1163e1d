//! Delivery of mails.

use std::net::IpAddr;
use std::sync::Arc;

use fs_core::port::Mailer;
use fs_core::secret::Secret;
use fs_http::incoming::Incoming;
use fs_services::console_mailer::ConsoleMailer;
use fs_services::smtp::{SmtpConfig, SmtpConfigError, SmtpMailer, SmtpUrlError};
use http::Uri;
use http::uri::Authority;

use crate::outbox::Outbox;

/// Mailer of the demo, and the outbox that shows its mails.
pub(crate) struct Mails {
    /// Mailer that the library uses.
    pub(crate) mailer: Arc<dyn Mailer>,
    /// Outbox for the page with mails, or `None` if they are sent elsewhere.
    pub(crate) outbox: Option<Outbox>,
}

/// Error in the configuration of the mail server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailsError {
    /// The URL of the mail server is invalid.
    #[error("--smtp-url: {0}")]
    Url(#[from] SmtpUrlError),
    /// The configuration of the mail server cannot be used.
    #[error("--smtp-url: {0}")]
    Server(#[from] SmtpConfigError),
}

impl Mails {
    /// Selects the mailer: the mail server if one is configured, otherwise a page if only this
    /// machine can open it, otherwise the terminal.
    pub(crate) fn choose(
        smtp_url: Option<&Secret>,
        listening: IpAddr,
        base_url: &str,
    ) -> Result<Self, MailsError> {
        if let Some(url) = smtp_url {
            // Exposed to be parsed into server, user and password.
            let mailer = SmtpMailer::new(url.expose().parse::<SmtpConfig>()?)?;
            return Ok(Self { mailer: Arc::new(mailer), outbox: None });
        }
        if !is_private(listening, base_url) {
            return Ok(Self { mailer: Arc::new(ConsoleMailer::default()), outbox: None });
        }
        let outbox = Outbox::default();
        Ok(Self { mailer: Arc::new(outbox.clone()), outbox: Some(outbox) })
    }
}

/// Checks whether only this machine's users can reach the demo: it listens on a loopback address,
/// and its base URL is this machine.
fn is_private(listening: IpAddr, base_url: &str) -> bool {
    let url = base_url.parse::<Uri>().unwrap_or_default();
    listening.is_loopback() && url.host().is_some_and(is_this_machine)
}

/// Checks whether a request came directly from this machine, under one of its own names. Another
/// name means a proxy, or a foreign page whose name resolves to this machine (DNS rebinding). Most
/// proxies also add a header. A proxy that hides all of this is not detected: start the demo with
/// `--base-url` then.
pub(crate) fn is_direct(request: &Incoming) -> bool {
    let host = request.host().and_then(|host| host.parse::<Authority>().ok());
    let forwarded = PROXIES_SAY.iter().any(|name| request.headers.contains_key(*name));
    host.is_some_and(|host| is_this_machine(host.host())) && !forwarded
}

/// Headers that proxies add to forwarded requests.
const PROXIES_SAY: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Checks whether a host, without its port, is a name that always means this machine.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outbox_is_for_who_sits_at_this_machine() {
        let (here, everywhere) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0]));
        let local = ["http://localhost:8000", "http://127.0.0.1:8000/", "https://[::1]:8000"];
        for base_url in local {
            assert!(is_private(here, base_url), "{base_url}");
            assert!(!is_private(everywhere, base_url), "{base_url}");
        }
        let others = ["https://demo.example", "http://localhost.example", "http://10.0.0.1", ""];
        for base_url in others {
            assert!(!is_private(here, base_url), "{base_url}");
        }
    }
}
