//! Hashing work, as values that a pool of threads runs.

use std::sync::Arc;

use super::{HashRefusal, PasswordHasher, Scratch, Verification};
use crate::model::PasswordHash;
use crate::secret::Secret;

/// One piece of hashing work: by which rules, and what.
#[derive(Debug)]
pub struct HashJob {
    /// The rules, ready for use.
    pub hasher: Arc<PasswordHasher>,
    /// The work.
    pub task: HashTask,
}

/// The kinds of hashing work.
#[derive(Debug)]
pub enum HashTask {
    /// Make the hash of a new password.
    Create {
        /// The password, normalised.
        password: Secret,
        /// Fresh random bytes.
        salt: [u8; 16],
    },
    /// Compare a password with a stored hash.
    Verify {
        /// The password, normalised.
        password: Secret,
        /// What the store holds.
        stored: PasswordHash,
    },
    /// Spend the time of a comparison where there is nothing to compare with: the account does not
    /// exist or has no password. Answers [`HashAnswer::Verified`], never matched.
    Decoy {
        /// The password, normalised.
        password: Secret,
    },
    /// Another comparison that is as slow as a password's: that of a token which Python bound to
    /// an address or a password. Answers [`HashAnswer::Verified`], never outdated.
    Compare(SlowComparison),
}

/// A comparison that takes the time of a password hash.
pub struct SlowComparison(Box<dyn FnOnce() -> bool + Send>);

impl SlowComparison {
    /// A comparison as a closure.
    pub fn new(compare: impl FnOnce() -> bool + Send + 'static) -> Self {
        Self(Box::new(compare))
    }
}

impl std::fmt::Debug for SlowComparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlowComparison(..)")
    }
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashAnswer {
    /// Of [`HashTask::Create`]: the new hash, to be stored.
    Created(PasswordHash),
    /// Of [`HashTask::Create`]: this password cannot be hashed.
    Refused(HashRefusal),
    /// Of [`HashTask::Verify`] and [`HashTask::Decoy`].
    Verified(Verification),
}

impl HashJob {
    /// Does the work. It takes milliseconds to seconds of one core.
    pub fn run(self, scratch: &mut Scratch) -> HashAnswer {
        match self.task {
            HashTask::Create { password, salt } => {
                match self.hasher.hash(&password, salt, scratch) {
                    Ok(hash) => HashAnswer::Created(hash),
                    Err(refusal) => HashAnswer::Refused(refusal),
                }
            }
            HashTask::Verify { password, stored } => {
                HashAnswer::Verified(self.hasher.verify(&password, &stored, scratch))
            }
            HashTask::Compare(comparison) => {
                HashAnswer::Verified(Verification { matched: (comparison.0)(), outdated: false })
            }
            HashTask::Decoy { password } => {
                HashAnswer::Verified(self.hasher.decoy(&password, scratch))
            }
        }
    }
}
