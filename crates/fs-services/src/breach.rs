//! Have I Been Pwned's list of breached passwords, over HTTPS.

use std::time::Duration;

use async_trait::async_trait;
use fs_core::port::{BreachChecker, BreachError};
use reqwest::{Client, Url};

/// Where the list is, unless told otherwise.
const PWNED_PASSWORDS: &str = "https://api.pwnedpasswords.com/";
/// Registering must not wait for the list for long.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A range with padding has about 80 kB.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Asks the "range" interface of Have I Been Pwned, or of a mirror. Only the first five digits of
/// a password's SHA-1 leave the house, and padding hides from onlookers which range was asked for.
///
/// Must be used within a tokio runtime.
#[derive(Clone, Debug)]
pub struct HttpBreachChecker {
    client: Client,
    base: Url,
}

/// The list cannot be asked as configured.
#[derive(Debug, thiserror::Error)]
pub enum BreachConfigError {
    /// The address is none.
    #[error("the address of the list of breached passwords must be a URL that ends in a slash")]
    Address,
    /// TLS is not to be had, as where the machine has no root certificates.
    #[error("no HTTP client for the list of breached passwords: {0}")]
    Client(#[from] reqwest::Error),
}

impl HttpBreachChecker {
    /// Asks Have I Been Pwned.
    ///
    /// # Errors
    ///
    /// TLS is not to be had.
    pub fn new() -> Result<Self, BreachConfigError> {
        Self::at(PWNED_PASSWORDS)
    }

    /// Asks a mirror: `range/ABCDE` is asked for below this URL, which ends in a slash.
    ///
    /// # Errors
    ///
    /// The address is none, or TLS is not to be had.
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

/// What went wrong, without the URL: part of a password's digest is in it.
fn unavailable(error: reqwest::Error) -> BreachError {
    BreachError::Unavailable(error.without_url().to_string())
}
