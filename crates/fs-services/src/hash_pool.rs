//! Threads that hash passwords.
//!
//! Hashing is slow by design. On the threads that serve requests it would stop everybody; on a
//! thread for each sign-in it would fill the memory and slow all of them down together. So a few
//! threads work through one queue, each with memory that it keeps. In the queue networks take turns,
//! and accounts within a network: one client with a hundred sign-ins delays others by a hash or two.

mod fair_queue;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fs_core::password::{HashAnswer, HashJob, HashLane, Scratch};
use fs_core::port::{HashPool, HashPoolError};
use futures::channel::oneshot;

use fair_queue::{Bounds, FairQueue};

/// The size of a [`ThreadHashPool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPoolSize {
    /// How many passwords are hashed at the same time, at least 1. Each thread keeps the memory
    /// of one Argon2 hash.
    pub threads: usize,
    /// How many jobs may wait, at least 1. Of any more, the newest of whoever has most is refused.
    pub queue: usize,
    /// How many jobs of one network, or of one account there, may wait, at least 1. An IPv6 network
    /// is one of 64, 56 and 48 bits at the same time.
    pub lane: usize,
    /// How long a job may wait. One that waited that long is refused instead of run: whoever asked
    /// has given up by then.
    pub patience: Duration,
}

impl Default for HashPoolSize {
    /// One thread fewer than the machine has cores, at least 1 and at most 4, so that requests
    /// always find a core; 256 jobs that wait up to 5 seconds, 64 of them of one network.
    ///
    /// At 20 ms a hash, a thread does 50 sign-ins a second, and a full queue takes it as long as
    /// the patience lasts.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads: cores.saturating_sub(1).clamp(1, 4),
            queue: 256,
            lane: 64,
            patience: Duration::from_secs(5),
        }
    }
}

/// A [`HashPool`] of threads of its own. They end when it is dropped; jobs that still wait are
/// answered [`HashPoolError::Stopped`].
///
/// ```
/// use std::sync::Arc;
/// use fs_core::password::{HashAnswer, HashJob, HashLane, HashTask, HashingRules, PasswordHasher};
/// use fs_core::port::HashPool;
/// use fs_core::secret::Secret;
/// use fs_services::hash_pool::{HashPoolSize, ThreadHashPool};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = ThreadHashPool::start(HashPoolSize::default())?;
/// let hasher = Arc::new(PasswordHasher::new(HashingRules::cheapest_for_tests())?);
/// let task = HashTask::Decoy { password: Secret::from("nobody's password") };
/// let lane = HashLane::application();
/// let answer = futures::executor::block_on(pool.run(HashJob { hasher, lane, task }))?;
/// assert!(matches!(answer, HashAnswer::Verified(verification) if !verification.matched));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ThreadHashPool {
    shared: Arc<Shared>,
}

type Work = Box<dyn FnOnce(&mut Scratch) -> HashAnswer + Send>;
type Answer = Result<HashAnswer, HashPoolError>;

#[derive(Debug)]
struct Shared {
    size: HashPoolSize,
    queue: Mutex<Queue>,
    wake: Condvar,
}

struct Queue {
    waiting: FairQueue<Waiting>,
    stopped: bool,
}

struct Waiting {
    work: Work,
    answer: oneshot::Sender<Answer>,
    since: Instant,
}

impl ThreadHashPool {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// The operating system gave no thread. Those that it gave end again.
    pub fn start(size: HashPoolSize) -> io::Result<Self> {
        let bounds = Bounds { in_all: size.queue.max(1), in_lane: size.lane.max(1) };
        let queue = Queue { waiting: FairQueue::new(bounds), stopped: false };
        let shared = Shared { size, queue: Mutex::new(queue), wake: Condvar::new() };
        let pool = Self { shared: Arc::new(shared) };
        for number in 0..size.threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new()
                .name(format!("fs-hash-{number}"))
                .spawn(move || shared.work_until_stopped())?;
        }
        Ok(pool)
    }

    /// Puts work at the end of its lane and waits for its answer.
    async fn submit(&self, lane: &HashLane, turns: u32, work: Work) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.shared.enqueue(lane, turns, Waiting { work, answer, since: Instant::now() });
        answered.await.unwrap_or(Err(HashPoolError::Stopped))
    }
}

#[async_trait]
impl HashPool for ThreadHashPool {
    async fn run(&self, job: HashJob) -> Answer {
        let (lane, turns) = (job.lane.clone(), job.turns());
        self.submit(&lane, turns, Box::new(|scratch| job.run(scratch))).await
    }
}

impl Drop for ThreadHashPool {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.stopped = true;
        let waiting = queue.waiting.take();
        drop(queue);
        self.shared.wake.notify_all();
        // Their callers are woken now that nothing is locked.
        drop(waiting);
    }
}

impl Shared {
    /// The queue. No code that can panic runs while it is locked, so it is whole even when the
    /// lock says otherwise.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, lane: &HashLane, turns: u32, waiting: Waiting) {
        let mut queue = self.lock();
        if queue.stopped {
            return;
        }
        if queue.waiting.len() >= self.size.queue.min(self.size.lane) {
            // Callers that went away hold no place.
            queue.waiting.retain(|waiting| !waiting.answer.is_canceled());
        }
        let refused = queue.waiting.push(lane.steps(), turns, waiting).err();
        drop(queue);
        self.wake.notify_one();
        if let Some(refused) = refused {
            let _ = refused.answer.send(Err(self.busy()));
        }
    }

    /// After the patience, every job that waits now has been run or refused.
    fn busy(&self) -> HashPoolError {
        HashPoolError::Busy { retry_after: self.size.patience }
    }

    fn work_until_stopped(&self) {
        let mut scratch = Scratch::new();
        while let Some(next) = self.next() {
            if next.answer.is_canceled() {
                continue;
            }
            let answer = if next.since.elapsed() >= self.size.patience {
                Err(self.busy())
            } else {
                run(next.work, &mut scratch)
            };
            // Nobody listens when the caller went away meanwhile.
            let _ = next.answer.send(answer);
        }
    }

    /// The job whose turn it is; `None` when the pool has stopped.
    fn next(&self) -> Option<Waiting> {
        let mut queue = self.lock();
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(first) = queue.waiting.pop() {
                return Some(first);
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs the work. A panic ends the job and not the thread; the memory wipes itself on the way.
fn run(work: Work, scratch: &mut Scratch) -> Answer {
    catch_unwind(AssertUnwindSafe(|| work(scratch))).map_err(|_| {
        tracing::error!("hashing a password panicked");
        HashPoolError::Failed
    })
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("waiting", &self.waiting.len())
            .field("stopped", &self.stopped)
            .finish()
    }
}

#[cfg(test)]
mod tests;
