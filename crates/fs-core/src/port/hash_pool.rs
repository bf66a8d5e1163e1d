//! The threads that hash passwords.

use std::time::Duration;

use async_trait::async_trait;

use crate::password::{HashAnswer, HashJob};

/// Runs hashing jobs on threads of its own: a few at a time, with a bounded queue in which the
/// [lanes](crate::password::HashLane) of the jobs take turns. Hashing is made to be slow; it must
/// never run on the threads that serve requests.
#[async_trait]
pub trait HashPool: Send + Sync {
    /// Runs the job and waits for its answer. A caller that goes away takes its job with it.
    ///
    /// # Errors
    ///
    /// Returns [`HashPoolError::Busy`] if the job was not run because too many others wait; whatever
    /// was counted for it is taken back.
    async fn run(&self, job: HashJob) -> Result<HashAnswer, HashPoolError>;
}

/// Why a hashing job did not run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HashPoolError {
    /// The queue is full or the job waited too long. Answer 503 with `Retry-After`.
    #[error("too many passwords are being hashed, try again in {} s", retry_after.as_secs())]
    Busy {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The job broke off; its thread lives on. Answer 500.
    #[error("hashing a password broke off")]
    Failed,
    /// The pool has stopped.
    #[error("the threads that hash passwords have stopped")]
    Stopped,
}
