//! Text messages by Twilio's REST API.

use async_trait::async_trait;
use fs_core::port::{OutgoingSms, SmsError, SmsSender};
use fs_core::secret::Secret;
use reqwest::Url;
use serde_json::Value;

use super::delivery::{Delivery, SmsConfigError, safe_url};

/// Where Twilio is.
const TWILIO: &str = "https://api.twilio.com";

/// An account at Twilio.
#[derive(Clone, Debug)]
pub struct TwilioConfig {
    /// The account's SID: `AC` and 32 letters and digits.
    pub account_sid: String,
    /// The account's secret.
    pub auth_token: Secret,
    /// Who messages come from: a number of the account in E.164, or a sender's name.
    pub from: String,
    /// Where the API is, without its path; `https://api.twilio.com` unless changed.
    pub base_url: String,
}

impl TwilioConfig {
    /// An account at Twilio itself.
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

/// Sends text messages by Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json`.
///
/// Must be used within a tokio runtime. `HTTPS_PROXY` of the environment is used where it is set.
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
    /// Checks the configuration; asks nobody yet.
    ///
    /// # Errors
    ///
    /// The configuration is not Twilio's, or TLS is not to be had.
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
    async fn send(&self, message: &OutgoingSms) -> Result<(), SmsError> {
        let client = &self.delivery.client;
        let request = client
            .post(self.url.clone())
            // Both go to Twilio, over TLS.
            .basic_auth(&self.config.account_sid, Some(self.config.auth_token.expose()))
            .form(&[
                ("To", message.to.as_str()),
                ("From", self.config.from.as_str()),
                ("Body", message.text.expose()),
            ]);
        self.delivery.send(request, reason).await
    }
}

/// The number of Twilio's error, and where it is explained. Its words are left out: they quote
/// what was sent.
fn reason(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let code = body.get("code")?.as_u64()?;
    Some(format!("error {code}: see https://www.twilio.com/docs/errors/{code}"))
}
