//! Breach checker that looks passwords up in the list of Have I Been Pwned, over HTTPS.

use std::time::Duration;

use async_trait::async_trait;
use fs_core::port::{BreachChecker, BreachError};
use reqwest::{Client, Url};

/// Default address of the list.
const PWNED_PASSWORDS: &str = "https://api.pwnedpasswords.com/";
/// Timeout of a request. Registration waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum length of an answer, in bytes. A range with padding has about 80 kB.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Breach checker that uses the "range" API of Have I Been Pwned, or of a mirror.
///
/// Only the first five hex digits of the password's SHA-1 are sent (k-anonymity). Padding hides
/// from network observers which range was requested.
///
/// Must be used within a tokio runtime.
#[derive(Clone, Debug)]
pub struct HttpBreachChecker {
    client: Client,
    base: Url,
}

/// Error in the configuration of a breach checker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreachConfigError {
    /// The address is not a URL whose path ends in a slash.
    #[error("the address of the list of breached passwords must be a URL that ends in a slash")]
    Address,
    /// The HTTP client cannot be created, such as on a machine without root certificates.
    #[error("no HTTP client for the list of breached passwords: {0}")]
    Client(#[from] reqwest::Error),
}

impl HttpBreachChecker {
    /// Creates a checker that uses Have I Been Pwned.
    ///
    /// # Errors
    ///
    /// Returns [`BreachConfigError::Client`] if TLS cannot be set up.
    pub fn new() -> Result<Self, BreachConfigError> {
        Self::at(PWNED_PASSWORDS)
    }

    /// Creates a checker that uses a mirror. `base` must end in a slash; ranges are requested at
    /// `range/ABCDE` below it.
    ///
    /// # Errors
    ///
    /// Returns [`BreachConfigError::Address`] if `base` is not a URL whose path ends in a slash,
    /// and [`BreachConfigError::Client`] if TLS cannot be set up.
    pub fn at(base: &str) -> Result<Self, BreachConfigError> {
        let base = Url::parse(base).map_err(|_| BreachConfigError::Address)?;
        if base.cannot_be_a_base() || !base.path().ends_with('/') {
            return Err(BreachConfigError::Address);
        }
        crate::tls::choose_ring();
        let client = Client::builder()
            .user_agent(concat!("fs/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { client, base })
    }

    async fn ask(&self, prefix: &str) -> Result<Vec<u8>, BreachError> {
        let url = self.base.join("range/").and_then(|url| url.join(prefix));
        let url = url.map_err(|error| BreachError::Unavailable(error.to_string()))?;
        let request = self.client.get(url).header("Add-Padding", "true");
        let mut answer = request.send().await.map_err(unavailable)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(BreachError::Unavailable(answer.status().to_string()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                return Err(BreachError::Unreadable);
            }
        }
        Ok(body)
    }
}

#[async_trait]
impl BreachChecker for HttpBreachChecker {
    async fn range(&self, prefix: &str) -> Result<String, BreachError> {
        let body = self.ask(prefix).await?;
        String::from_utf8(body).map_err(|_| BreachError::Unreadable)
    }
}

/// Maps a transport error. The URL is left out, because it contains a part of the password's hash.
fn unavailable(error: reqwest::Error) -> BreachError {
    BreachError::Unavailable(error.without_url().to_string())
}
