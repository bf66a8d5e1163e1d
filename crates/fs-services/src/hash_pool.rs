//! Thread pool for hashing passwords.
//!
//! Hashing is slow by design. On the threads that serve requests it would block every other
//! request. On one thread per sign-in it would exhaust the memory and slow down all sign-ins
//! together. So a few threads work through one queue, and each keeps the memory that it hashes in.
//!
//! The queue is fair: networks take turns, and so do the accounts of a network. A client with a
//! hundred sign-ins delays the others by a hash or two.

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

/// Size and limits of a [`ThreadHashPool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashPoolSize {
    /// Number of threads, at least 1. Each thread hashes one password at a time and keeps the
    /// memory of one Argon2 hash.
    pub threads: usize,
    /// Maximum number of waiting jobs, at least 1. If one more arrives, the newest job of the
    /// network or account with the most waiting jobs is refused.
    pub queue: usize,
    /// Maximum number of waiting jobs of one network, or of one account in that network, at least
    /// 1. An IPv6 client is counted by its /64, /56 and /48 network at once.
    pub lane: usize,
    /// Maximum time that a job waits. A job that waited longer is refused instead of run, because
    /// its caller has given up by then.
    pub patience: Duration,
}

impl Default for HashPoolSize {
    /// Returns one thread fewer than the machine has cores (1 to 4), so that requests always find a
    /// free core; a queue of 256 jobs, 64 per network; and a patience of 5 seconds.
    ///
    /// At 20 ms per hash, a thread serves 50 sign-ins per second, and needs about the patience to
    /// work through a full queue.
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

/// [`HashPool`] with its own threads.
///
/// Dropping the pool ends the threads. Jobs that still wait get [`HashPoolError::Stopped`].
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
/// let stored = hasher.hash_of_nobody().clone();
/// let task = HashTask::Verify { password: Secret::from("nobody's password"), stored };
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
    /// Starts a pool of hashing threads.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] if the operating system cannot start a thread. Threads that were
    /// started already end again.
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

    /// Appends work to its lane and waits for the answer.
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
        // Drop the refused jobs, which wakes their callers, only after the lock is released.
        drop(waiting);
    }
}

impl Shared {
    /// Locks the queue. Ignores poisoning: no code that can panic runs under the lock, so the queue
    /// is always consistent.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, lane: &HashLane, turns: u32, waiting: Waiting) {
        let mut queue = self.lock();
        if queue.stopped {
            return;
        }
        if queue.waiting.len() >= self.size.queue.min(self.size.lane) {
            // Jobs whose callers went away must not take up space in the queue.
            queue.waiting.retain(|waiting| !waiting.answer.is_canceled());
        }
        let refused = queue.waiting.push(lane.steps(), turns, waiting).err();
        drop(queue);
        self.wake.notify_one();
        if let Some(refused) = refused {
            let _ = refused.answer.send(Err(self.busy()));
        }
    }

    /// Returns [`HashPoolError::Busy`]. By the end of the patience, each job that waits now has
    /// been run or refused.
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
            // Fails if the caller went away meanwhile.
            let _ = next.answer.send(answer);
        }
    }

    /// Waits for the next job and returns it. Returns `None` when the pool has stopped.
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

/// Runs the work. A panic fails the job and does not end the thread; the scratch memory wipes
/// itself.
fn run(work: Work, scratch: &mut Scratch) -> Answer {
    catch_unwind(AssertUnwindSafe(|| work(scratch))).map_err(|_| {
        // A log that cannot be written panics, which must not end the thread.
        let _ = catch_unwind(|| tracing::error!("hashing a password panicked"));
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
