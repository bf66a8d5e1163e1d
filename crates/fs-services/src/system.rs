//! Clock and random number generator of the operating system.

use std::time::Duration;

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::port::{Clock, Entropy, EntropyError};
use time::OffsetDateTime;

/// System clock, in UTC. Waits with tokio's timer; a runtime must be built with the timer enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_offset_date_time(OffsetDateTime::now_utc())
    }

    async fn wait(&self, span: Duration) {
        // Outside of a runtime no timer is available, and no client can measure the time.
        if tokio::runtime::Handle::try_current().is_ok() {
            tokio::time::sleep(span).await;
        }
    }
}

/// Cryptographically secure random number generator of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(buffer).map_err(|error| EntropyError(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_tells_a_time_after_this_was_written() {
        assert!(SystemClock.now() > Timestamp::from_secs(1_750_000_000));
    }

    #[test]
    fn no_two_fills_are_the_same() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        OsEntropy.fill(&mut one).unwrap();
        OsEntropy.fill(&mut two).unwrap();
        assert_ne!(one, two);
        assert_ne!(one, [0; 32]);
    }
}
