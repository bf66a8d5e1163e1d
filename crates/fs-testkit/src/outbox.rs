//! Mailer that keeps mails in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fs_core::port::{MailError, Mailer, OutboxId, OutgoingMail};

/// Mailer that keeps every mail instead of sending it, and fails on demand. Clones share their
/// mails.
#[derive(Clone, Debug, Default)]
pub struct MemoryMailer(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sent: Vec<(OutboxId, OutgoingMail)>,
    failures: VecDeque<MailError>,
}

impl MemoryMailer {
    /// Creates a mailer without mails.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next mail fail with this error. Call it twice to make two mails fail.
    pub fn fail_next(&self, failure: MailError) {
        self.state().failures.push_back(failure);
    }

    /// Returns all mails so far, in order.
    pub fn sent(&self) -> Vec<(OutboxId, OutgoingMail)> {
        self.state().sent.clone()
    }

    /// Returns all mails so far, in order, and removes them.
    pub fn take(&self) -> Vec<(OutboxId, OutgoingMail)> {
        std::mem::take(&mut self.state().sent)
    }

    /// Returns the newest mail to an address.
    pub fn last_to(&self, address: &str) -> Option<OutgoingMail> {
        self.state()
            .sent
            .iter()
            .rev()
            .map(|(_, mail)| mail)
            .find(|mail| mail.to == address)
            .cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, id: &OutboxId, mail: &OutgoingMail) -> Result<(), MailError> {
        let mut state = self.state();
        if let Some(failure) = state.failures.pop_front() {
            return Err(failure);
        }
        state.sent.push((id.clone(), mail.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> OutgoingMail {
        OutgoingMail {
            template: "welcome".to_owned(),
            to: to.to_owned(),
            from: "site@example.com".to_owned(),
            subject: "Hello".to_owned(),
            text: None,
            html: None,
        }
    }

    #[tokio::test]
    async fn a_failure_is_used_once_and_the_mail_is_not_kept() {
        let mailer = MemoryMailer::new();
        mailer.fail_next(MailError::Temporary("busy".to_owned()));
        let id = OutboxId("1".to_owned());
        assert!(mailer.send(&id, &mail("a@example.com")).await.is_err());
        assert_eq!(mailer.sent(), []);

        mailer.send(&id, &mail("a@example.com")).await.unwrap();
        assert_eq!(mailer.last_to("a@example.com"), Some(mail("a@example.com")));
        assert_eq!(mailer.last_to("b@example.com"), None);
        assert_eq!(mailer.take().len(), 1);
        assert_eq!(mailer.sent(), []);
    }
}
