//! One registration for a name, however it is written.

use std::time::Duration;

use crate::identity::IdentityAttribute;
use crate::port::{Change, CommitError, Counter, Guard, Identity, fold_case};
use crate::security::Context;

/// How long a registration may take from its first look to its commit.
const CLAIM: Duration = Duration::from_secs(60);

/// Lets one registration of a name through, however it is written.
///
/// Stores tell letters of either case apart, as existing tables do. Two who register at the same
/// moment both find the name free; this is the guard that one of them fails.
pub(super) fn claim(ctx: &Context, name: &Identity) -> Change {
    let text = match name.ignore_case {
        true => fold_case(&name.value),
        false => name.value.clone(),
    };
    let counter = Counter::new(claims(name.attribute), &text);
    Change::Count { counter, now: ctx.now, cap: 1, window: CLAIM }
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
