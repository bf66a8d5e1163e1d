//! Time and randomness.

use crate::Timestamp;

/// Tells the time. Tests bring a clock that they move.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
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
