//! Lists of breached passwords.

use async_trait::async_trait;

/// A list of breached passwords with the "range" interface of Have I Been Pwned.
///
/// [`BreachQuery`](crate::password::BreachQuery) says what to ask and reads the answer.
#[async_trait]
pub trait BreachChecker: Send + Sync {
    /// The list's answer about all passwords whose SHA-1 begins with `prefix`: five hexadecimal
    /// digits in upper case. A line `SUFFIX:COUNT` each; padding with a count of 0 may be among
    /// them. Ask for padding, so that the answer's length tells nothing, and set a time limit.
    async fn range(&self, prefix: &str) -> Result<String, BreachError>;
}

/// Why a list of breached passwords said nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BreachError {
    /// It did not answer, or not with success.
    #[error("the list of breached passwords did not answer: {0}")]
    Unavailable(String),
    /// It answered something else than lines of `SUFFIX:COUNT`.
    #[error("the answer of the list of breached passwords cannot be read")]
    Unreadable,
}
