//! Port for the threads that hash passwords.

use std::time::Duration;

use async_trait::async_trait;

use crate::password::{HashAnswer, HashJob};

/// Runs hashing jobs on its own threads: a few at a time, with a bounded queue that is fair between
/// the [lanes](crate::password::HashLane) of the jobs. Hashing is slow by design and must never run
/// on the threads that serve requests.
#[async_trait]
pub trait HashPool: Send + Sync {
    /// Runs the job and waits for its answer. Dropping the future cancels a job that still waits.
    ///
    /// # Errors
    ///
    /// - Returns [`HashPoolError::Busy`] if the job was not run because too many others wait. The
    ///   caller takes back whatever it counted for the job.
    /// - Returns [`HashPoolError::Failed`] if the job panicked.
    /// - Returns [`HashPoolError::Stopped`] if the pool has stopped.
    async fn run(&self, job: HashJob) -> Result<HashAnswer, HashPoolError>;
}

/// Error of a hashing job.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashPoolError {
    /// The queue is full, or the job waited too long. Respond with 503 and `Retry-After`.
    #[error("too many passwords are being hashed, try again in {} s", retry_after.as_secs())]
    Busy {
        /// Time after which another attempt is worthwhile.
        retry_after: Duration,
    },
    /// The job panicked; its thread continues. Respond with 500.
    #[error("hashing a password broke off")]
    Failed,
    /// The pool has stopped.
    #[error("the threads that hash passwords have stopped")]
    Stopped,
}
