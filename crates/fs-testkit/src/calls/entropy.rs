//! Source of randomness whose calls are recorded.

use std::sync::Arc;

use fs_core::port::{Entropy, EntropyError};

use super::{Call, Calls};

/// Wrapper of a source of randomness that records its calls.
#[derive(Clone)]
pub struct WatchedEntropy {
    inner: Arc<dyn Entropy>,
    calls: Calls,
}

impl WatchedEntropy {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn Entropy>, calls: Calls) -> Self {
        Self { inner, calls }
    }
}

impl Entropy for WatchedEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        match self.calls.note(Call::Entropy(buffer.len())) {
            None => self.inner.fill(buffer),
            Some(_) => Err(EntropyError("this call was made to fail".to_owned())),
        }
    }
}
