//! Outbox of waiting mails.

use std::collections::{BTreeSet, HashMap};

use fs_core::Timestamp;
use fs_core::port::{OutboxId, OutboxMail, OutgoingMail};

/// Mail in the outbox.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) mail: OutgoingMail,
    pub(crate) attempts: u32,
    /// Time from which the mail may be claimed.
    pub(crate) due: Timestamp,
    /// Sequence number, which orders mails that are due at the same time.
    pub(crate) number: u64,
}

/// Mails by id and by due time.
#[derive(Default)]
pub(crate) struct Outbox {
    mails: HashMap<OutboxId, Waiting>,
    by_due: BTreeSet<(Timestamp, u64, OutboxId)>,
    last: u64,
}

impl Outbox {
    pub(crate) fn get(&self, id: &OutboxId) -> Option<&Waiting> {
        self.mails.get(id)
    }

    /// Returns the next sequence number.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Replaces the mail of an id and returns the previous one. `None` removes it.
    pub(crate) fn put(&mut self, id: OutboxId, mail: Option<Waiting>) -> Option<Waiting> {
        let before = self.mails.remove(&id);
        if let Some(before) = &before {
            self.by_due.remove(&(before.due, before.number, id.clone()));
        }
        if let Some(mail) = mail {
            self.by_due.insert((mail.due, mail.number, id.clone()));
            self.mails.insert(id, mail);
        }
        before
    }

    /// Claims mails that are due. See [`fs_core::port::UserStore::claim_mails`].
    pub(crate) fn claim(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Vec<OutboxMail> {
        let due: Vec<_> = self
            .by_due
            .iter()
            .take_while(|(due, ..)| *due <= now)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(.., id)| id.clone())
            .collect();
        let claim = |id: OutboxId| {
            let mail = self.mails.get(&id)?.clone();
            let claimed =
                OutboxMail { id: id.clone(), mail: mail.mail.clone(), attempts: mail.attempts };
            self.put(id, Some(Waiting { due: until, ..mail }));
            Some(claimed)
        };
        due.into_iter().filter_map(claim).collect()
    }
}
