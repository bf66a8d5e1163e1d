//! Ports for time and randomness.

use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;

/// Source of the current time. Tests use a clock that they advance themselves.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Waits. A request whose duration must not reveal whether an account exists waits for a few
    /// milliseconds, and the delivery of a decoy for as long as that of a mail. The default
    /// implementation returns at once, as the clocks of tests do.
    async fn wait(&self, _span: Duration) {}
}

/// Source of cryptographically secure random bytes. Tests use a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with random bytes.
    ///
    /// # Errors
    ///
    /// Returns [`EntropyError`] if the source failed. The caller must then not sign or store
    /// anything.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// Error of a failed source of randomness.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the source of randomness failed: {0}")]
pub struct EntropyError(pub String);
