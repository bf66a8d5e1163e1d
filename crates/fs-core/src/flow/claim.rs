//! Claims on addresses and usernames, so that concurrent registrations cannot share one.

use std::time::Duration;

use super::FlowError;
use crate::config::Disclosure;
use crate::context::Context;
use crate::identity::IdentityAttribute;
use crate::port::{Batch, Change, CommitError, Counter, Guard, Identity, fold_case};
use crate::security::Security;

/// Maximum time from the first lookup of a registration to its commit.
const CLAIM: Duration = Duration::from_secs(60);

/// Period for which a name stays reserved that belongs to no account.
const RESERVED: Duration = Duration::from_secs(30 * 86_400);

const RESERVED_NAME: &str = "reserved_name";
const RESERVED_NAME_FOR: &str = "reserved_name_for";
/// Kind of a counter that never counts.
const NEVER: &str = "reserved_name_never";

/// Owner of a username that an account with a certain address is to have.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum NameStanding {
    /// Nobody as far as is known, or the account itself. It may be reserved for another address,
    /// which the commit finds out.
    Unclaimed,
    /// Nobody, and it is reserved for the address.
    Reserved,
    /// Another account.
    Taken,
}

const fn claims(attribute: IdentityAttribute) -> &'static str {
    match attribute {
        IdentityAttribute::Email => "registered_email",
        _ => "registered_name",
    }
}

impl Security {
    /// Returns the change that lets only one registration of a name commit, in any spelling.
    ///
    /// The unique indexes of a store may distinguish upper and lower case, as existing tables do.
    /// Two concurrent registrations then both find the name free. This guard makes one of them
    /// fail.
    pub(super) fn claim(&self, ctx: &Context, name: &Identity) -> Change {
        let counter = self.claim_counter(claims(name.attribute), name, &[]);
        Change::Count { counter, now: ctx.now, cap: 1, window: CLAIM }
    }

    /// Returns the changes that release a name of the account with this address.
    pub(super) fn release(&self, name: &Identity, email: &str) -> [Change; 3] {
        [
            self.claim_counter(claims(name.attribute), name, &[]),
            self.claim_counter(RESERVED_NAME, name, &[]),
            self.claim_counter(RESERVED_NAME_FOR, name, &[email]),
        ]
        .map(Change::ResetCount)
    }

    /// Returns the changes that reserve the username of a registration for its address, if answers
    /// must not reveal whether the address has an account. They are the same if the registration
    /// creates no account: if the name became free again, that would reveal it. Administrative
    /// functions ignore the reservation.
    ///
    /// A name that is taken already is reserved twice, which fails. So the whole batch is refused,
    /// as it is for a name that is reserved for another address.
    pub(super) fn reserve(
        &self,
        ctx: &Context,
        name: Option<&str>,
        email: &str,
        standing: NameStanding,
    ) -> Vec<Change> {
        let hides = self.config().disclosure == Disclosure::Generic;
        let Some(name) = name.filter(|_| hides).map(username_lookup) else {
            return Vec::new();
        };
        let times = match standing {
            NameStanding::Reserved => return Vec::new(),
            NameStanding::Unclaimed => 1,
            NameStanding::Taken => 2,
        };
        let reserved = self.claim_counter(RESERVED_NAME, &name, &[]);
        let reserved = Change::Count { counter: reserved, now: ctx.now, cap: 1, window: RESERVED };
        let mut changes = vec![reserved; times];
        changes.push(self.reserved_for(ctx, &name, email, u32::MAX));
        changes
    }

    /// Checks whether a name is reserved for this address.
    ///
    /// A name stays free for the address for which it was reserved. Otherwise an owner whose
    /// address somebody else had registered could not confirm it with the name of their own
    /// registration.
    pub(super) async fn is_reserved_for(
        &self,
        ctx: &Context,
        name: &str,
        email: &str,
    ) -> Result<bool, FlowError> {
        if self.config().disclosure != Disclosure::Generic {
            return Ok(false);
        }
        let name = username_lookup(name);
        // The store has no read of a counter. This batch is always refused, and the guard that fails
        // tells whether the name was reserved. Nothing is written, so no concurrent probe sees it.
        let counted = self.claim_counter(RESERVED_NAME_FOR, &name, &[email]);
        let never = self.claim_counter(NEVER, &name, &[email]);
        let never = Change::Count { counter: never, now: ctx.now, cap: 0, window: RESERVED };
        let probe = Batch::from(self.reserved_for(ctx, &name, email, 1)).and(never);
        match self.store().commit(probe).await {
            Err(CommitError::Stale(Guard::Counter(failed))) => Ok(failed == counted),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(false),
        }
    }

    /// Returns the change that notes for whom a name is reserved. It is refused if that was noted
    /// `cap` times before.
    fn reserved_for(&self, ctx: &Context, name: &Identity, email: &str, cap: u32) -> Change {
        let counter = self.claim_counter(RESERVED_NAME_FOR, name, &[email]);
        Change::Count { counter, now: ctx.now, cap, window: RESERVED }
    }

    fn claim_counter(&self, what: &'static str, name: &Identity, whom: &[&str]) -> Counter {
        let text = match name.ignore_case {
            true => fold_case(&name.value),
            false => name.value.clone(),
        };
        let folded: Vec<_> = whom.iter().map(|email| fold_case(email)).collect();
        let parts: Vec<_> =
            std::iter::once(text.as_str()).chain(folded.iter().map(String::as_str)).collect();
        Counter::new(what, &self.counters().digest(what, &parts))
    }
}

/// Returns the lookup of a username, in any spelling.
pub(super) fn username_lookup(username: &str) -> Identity {
    let attribute = IdentityAttribute::Username;
    Identity { attribute, value: username.to_owned(), ignore_case: true }
}

/// Checks whether a registration failed because the value is taken.
pub(super) fn takes(error: &CommitError, attribute: IdentityAttribute) -> bool {
    match error {
        CommitError::Conflict(taken) => *taken == attribute.into(),
        CommitError::Stale(Guard::Counter(counter)) => {
            let what = counter.as_str().split_once(':').map(|(what, _)| what);
            let reserved = attribute == IdentityAttribute::Username && what == Some(RESERVED_NAME);
            reserved || what == Some(claims(attribute))
        }
        _ => false,
    }
}
