//! One registration for a name, however it is written.

use std::time::Duration;

use crate::identity::IdentityAttribute;
use crate::port::{Change, CommitError, Counter, Guard, Identity, fold_case};
use crate::security::Context;

/// How long a registration may take from its first look to its commit.
const CLAIM: Duration = Duration::from_secs(60);

/// How long a name stays taken that belongs to no account.
const RESERVED: Duration = Duration::from_secs(30 * 86_400);

/// Lets one registration of a name through, however it is written.
///
/// Stores tell letters of either case apart, as existing tables do. Two who register at the same
/// moment both find the name free; this is the guard that one of them fails.
pub(super) fn claim(ctx: &Context, name: &Identity) -> Change {
    claimed_for(ctx, name, CLAIM)
}

/// Takes a name that a registration chose which made no account, since the address has one: were it
/// free again, it would tell that.
pub(super) fn reserve(ctx: &Context, name: &Identity) -> Change {
    claimed_for(ctx, name, RESERVED)
}

fn claimed_for(ctx: &Context, name: &Identity, window: Duration) -> Change {
    Change::Count { counter: claim_of(name), now: ctx.now, cap: 1, window }
}

/// Gives a name back that belongs to nobody any more.
pub(super) fn release(name: &Identity) -> Change {
    Change::ResetCount(claim_of(name))
}

fn claim_of(name: &Identity) -> Counter {
    let text = match name.ignore_case {
        true => fold_case(&name.value),
        false => name.value.clone(),
    };
    Counter::new(claims(name.attribute), &text)
}

const fn claims(attribute: IdentityAttribute) -> &'static str {
    match attribute {
        IdentityAttribute::Email => "registered_email",
        _ => "registered_name",
    }
}

/// Whether a registration failed because somebody has that value.
pub(super) fn takes(error: &CommitError, attribute: IdentityAttribute) -> bool {
    match error {
        CommitError::Conflict(taken) => *taken == attribute.into(),
        CommitError::Stale(Guard::Counter(counter)) => {
            counter.as_str().split_once(':').is_some_and(|(what, _)| what == claims(attribute))
        }
        _ => false,
    }
}
