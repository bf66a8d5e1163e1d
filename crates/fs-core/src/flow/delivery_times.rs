//! Durations of deliveries, for decoys.
//!
//! Messages are delivered one after another. If a decoy took no time, the next message would arrive
//! earlier after it than after a real one, which takes a conversation with a server. So whoever
//! requests a mail to somebody else and then one to themselves could tell which of the two was
//! real. A decoy therefore takes as long as the latest message of its kind that was accepted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::port::OutgoingMessage;

/// Duration until a message was accepted.
const FIRST: Duration = Duration::from_millis(200);
/// Maximum time for which a decoy waits.
const LONGEST: Duration = Duration::from_secs(5);

/// Durations of the latest messages of each kind, in microseconds.
pub(crate) struct DeliveryTimes {
    mail: AtomicU64,
    text: AtomicU64,
}

impl Default for DeliveryTimes {
    fn default() -> Self {
        Self { mail: AtomicU64::new(micros(FIRST)), text: AtomicU64::new(micros(FIRST)) }
    }
}

impl DeliveryTimes {
    /// Records the duration of a message that was accepted.
    pub(super) fn note(&self, message: &OutgoingMessage, took: Duration) {
        self.of(message).store(micros(took.min(LONGEST)), Ordering::Relaxed);
    }

    /// Returns the time for which a decoy waits.
    pub(super) fn of_decoy(&self, decoy: &OutgoingMessage) -> Duration {
        Duration::from_micros(self.of(decoy).load(Ordering::Relaxed))
    }

    const fn of(&self, message: &OutgoingMessage) -> &AtomicU64 {
        match message {
            OutgoingMessage::Mail(_) => &self.mail,
            OutgoingMessage::Sms(_) => &self.text,
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
