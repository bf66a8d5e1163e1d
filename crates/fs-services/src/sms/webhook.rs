//! SMS sender for any HTTP service.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_core::port::{Clock, OutboxId, OutgoingSms, SmsError, SmsSender};
use fs_core::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use sha2::Sha256;

use super::delivery::{Delivery, SmsConfigError, safe_url};

/// Authentication of a request to the service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WebhookAuth {
    /// Bearer token in the `Authorization` header (RFC 6750).
    Bearer(Secret),
    /// Signature with a shared secret: `whsec_`, followed by the base64 of 24 to 64 random bytes.
    Signature(Secret),
}

/// SMS sender that posts each message as JSON: `{"to": "+14155550123", "text": "…"}`.
///
/// Any 2xx status accepts the message. 408, 429 and 5xx ask for another attempt. All others refuse
/// it.
///
/// Requests follow the Standard Webhooks specification; most languages have libraries for it:
///
/// - `webhook-id` is the same for each attempt to send a message.
/// - `webhook-timestamp` is in seconds since 1970.
/// - `webhook-signature`, with [`WebhookAuth::Signature`], is `v1,` and the base64 of HMAC-SHA256
///   over id, timestamp and body, joined by full stops.
///
/// The service should refuse timestamps that are more than a few minutes off.
///
/// Must be used within a tokio runtime. Uses the proxy in the environment variable `HTTPS_PROXY`,
/// if set.
///
/// ```
/// use std::sync::Arc;
///
/// use fs_services::sms::{WebhookAuth, WebhookSender};
/// use fs_services::system::SystemClock;
///
/// let auth = WebhookAuth::Bearer("secret".into());
/// let url = "https://sms.example.com/send";
/// let sender = WebhookSender::new(url, &auth, Arc::new(SystemClock))?;
/// # Ok::<(), fs_services::sms::SmsConfigError>(())
/// ```
#[derive(Clone)]
pub struct WebhookSender {
    pub(super) delivery: Delivery,
    url: Url,
    proof: Proof,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
enum Proof {
    Bearer(HeaderValue),
    Signature(Hmac<Sha256>),
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path of the URL may hold a secret.
        f.debug_struct("WebhookSender").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl WebhookSender {
    /// Creates a sender that posts to `url`. Does not send a request yet.
    ///
    /// # Errors
    ///
    /// - Returns [`SmsConfigError::Address`] if `url` is not a safe URL.
    /// - Returns [`SmsConfigError::BearerToken`] or [`SmsConfigError::SigningSecret`] if the token
    ///   or the secret is malformed.
    /// - Returns [`SmsConfigError::Client`] if TLS cannot be set up.
    pub fn new(
        url: &str,
        auth: &WebhookAuth,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SmsConfigError> {
        let url = safe_url(url)?;
        let proof = match auth {
            WebhookAuth::Bearer(token) => Proof::Bearer(bearer(token)?),
            WebhookAuth::Signature(secret) => Proof::Signature(signing_key(secret)?),
        };
        Ok(Self { delivery: Delivery::new()?, url, proof, clock })
    }
}

#[async_trait]
impl SmsSender for WebhookSender {
    async fn send(&self, id: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError> {
        let id = format!("msg_{}", id.0);
        let timestamp = self.clock.now().as_secs().to_string();
        // The service delivers the text, so it must see it.
        let body = serde_json::json!({ "to": message.to, "text": message.text.expose() });
        let body = body.to_string();
        let mut request = self
            .delivery
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &timestamp);
        request = match &self.proof {
            Proof::Bearer(token) => request.header(AUTHORIZATION, token),
            Proof::Signature(key) => {
                request.header("webhook-signature", sign(key.clone(), &id, &timestamp, &body))
            }
        };
        self.delivery.send(request.body(body), |_| None).await
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, SmsConfigError> {
    let token = token.expose();
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .ok()
        .filter(|_| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or(SmsConfigError::BearerToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn signing_key(secret: &Secret) -> Result<Hmac<Sha256>, SmsConfigError> {
    let key = secret.expose().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    key.filter(|key| (24..=64).contains(&key.len()))
        .and_then(|key| Hmac::new_from_slice(&key).ok())
        .ok_or(SmsConfigError::SigningSecret)
}

fn sign(mut key: Hmac<Sha256>, id: &str, timestamp: &str, body: &str) -> String {
    key.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(key.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the signature against the example of the specification.
    #[test]
    fn signs_as_the_specification_does() {
        let key = signing_key(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
        let signature =
            sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_or_broken_secrets_are_refused() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for secret in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???", &short, &long]
        {
            assert!(signing_key(&secret.into()).is_err(), "{secret}");
        }
        for token in ["", "two words", "line\nbreak", "é"] {
            assert!(bearer(&token.into()).is_err(), "{token}");
        }
    }
}
