//! Where mails go.

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
    pub(crate) fn choose(
        smtp_url: Option<&Secret>,
        listening: IpAddr,
        base_url: &str,
    ) -> Result<Self, MailsError> {
        if let Some(url) = smtp_url {
            // To be taken apart into server, user and password.
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

/// Whether the demo is for this machine's own users: it listens to them alone, and is told of no
/// other address.
fn is_private(listening: IpAddr, base_url: &str) -> bool {
    let url = base_url.parse::<Uri>().unwrap_or_default();
    listening.is_loopback() && url.host().is_some_and(is_this_machine)
}

/// Whether a request came from this machine by one of its own names. By another name a proxy asks, or
/// a page of somebody else's whose name was made to lead here; most proxies also say that they are
/// one. A proxy that hides all of this is not recognised: start the demo with `--base-url` then.
pub(crate) fn is_direct(request: &Incoming) -> bool {
    let host = request.host().and_then(|host| host.parse::<Authority>().ok());
    let forwarded = PROXIES_SAY.iter().any(|name| request.headers.contains_key(*name));
    host.is_some_and(|host| is_this_machine(host.host())) && !forwarded
}

/// What proxies add to the requests that they bring.
const PROXIES_SAY: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Whether a host, without its port, is this machine under a name that leads nowhere else.
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
