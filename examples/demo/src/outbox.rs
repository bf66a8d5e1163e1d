//! Outbox for developers: mails and text messages on a page instead of in a mailbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fs_core::Timestamp;
use fs_core::port::{
    Clock, MailError, Mailer, OutboxId, OutgoingMail, OutgoingSms, SmsError, SmsSender,
};
use fs_services::system::SystemClock;

/// Maximum number of messages that are kept.
const KEPT: usize = 100;

/// Outbox that keeps the newest messages in memory instead of sending them. Clones share their
/// messages.
///
/// Anyone who can see it can confirm and reset every account. Use it only on a developer's own
/// machine.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sent: u32,
    newest: VecDeque<Sent>,
}

/// Message that was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    /// Number of the message, counted from 1.
    pub(crate) number: u32,
    /// Time of sending.
    pub(crate) at: Timestamp,
    /// Content of the message.
    pub(crate) message: SentMessage,
}

/// Content of a sent message.
#[derive(Clone)]
pub(crate) enum SentMessage {
    Mail(OutgoingMail),
    Text(OutgoingSms),
}

impl Outbox {
    /// Returns the messages, newest first.
    pub(crate) fn messages(&self) -> Vec<Sent> {
        self.state().newest.iter().cloned().collect()
    }

    /// Returns the message with that number.
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
    async fn send(&self, _: &OutboxId, message: &OutgoingSms) -> Result<(), SmsError> {
        self.keep(SentMessage::Text(message.clone()));
        Ok(())
    }
}
