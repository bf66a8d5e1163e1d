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
    once(ctx, counter(claims(name.attribute), name), CLAIM)
}

/// Takes a username that a registration chose, whether or not it makes an account: were it free
/// again, it would tell that the address has one. Administrators do not look at this.
pub(super) fn reserve(ctx: &Context, name: &Identity) -> Change {
    once(ctx, counter(RESERVED_NAME, name), RESERVED)
}

/// Gives a name back that belongs to nobody any more.
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

/// Whether a registration failed because somebody has that value.
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
