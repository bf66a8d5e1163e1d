//! Background task that sends the mails of the outbox.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use fs_core::Security;
use fs_core::port::OutboxWaker;
use futures::FutureExt;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Notification from the ports to an [`OutboxWorker`] that a mail waits in the outbox.
///
/// Pass one bell to the ports and the same one to the worker. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct OutboxBell(Arc<Notify>);

impl OutboxWaker for OutboxBell {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Background task that delivers the mails of the outbox.
///
/// Checks the outbox when the bell rings, and at regular intervals. The latter finds mails that are
/// due for another attempt, and mails that a crashed process left behind.
///
/// One worker per process is enough. Several processes can share one database: each mail is claimed
/// by one of them. Failures are logged and retried.
///
/// ```
/// # use fs_core::Security;
/// use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
///
/// # async fn run(security: Security, bell: OutboxBell) {
/// // The same bell is `outbox_waker` among the ports of `security`.
/// let worker = OutboxWorker::start(security, &bell);
/// // … serve …
/// worker.stop().await;
/// # }
/// ```
#[derive(Debug)]
pub struct OutboxWorker {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Interval at which the outbox is checked when the bell does not ring.
const EVERY: Duration = Duration::from_secs(5);

impl OutboxWorker {
    /// Starts the worker. It checks the outbox at once, then every 5 seconds and whenever the bell
    /// rings.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(security: Security, bell: &OutboxBell) -> Self {
        Self::start_every(EVERY, security, bell)
    }

    /// Starts the worker like [`start`](Self::start), but checks the outbox at the interval
    /// `every`.
    pub fn start_every(every: Duration, security: Security, bell: &OutboxBell) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(work(every, security, Arc::clone(&bell.0), stopped));
        Self { stop: Some(stop), task }
    }

    /// Stops the worker after its current pass over the outbox.
    ///
    /// This takes as long as the mail server takes to answer. Drop the worker to stop at once.
    /// Mails that were being sent at that moment are sent again some minutes later, by any worker
    /// on the database.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the task that delivers mails broke off");
        }
    }
}

impl Drop for OutboxWorker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(
    every: Duration,
    security: Security,
    bell: Arc<Notify>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return,
            () = bell.notified() => {
                if let Err(error) = security.wait_before_delivery().await {
                    tracing::error!(%error, "the outbox is emptied without a wait");
                }
            }
            _ = ticks.tick() => {}
        }
        // A pass can panic, for example if the log cannot be written. It must not end the task,
        // which is never restarted.
        let _ = AssertUnwindSafe(deliver(&security)).catch_unwind().await;
    }
}

async fn deliver(security: &Security) {
    match security.deliver_mails().await {
        Ok(done) if done.given_up > 0 || done.postponed > 0 => {
            let (sent, postponed, given_up) = (done.sent, done.postponed, done.given_up);
            tracing::warn!(sent, postponed, given_up, "some mails could not be delivered");
        }
        Ok(done) if done.sent > 0 => tracing::debug!(sent = done.sent, "mails were delivered"),
        Ok(_) => {}
        Err(error) => tracing::error!(%error, "the outbox could not be emptied"),
    }
}
