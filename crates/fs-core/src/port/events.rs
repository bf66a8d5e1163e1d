//! Port for receivers of events.

use crate::event::EventRecord;

/// Receives events after their change was committed.
///
/// An implementation must not block and cannot return an error: a failing receiver never undoes a
/// change.
pub trait EventSink: Send + Sync {
    /// Handles an event.
    fn emit(&self, event: &EventRecord);
}

/// Closures are event sinks.
impl<F: Fn(&EventRecord) + Send + Sync> EventSink for F {
    fn emit(&self, event: &EventRecord) {
        self(event);
    }
}
