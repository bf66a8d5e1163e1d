//! The application: what all handlers share.

use crate::outbox::Outbox;

/// What all handlers share.
pub(crate) struct App {
    /// The messages, where they go to a page.
    pub(crate) outbox: Option<Outbox>,
}
