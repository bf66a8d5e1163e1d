//! Assertions that rules are made of.

use std::fmt::Debug;

use fs_core::port::{CommitError, Guard, Receipt, UniqueAttribute};

use super::Violation;

/// Checks that the two values are equal.
#[track_caller]
pub(crate) fn equal<T: PartialEq + Debug>(is: T, should: T, what: &str) -> Result<(), Violation> {
    if is == should {
        return Ok(());
    }
    Err(Violation::new(format!("{what}: is {is:?}, should be {should:?}")))
}

/// Checks that a condition holds.
#[track_caller]
pub(crate) fn holds(so: bool, what: &str) -> Result<(), Violation> {
    if so { Ok(()) } else { Err(Violation::new(format!("not so: {what}"))) }
}

/// Checks that a value is present, and returns it.
#[track_caller]
pub(crate) fn some<T>(value: Option<T>, what: &str) -> Result<T, Violation> {
    match value {
        Some(value) => Ok(value),
        None => Err(Violation::new(format!("missing: {what}"))),
    }
}

/// Checks that the commit failed at this guard.
#[track_caller]
pub(super) fn stale(outcome: Result<Receipt, CommitError>, guard: Guard) -> Result<(), Violation> {
    match outcome {
        Err(CommitError::Stale(is)) if is == guard => Ok(()),
        other => Err(Violation::new(format!("is {other:?}, should be stale: {guard:?}"))),
    }
}

/// Checks that the commit failed because this attribute is taken.
#[track_caller]
pub(super) fn conflict(
    outcome: Result<Receipt, CommitError>,
    attribute: UniqueAttribute,
) -> Result<(), Violation> {
    match outcome {
        Err(CommitError::Conflict(is)) if is == attribute => Ok(()),
        other => Err(Violation::new(format!("is {other:?}, should conflict: {attribute:?}"))),
    }
}
