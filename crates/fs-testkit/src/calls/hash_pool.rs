//! Hash pool without threads.

use std::time::Duration;

use async_trait::async_trait;
use fs_core::password::{HashAnswer, HashJob, HashTask, Scratch};
use fs_core::port::{HashPool, HashPoolError};

use super::{Call, Calls, HashKind, give_way};

/// Hash pool that hashes on the caller's thread. An injected fault is a full queue.
#[derive(Clone, Debug, Default)]
pub struct InlineHashPool(Calls);

impl InlineHashPool {
    /// Creates a pool whose jobs are recorded in `calls`.
    pub fn new(calls: Calls) -> Self {
        Self(calls)
    }
}

#[async_trait]
impl HashPool for InlineHashPool {
    async fn run(&self, job: HashJob) -> Result<HashAnswer, HashPoolError> {
        let kind = match &job.task {
            HashTask::Create { .. } => HashKind::Create,
            HashTask::Verify { .. } => HashKind::Verify,
            HashTask::VerifyBoth { .. } => HashKind::VerifyBoth,
            HashTask::Compare(_) => HashKind::Compare,
        };
        give_way().await;
        match self.0.note(Call::Hash(kind)) {
            None => Ok(job.run(&mut Scratch::new())),
            Some(_) => Err(HashPoolError::Busy { retry_after: Duration::from_secs(1) }),
        }
    }
}
