//! The developer's outbox: mails on a page instead of in a mailbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::port::{Clock, MailError, Mailer, OutboxId, OutgoingMail};
use fs_services::system::SystemClock;

/// How many mails are kept.
const KEPT: usize = 100;

/// Keeps the newest mails in memory instead of sending them. Clones are the same outbox.
///
/// Whoever sees it can confirm and reset every account: for a developer's own machine only.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sent: u32,
    newest: VecDeque<SentMail>,
}

/// A mail that was sent.
#[derive(Clone)]
pub(crate) struct SentMail {
    /// Counts up from 1.
    pub(crate) number: u32,
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) mail: OutgoingMail,
}

impl Outbox {
    /// The newest first.
    pub(crate) fn mails(&self) -> Vec<SentMail> {
        self.state().newest.iter().cloned().collect()
    }

    /// The one of that number.
    pub(crate) fn mail(&self, number: u32) -> Option<SentMail> {
        self.state().newest.iter().find(|sent| sent.number == number).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, _: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        let mut state = self.state();
        state.sent += 1;
        let sent = SentMail { number: state.sent, at: SystemClock.now(), mail: mail.clone() };
        state.newest.push_front(sent);
        state.newest.truncate(KEPT);
        Ok(())
    }
}
