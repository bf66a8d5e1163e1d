//! Between "who are you" and "signed in": what is still asked for, as pure decisions.
//!
//! A sign-in moves through few states. A first factor leads to *admitted*, or to *pending*: the
//! account's code is wanted, or the account must choose a second factor first. A pending sign-in
//! lives in the browser's session under an id; its attempts are counted in the store, so that an
//! old copy of the cookie buys nobody a new try.

mod pending;
mod policy;

pub(crate) use pending::SET_UP_WITHIN;
pub use pending::{Enrolment, Pending, PendingStage};
pub use policy::{Entry, FactorKind, Needed, method_of, needed};
