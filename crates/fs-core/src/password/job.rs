//! Hashing jobs for a pool of threads.

use std::sync::Arc;

use super::{HashLane, HashRefusal, PasswordHasher, Scratch, Verification};
use crate::model::PasswordHash;
use crate::secret::Secret;

/// Hashing job: the work, the rules and the queue in which it waits.
#[derive(Debug)]
pub struct HashJob {
    /// Hasher with the rules.
    pub hasher: Arc<PasswordHasher>,
    /// Lane of the queue in which the job waits.
    pub lane: HashLane,
    /// Work to do.
    pub task: HashTask,
}

/// Kind of hashing work.
#[derive(Debug)]
pub enum HashTask {
    /// Hash a new password.
    Create {
        /// Normalized password.
        password: Secret,
        /// New random bytes.
        salt: [u8; 16],
    },
    /// Verify a password against a stored hash.
    Verify {
        /// Normalized password.
        password: Secret,
        /// Stored hash.
        stored: PasswordHash,
    },
    /// Verify two normalized forms of one password, always both. The answer is
    /// [`HashAnswer::VerifiedBoth`].
    VerifyBoth {
        /// The two forms of the password.
        spellings: [Secret; 2],
        /// Stored hash.
        stored: PasswordHash,
    },
    /// Run another comparison that is as slow as a verification, such as that of a token that
    /// Python bound to an address or a password. The answer is [`HashAnswer::Verified`] and never
    /// outdated.
    Compare(SlowComparison),
}

/// Comparison that takes as long as one or more password hashes.
pub struct SlowComparison {
    compare: Box<dyn FnOnce() -> bool + Send>,
    hashes: u32,
}

impl SlowComparison {
    /// Creates a comparison from a closure.
    pub fn new(compare: impl FnOnce() -> bool + Send + 'static) -> Self {
        Self { compare: Box::new(compare), hashes: 1 }
    }

    /// Sets the duration of the comparison, as a number of password hashes. The default is 1. The
    /// comparison takes one turn of its [lane](HashLane) for each of these hashes.
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

/// Result of a hashing job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashAnswer {
    /// New hash to store, from [`HashTask::Create`].
    Created(PasswordHash),
    /// The password cannot be hashed, from [`HashTask::Create`].
    Refused(HashRefusal),
    /// Result of [`HashTask::Verify`] and [`HashTask::Compare`].
    Verified(Verification),
    /// Result of [`HashTask::VerifyBoth`], for each form of the password.
    VerifiedBoth([Verification; 2]),
}

impl HashJob {
    /// Returns the number of turns of its lane that the job takes: one per hash, at least 1.
    pub fn turns(&self) -> u32 {
        match &self.task {
            HashTask::Compare(comparison) => comparison.hashes.max(1),
            HashTask::VerifyBoth { .. } => 2,
            HashTask::Create { .. } | HashTask::Verify { .. } => 1,
        }
    }

    /// Runs the job. It takes milliseconds to seconds of one core.
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
                let verify = |spelling: Secret| self.hasher.verify(&spelling, &stored, scratch);
                HashAnswer::VerifiedBoth(spellings.map(verify))
            }
            HashTask::Compare(comparison) => HashAnswer::Verified(Verification {
                matched: (comparison.compare)(),
                outdated: false,
            }),
        }
    }
}
