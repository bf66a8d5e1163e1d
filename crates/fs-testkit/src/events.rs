//! Log of events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fs_core::event::{Event, EventRecord};
use fs_core::port::EventSink;

/// Event sink that keeps every event in order. Clones share one log.
#[derive(Clone, Debug, Default)]
pub struct EventLog(Arc<Mutex<Vec<EventRecord>>>);

impl EventLog {
    /// Creates an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all events so far.
    pub fn events(&self) -> Vec<Event> {
        self.log().iter().map(|record| record.event.clone()).collect()
    }

    /// Returns all events so far and empties the log.
    pub fn take(&self) -> Vec<Event> {
        self.take_records().into_iter().map(|record| record.event).collect()
    }

    /// Returns all events so far, with the facts of their requests, and empties the log.
    pub fn take_records(&self) -> Vec<EventRecord> {
        std::mem::take(&mut self.log())
    }

    fn log(&self) -> MutexGuard<'_, Vec<EventRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for EventLog {
    fn emit(&self, record: &EventRecord) {
        self.log().push(record.clone());
    }
}

#[cfg(test)]
mod tests {
    use fs_core::message::Language;
    use fs_core::{Context, Timestamp};

    use super::*;

    fn context() -> Context {
        Context::new(Timestamp::EPOCH, "", Language::english())
    }

    #[test]
    fn events_are_kept_in_order_until_taken() {
        let log = EventLog::new();
        for reason in ["one", "two"] {
            let event = Event::AuthenticationFailed { user: None, reason };
            log.clone().emit(&EventRecord::new(event, &context()));
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
