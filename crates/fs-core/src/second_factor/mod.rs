//! Pending sign-ins and the decision whether a second factor is required.
//!
//! A sign-in has few states. After the first factor it is *admitted* or *pending*: either a code of
//! the second factor is required, or the user must set up a second factor first. A pending sign-in
//! is stored in the browser's session under an id. The store counts its attempts, so that an old
//! copy of the cookie does not give new ones.

mod pending;
mod policy;

pub(crate) use pending::SET_UP_WITHIN;
pub use pending::{Enrolment, Pending, PendingStage};
pub use policy::{Entry, FactorKind, Needed, method_of, needed};
