//! Log of events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs_core::event::Event;
use fs_core::port::EventSink;

/// Event sink that keeps every event in order. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct EventLog(Arc<Mutex<Vec<Event>>>);

impl EventLog {
    /// Creates an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all events so far.
    pub fn events(&self) -> Vec<Event> {
        self.log().clone()
    }

    /// Returns all events so far and empties the log.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.log())
    }

    fn log(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for EventLog {
    fn emit(&self, event: &Event) {
        self.log().push(event.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_kept_in_order_until_taken() {
        let log = EventLog::new();
        for reason in ["one", "two"] {
            log.clone().emit(&Event::AuthenticationFailed { user: None, reason });
        }
        let reasons: Vec<_> = log
            .take()
            .into_iter()
            .map(|event| match event {
                Event::AuthenticationFailed { reason, .. } => reason,
                _ => "",
            })
            .collect();
        assert_eq!(reasons, ["one", "two"]);
        assert_eq!(log.events(), []);
    }
}
