//! Account that a session is created for.

use crate::model::{Uniquifier, User, UserId};

/// Account that a session is created for.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    /// Key of the account. `None` before the commit that creates the account.
    pub(super) id: Option<&'a UserId>,
    /// Uniquifier of the account after the commit.
    pub(super) uniquifier: &'a Uniquifier,
}

impl<'a> Holder<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self { id: Some(&user.id), uniquifier: &user.uniquifier }
    }
}
