//! Who is told what happened.

use crate::event::Event;

/// Receives events, after the change that they speak of was committed.
///
/// It must not block and cannot fail: a receiver's trouble never undoes a change.
pub trait EventSink: Send + Sync {
    /// Takes notice of an event.
    fn emit(&self, event: &Event);
}

/// A closure is a receiver.
impl<F: Fn(&Event) + Send + Sync> EventSink for F {
    fn emit(&self, event: &Event) {
        self(event);
    }
}
