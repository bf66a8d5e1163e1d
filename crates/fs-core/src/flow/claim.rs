//! Claims on addresses and usernames, so that concurrent registrations cannot share one.

use std::time::Duration;

use crate::context::Context;
use crate::identity::IdentityAttribute;
use crate::port::{Change, CommitError, Counter, Guard, Identity, fold_case};

/// Maximum time from the first lookup of a registration to its commit.
const CLAIM: Duration = Duration::from_secs(60);

/// Period for which a name stays reserved that belongs to no account.
const RESERVED: Duration = Duration::from_secs(30 * 86_400);

/// Returns the change that lets only one registration of a name commit, in any spelling.
///
/// The unique indexes of a store may distinguish upper and lower case, as existing tables do. Two
/// concurrent registrations then both find the name free. This guard makes one of them fail.
pub(super) fn claim(ctx: &Context, name: &Identity) -> Change {
    once(ctx, counter(claims(name.attribute), name), CLAIM)
}

/// Returns the change that reserves the username of a registration, even if the registration
/// creates no account. If the name became free again, that would reveal that the address has an
/// account. Administrative functions ignore the reservation.
pub(super) fn reserve(ctx: &Context, name: &Identity) -> Change {
    once(ctx, counter(RESERVED_NAME, name), RESERVED)
}

/// Returns the changes that release a name.
pub(super) fn release(name: &Identity) -> [Change; 2] {
    [claims(name.attribute), RESERVED_NAME].map(|what| Change::ResetCount(counter(what, name)))
}

fn once(ctx: &Context, counter: Counter, window: Duration) -> Change {
    Change::Count { counter, now: ctx.now, cap: 1, window }
}

fn counter(what: &'static str, name: &Identity) -> Counter {
    let text = match name.ignore_case {
        true => fold_case(&name.value),
        false => name.value.clone(),
    };
    Counter::new(what, &text)
}

const RESERVED_NAME: &str = "reserved_name";

const fn claims(attribute: IdentityAttribute) -> &'static str {
    match attribute {
        IdentityAttribute::Email => "registered_email",
        _ => "registered_name",
    }
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
