//! Outbox of waiting mails and text messages.

use std::collections::{BTreeSet, HashMap};

use fs_core::Timestamp;
use fs_core::port::{OutboxId, OutboxMessage, OutgoingMessage};

/// Message in the outbox.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) message: OutgoingMessage,
    pub(crate) attempts: u32,
    /// Time from which the message may be claimed.
    pub(crate) due: Timestamp,
    /// Sequence number, which orders messages that are due at the same time.
    pub(crate) number: u64,
}

/// Messages by id and by due time.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: HashMap<OutboxId, Waiting>,
    by_due: BTreeSet<(Timestamp, u64, OutboxId)>,
    last: u64,
}

impl Outbox {
    pub(crate) fn get(&self, id: &OutboxId) -> Option<&Waiting> {
        self.waiting.get(id)
    }

    /// Returns the next sequence number.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Replaces the message of an id and returns the previous one. `None` removes it.
    pub(crate) fn put(&mut self, id: OutboxId, new: Option<Waiting>) -> Option<Waiting> {
        let before = self.waiting.remove(&id);
        if let Some(before) = &before {
            self.by_due.remove(&(before.due, before.number, id.clone()));
        }
        if let Some(new) = new {
            self.by_due.insert((new.due, new.number, id.clone()));
            self.waiting.insert(id, new);
        }
        before
    }

    /// Claims messages that are due. See [`fs_core::port::UserStore::claim_messages`].
    pub(crate) fn claim(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Vec<OutboxMessage> {
        let due: Vec<_> = self
            .by_due
            .iter()
            .take_while(|(due, ..)| *due <= now)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(.., id)| id.clone())
            .collect();
        let claim = |id: OutboxId| {
            let waiting = self.waiting.get(&id)?.clone();
            let (message, attempts) = (waiting.message.clone(), waiting.attempts);
            self.put(id.clone(), Some(Waiting { due: until, ..waiting }));
            Some(OutboxMessage { id, message, attempts })
        };
        due.into_iter().filter_map(claim).collect()
    }
}
