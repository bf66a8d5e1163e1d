//! Requests to an HTTP service that delivers messages: timeouts, retries and the meaning of
//! responses.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fs_core::port::SmsError;
use futures::future::BoxFuture;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};

/// Timeout of an attempt. It is short because a person waits for the code.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses before the second attempt and before the third, which is the last.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Bytes of a refusal's body after which reading stops.
const LONGEST_REASON: usize = 16 * 1024;

/// Error in the configuration of an SMS sender.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SmsConfigError {
    /// The address is not a URL, contains credentials, or would send codes over the network
    /// unencrypted.
    #[error(
        "the address of the SMS service must be an https:// URL without a password in it; http:// is for this machine only"
    )]
    Address,
    /// The account SID is not of Twilio's form.
    #[error(
        "Twilio's account SID must be \"AC\" and 32 letters and digits, as the console shows it"
    )]
    AccountSid,
    /// The sender's number or name is empty.
    #[error("name the Twilio number or sender that messages come from")]
    From,
    /// The bearer token is empty, or contains a space or a character other than printable ASCII.
    #[error("the bearer token must be of printable ASCII characters, without spaces")]
    BearerToken,
    /// The signing secret is not `whsec_` and the base64 of 24 to 64 bytes.
    #[error("the signing secret must be \"whsec_\" and the base64 of 24 to 64 random bytes")]
    SigningSecret,
    /// The HTTP client cannot be created, such as on a machine without root certificates.
    #[error("no HTTP client for the SMS service: {0}")]
    Client(#[from] reqwest::Error),
}

/// Function that waits between two attempts. Tests replace it so that they do not wait.
pub(super) type Pause = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// HTTP client and its retry policy.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) client: Client,
    pub(super) pause: Pause,
    pub(super) timeout: Duration,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

/// Failed attempt.
struct Failure {
    error: SmsError,
    /// Whether another attempt is safe and useful: the service certainly did not accept the
    /// message.
    again: bool,
}

impl Delivery {
    pub(super) fn new() -> Result<Self, SmsConfigError> {
        crate::tls::choose_ring();
        let client = Client::builder()
            .user_agent(concat!("fs/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .build()?;
        let pause: Pause = Arc::new(|time| Box::pin(tokio::time::sleep(time)));
        Ok(Self { client, pause, timeout: TIMEOUT })
    }

    /// Sends a request until it is accepted, permanently refused, or all attempts are used.
    ///
    /// `reason` extracts a reason from the body of a refusal. The reason must not contain anything
    /// of the message.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        reason: fn(&[u8]) -> Option<String>,
    ) -> Result<(), SmsError> {
        let request = request.timeout(self.timeout);
        for pause in BACK_OFF {
            let Some(copy) = request.try_clone() else { break };
            match attempt(copy, reason).await {
                Ok(()) => return Ok(()),
                Err(Failure { again: true, .. }) => (self.pause)(pause).await,
                Err(failure) => return Err(failure.error),
            }
        }
        attempt(request, reason).await.map_err(|failure| failure.error)
    }
}

async fn attempt(
    request: RequestBuilder,
    reason: fn(&[u8]) -> Option<String>,
) -> Result<(), Failure> {
    let answer = request.send().await.map_err(no_answer)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = match reason(&body(answer).await) {
        Some(reason) => format!("{status}, {reason}"),
        None => status.to_string(),
    };
    let again = status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let error = if again { SmsError::Temporary(why) } else { SmsError::Permanent(why) };
    Err(Failure { error, again })
}

/// Reads the beginning of a body. Returns what was read if the connection breaks.
async fn body(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_REASON {
            break;
        }
    }
    body
}

/// Maps a transport error to a failure. The URL is left out, because it may contain a secret.
fn no_answer(error: reqwest::Error) -> Failure {
    let again = error.is_connect();
    let for_good = error.is_builder();
    let error = error.without_url();
    let mut why = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        why = format!("{why}: {source}");
        next = source.source();
    }
    let error = if for_good { SmsError::Permanent(why) } else { SmsError::Temporary(why) };
    Failure { error, again }
}

/// Parses a URL that codes and credentials may be sent to: HTTPS, or HTTP on this machine.
pub(super) fn safe_url(text: &str) -> Result<Url, SmsConfigError> {
    let url = Url::parse(text).map_err(|_| SmsConfigError::Address)?;
    let this_machine = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = url.scheme() == "https" || (url.scheme() == "http" && this_machine);
    if safe && url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err(SmsConfigError::Address)
    }
}
