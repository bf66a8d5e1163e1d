//! Hashing work, as values that a pool of threads runs.

use std::sync::Arc;

use super::{HashLane, HashRefusal, PasswordHasher, Scratch, Verification};
use crate::model::PasswordHash;
use crate::secret::Secret;

/// One piece of hashing work: by which rules, for whom, and what.
#[derive(Debug)]
pub struct HashJob {
    /// The rules, ready for use.
    pub hasher: Arc<PasswordHasher>,
    /// The queue in which the work waits.
    pub lane: HashLane,
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
    /// Compare two spellings of one password, always both. Without a stored hash the same work is
    /// done. Answers [`HashAnswer::VerifiedBoth`].
    VerifyBoth {
        /// The spellings.
        spellings: [Secret; 2],
        /// What the store holds.
        stored: Option<PasswordHash>,
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

/// A comparison that takes the time of one or several password hashes.
pub struct SlowComparison {
    compare: Box<dyn FnOnce() -> bool + Send>,
    hashes: u32,
}

impl SlowComparison {
    /// A comparison as a closure.
    pub fn new(compare: impl FnOnce() -> bool + Send + 'static) -> Self {
        Self { compare: Box::new(compare), hashes: 1 }
    }

    /// The comparison, which takes the time of that many hashes. Its lane gives up as many turns.
    #[must_use]
    pub fn as_long_as(self, hashes: u32) -> Self {
        Self { hashes, ..self }
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
    /// Of [`HashTask::VerifyBoth`], for each spelling.
    VerifiedBoth([Verification; 2]),
}

impl HashJob {
    /// How many turns of its lane the work takes: one for each hash, at least 1.
    pub fn turns(&self) -> u32 {
        match &self.task {
            HashTask::Compare(comparison) => comparison.hashes.max(1),
            HashTask::VerifyBoth { .. } => 2,
            HashTask::Create { .. } | HashTask::Verify { .. } | HashTask::Decoy { .. } => 1,
        }
    }

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
            HashTask::VerifyBoth { spellings, stored } => {
                let verify = |spelling: Secret| match &stored {
                    Some(stored) => self.hasher.verify(&spelling, stored, scratch),
                    None => self.hasher.decoy(&spelling, scratch),
                };
                HashAnswer::VerifiedBoth(spellings.map(verify))
            }
            HashTask::Compare(comparison) => HashAnswer::Verified(Verification {
                matched: (comparison.compare)(),
                outdated: false,
            }),
            HashTask::Decoy { password } => {
                HashAnswer::Verified(self.hasher.decoy(&password, scratch))
            }
        }
    }
}
