//! Context of a flow.

use std::net::IpAddr;
use std::sync::Arc;

use crate::Timestamp;
use crate::message::Language;

/// Context of a flow: facts about the request, independent of the protocol.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// Time of the request.
    pub now: Timestamp,
    /// IP address of the client, as far as the application trusts it.
    pub client_ip: Option<IpAddr>,
    /// `User-Agent` of the client.
    pub user_agent: Option<String>,
    /// URL with which links in mails begin: scheme and host, without a trailing slash.
    pub base_url: Arc<str>,
    /// Language of the mails and text messages of the flow.
    pub language: Language,
}

impl Context {
    /// Creates the context of a flow without a request. Links in its mails begin with `base_url`.
    ///
    /// ```
    /// use fs_core::{Context, Timestamp};
    /// use fs_core::message::Language;
    ///
    /// let now = Timestamp::from_secs(1_800_000_000);
    /// let mut ctx = Context::new(now, "https://example.com", Language::english());
    /// ctx.client_ip = Some([203, 0, 113, 7].into());
    /// ```
    pub fn new(now: Timestamp, base_url: impl Into<Arc<str>>, language: Language) -> Self {
        Self { now, client_ip: None, user_agent: None, base_url: base_url.into(), language }
    }

    /// Returns the IP address as text, as stores keep it.
    pub(crate) fn client_ip_text(&self) -> Option<String> {
        self.client_ip.map(|ip| ip.to_string())
    }
}
