//! SMS sender for Twilio's REST API.

use async_trait::async_trait;
use fs_core::port::{OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::secret::Secret;
use reqwest::Url;
use serde_json::Value;

use super::delivery::{Delivery, SmsConfigError, safe_url};

/// Base URL of Twilio's API.
const TWILIO: &str = "https://api.twilio.com";

/// Credentials and sender of a Twilio account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TwilioConfig {
    /// SID of the account: `AC`, followed by 32 letters and digits.
    pub account_sid: String,
    /// Auth token of the account.
    pub auth_token: Secret,
    /// Sender of the messages: a phone number of the account in E.164, or an alphanumeric sender
    /// ID.
    pub from: String,
    /// Base URL of the API, without a path. The default is `https://api.twilio.com`.
    pub base_url: String,
}

impl TwilioConfig {
    /// Creates a configuration for Twilio's own API.
    pub fn new(
        account_sid: impl Into<String>,
        auth_token: Secret,
        from: impl Into<String>,
    ) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token,
            from: from.into(),
            base_url: TWILIO.to_owned(),
        }
    }
}

/// SMS sender that uses Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json`.
///
/// Must be used within a tokio runtime. Uses the proxy in the environment variable `HTTPS_PROXY`,
/// if set.
///
/// ```
/// use fs_services::sms::{TwilioConfig, TwilioSender};
///
/// let account = "AC00000000000000000000000000000000";
/// let sender = TwilioSender::new(TwilioConfig::new(account, "secret".into(), "+15005550006"))?;
/// # Ok::<(), fs_services::sms::SmsConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TwilioSender {
    pub(super) delivery: Delivery,
    config: TwilioConfig,
    url: Url,
}

impl TwilioSender {
    /// Checks the configuration and creates a sender. Does not send a request yet.
    ///
    /// # Errors
    ///
    /// - Returns [`SmsConfigError::AccountSid`] if the SID is not of Twilio's form.
    /// - Returns [`SmsConfigError::From`] if the sender is empty.
    /// - Returns [`SmsConfigError::Address`] if the base URL is not a safe URL.
    /// - Returns [`SmsConfigError::Client`] if TLS cannot be set up.
    pub fn new(config: TwilioConfig) -> Result<Self, SmsConfigError> {
        let sid = &config.account_sid;
        let letters = sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !(letters && sid.starts_with("AC") && sid.len() == 34) {
            return Err(SmsConfigError::AccountSid);
        }
        if config.from.trim().is_empty() {
            return Err(SmsConfigError::From);
        }
        let url = safe_url(&config.base_url)?
            .join(&format!("/2010-04-01/Accounts/{sid}/Messages.json"))
            .map_err(|_| SmsConfigError::Address)?;
        Ok(Self { delivery: Delivery::new()?, config, url })
    }
}

#[async_trait]
impl SmsSender for TwilioSender {
    async fn send(&self, _: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError> {
        let client = &self.delivery.client;
        let request = client
            .post(self.url.clone())
            // The credentials and the message are sent to Twilio only, over TLS.
            .basic_auth(&self.config.account_sid, Some(self.config.auth_token.expose()))
            .form(&[
                ("To", message.to.as_str()),
                ("From", self.config.from.as_str()),
                ("Body", message.text.expose()),
            ]);
        self.delivery.send(request, reason).await
    }
}

/// Returns Twilio's error code with a link to its explanation. The message of the error is left
/// out, because it quotes the request.
fn reason(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body.get("code")?.as_u64()?;
    Some(format!("error {code}: see https://www.twilio.com/docs/errors/{code}"))
}
