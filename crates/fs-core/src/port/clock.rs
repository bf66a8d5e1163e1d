//! Time and randomness.

use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;

/// Tells the time. Tests bring a clock that they move.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Waits, a few milliseconds at most: so long, drawn at random, a request waits that must not tell
    /// by its time who has an account. A clock of a test returns at once, as this does unless it is
    /// written anew.
    async fn wait(&self, _span: Duration) {}
}

/// Gives random bytes fit for keys. Tests bring a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    ///
    /// The operating system had no randomness to give; nothing may be signed or stored then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the source of randomness failed: {0}")]
pub struct EntropyError(pub String);
