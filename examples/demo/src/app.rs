//! State of the application.

use crate::outbox::Outbox;

/// State that all handlers share.
pub(crate) struct App {
    /// Sent messages, if they are shown on a page.
    pub(crate) outbox: Option<Outbox>,
}
