//! The developer's outbox: mails and text messages on a page instead of in a mailbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::port::{
    Clock, MailError, Mailer, OutboxId, OutgoingMail, OutgoingSms, SmsError, SmsSender,
};
use fs_services::system::SystemClock;

/// How many messages are kept.
const KEPT: usize = 100;

/// Keeps the newest messages in memory instead of sending them. Clones are the same outbox.
///
/// Whoever sees it can confirm and reset every account: for a developer's own machine only.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sent: u32,
    newest: VecDeque<Sent>,
}

/// A message that was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    /// Counts up from 1.
    pub(crate) number: u32,
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) message: SentMessage,
}

/// What was sent.
#[derive(Clone)]
pub(crate) enum SentMessage {
    Mail(OutgoingMail),
    Text(OutgoingSms),
}

impl Outbox {
    /// The newest first.
    pub(crate) fn messages(&self) -> Vec<Sent> {
        self.state().newest.iter().cloned().collect()
    }

    /// The one of that number.
    pub(crate) fn message(&self, number: u32) -> Option<Sent> {
        self.state().newest.iter().find(|sent| sent.number == number).cloned()
    }

    fn keep(&self, message: SentMessage) {
        let mut state = self.state();
        state.sent += 1;
        let sent = Sent { number: state.sent, at: SystemClock.now(), message };
        state.newest.push_front(sent);
        state.newest.truncate(KEPT);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, _: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        self.keep(SentMessage::Mail(mail.clone()));
        Ok(())
    }
}

#[async_trait]
impl SmsSender for Outbox {
    async fn send(&self, message: &OutgoingSms) -> Result<(), SmsError> {
        self.keep(SentMessage::Text(message.clone()));
        Ok(())
    }
}
