//! Port for a list of breached passwords.

use async_trait::async_trait;

/// A list of breached passwords with the "range" API of Have I Been Pwned.
///
/// [`BreachQuery`](crate::password::BreachQuery) computes the prefix and evaluates the answer.
#[async_trait]
pub trait BreachChecker: Send + Sync {
    /// Returns the list's answer for all passwords whose SHA-1 begins with `prefix`, which is five
    /// hexadecimal digits in upper case.
    ///
    /// The answer has a line `SUFFIX:COUNT` for each; lines with a count of 0 are padding. An
    /// implementation should request padding, so that the length of the answer reveals nothing, and
    /// set a timeout.
    async fn range(&self, prefix: &str) -> Result<String, BreachError>;
}

/// Error of a lookup in a list of breached passwords.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BreachError {
    /// The list could not be reached, or answered with an error.
    #[error("the list of breached passwords did not answer: {0}")]
    Unavailable(String),
    /// The answer does not consist of lines of `SUFFIX:COUNT`.
    #[error("the answer of the list of breached passwords cannot be read")]
    Unreadable,
}
