//! The task that empties the outbox.

use std::sync::Arc;
use std::time::Duration;

use fs_core::Security;
use fs_core::port::OutboxWaker;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// Rings when a mail waits. Give one to the ports and the same one to an [`OutboxWorker`]; clones
/// are the same bell.
#[derive(Clone, Debug, Default)]
pub struct OutboxBell(Arc<Notify>);

impl OutboxWaker for OutboxBell {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Delivers mails in the background: when the bell rings, and every now and then for those that
/// could not be delivered at first or were left over by a process that died.
///
/// One worker a process is enough; several processes on one database do not get in each other's
/// way. What goes wrong is logged, and tried again.
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

/// How often the outbox is looked at when nobody rings.
const EVERY: Duration = Duration::from_secs(5);

impl OutboxWorker {
    /// Starts it, within a tokio runtime. It looks at the outbox at once, then every 5 seconds.
    pub fn start(security: Security, bell: &OutboxBell) -> Self {
        Self::start_every(EVERY, security, bell)
    }

    /// The same with another time between two looks when nobody rings.
    pub fn start_every(every: Duration, security: Security, bell: &OutboxBell) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(work(every, security, Arc::clone(&bell.0), stopped));
        Self { stop: Some(stop), task }
    }

    /// Stops it when the mails in hand are delivered or put back. That takes as long as the mail
    /// server takes to answer; drop it to stop at once. Mails that were in hand then are sent
    /// again some minutes later, by whoever looks.
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
            () = bell.notified() => {}
            _ = ticks.tick() => {}
        }
        deliver(&security).await;
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
