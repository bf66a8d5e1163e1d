//! Rate limits for successful changes of an account's credentials.

use serde::{Deserialize, Serialize};

use super::quota::OnSuccess::Keep;
use super::{Cap, CounterNames, DAY, HOUR, Limit, Quota};
use crate::model::UserId;

/// Rate limits for successful changes of credentials by a signed-in user: of the password, the
/// second factor, a sign-in method or the recovery codes.
///
/// Each change sends a notice, can be undone for some days, and ends the reset links that were sent
/// before. Without a limit, an intruder with access to a session could change something so often
/// that the owner never gets to use a reset link.
///
/// Password resets and undo links are not counted. They reset the count, so an owner whose limit an
/// intruder used up can still secure the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChangeLimits {
    /// Changes per account: 10 per hour, 30 per day.
    pub user: Vec<Cap>,
}

impl Default for ChangeLimits {
    fn default() -> Self {
        Self { user: vec![Cap::new(10, HOUR), Cap::new(30, DAY)] }
    }
}

impl ChangeLimits {
    /// Returns no limits.
    pub const fn none() -> Self {
        Self { user: Vec::new() }
    }

    /// Returns the quota of a change. Count it in the batch of the change.
    pub fn of_user(&self, names: &CounterNames, user: &UserId) -> Quota {
        Quota::default().with(names, Limit::Changes, &self.user, &[user.as_str()], Keep)
    }
}
