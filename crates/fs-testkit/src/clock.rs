//! Clock that tests advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fs_core::Timestamp;
use fs_core::port::Clock;

/// Clock that stands still until a test advances it. Clones share the time.
///
/// ```
/// use std::time::Duration;
/// use fs_core::Timestamp;
/// use fs_core::port::Clock;
/// use fs_testkit::clock::VirtualClock;
///
/// let clock = VirtualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().since(before), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    /// Creates a clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_micros())))
    }

    /// Advances the clock.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    /// Sets the clock to `moment`, which may be earlier.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.as_micros(), Ordering::SeqCst);
    }
}

impl Default for VirtualClock {
    /// Returns a clock that shows 2024-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_secs(1_704_067_200))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_show_the_same_time_and_it_can_go_back() {
        let clock = VirtualClock::default();
        let other = clock.clone();
        clock.set(Timestamp::from_secs(7));
        assert_eq!(other.now(), Timestamp::from_secs(7));
        assert_eq!(VirtualClock::default().now().to_string(), "2024-01-01T00:00:00Z");
    }
}
