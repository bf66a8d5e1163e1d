//! All ports of a program on one machine.

use std::io;
use std::sync::Arc;

use fs_core::Ports;
use fs_core::port::{Mailer, UserStore};

use crate::hash_pool::{HashPoolSize, ThreadHashPool};
use crate::outbox_worker::OutboxBell;
use crate::system::{OsEntropy, SystemClock};

/// The ports of a program that keeps users in `store` and sends mails by `mailer`: hashing threads
/// of the usual size, the machine's own clock and randomness, no further services. Mails go as
/// soon as they are written if an [`OutboxWorker`](crate::outbox_worker::OutboxWorker) has the
/// same bell.
///
/// What is to be different is said in front of it: `Ports { breaches, ..ports(…)? }`.
///
/// # Errors
///
/// The operating system gave no threads.
///
/// ```
/// use std::sync::Arc;
/// use fs_services::console_mailer::ConsoleMailer;
/// use fs_services::outbox_worker::OutboxBell;
/// use fs_store_memory::MemoryStore;
///
/// let bell = OutboxBell::default();
/// let (store, mailer) = (Arc::new(MemoryStore::new()), Arc::new(ConsoleMailer::default()));
/// let ports = fs_services::ports(store, mailer, &bell)?;
/// # drop(ports);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn ports(
    store: Arc<dyn UserStore>,
    mailer: Arc<dyn Mailer>,
    bell: &OutboxBell,
) -> io::Result<Ports> {
    ports_with(HashPoolSize::default(), store, mailer, bell)
}

/// The same with hashing threads of another size.
pub(crate) fn ports_with(
    size: HashPoolSize,
    store: Arc<dyn UserStore>,
    mailer: Arc<dyn Mailer>,
    bell: &OutboxBell,
) -> io::Result<Ports> {
    Ok(Ports {
        store,
        hash_pool: Arc::new(ThreadHashPool::start(size)?),
        mailer,
        sms: None,
        outbox_waker: Some(Arc::new(bell.clone())),
        breaches: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        events: Vec::new(),
    })
}
