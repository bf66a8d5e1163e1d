//! Default ports of a program on one machine.

use std::io;
use std::sync::Arc;

use fs_core::Ports;
use fs_core::port::{Mailer, UserStore};

use crate::hash_pool::{HashPoolSize, ThreadHashPool};
use crate::outbox_worker::OutboxBell;
use crate::system::{OsEntropy, SystemClock};

/// Returns the usual [`Ports`] for a program on one machine.
///
/// They use the given store and mailer, hashing threads of the default size, and the clock and
/// randomness of the operating system. SMS, breach lookup and event sinks are not set. Pass the
/// same bell to an [`OutboxWorker`](crate::outbox_worker::OutboxWorker) to have mails sent as soon
/// as they are written.
///
/// Assign others to its fields, such as `ports.breaches`.
///
/// # Errors
///
/// Returns an [`io::Error`] if the operating system cannot start the hashing threads.
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

/// Returns the same ports as [`ports`], with a hash pool of the given size.
pub(crate) fn ports_with(
    size: HashPoolSize,
    store: Arc<dyn UserStore>,
    mailer: Arc<dyn Mailer>,
    bell: &OutboxBell,
) -> io::Result<Ports> {
    let hash_pool = Arc::new(ThreadHashPool::start(size)?);
    let mut ports =
        Ports::new(store, hash_pool, mailer, Arc::new(SystemClock), Arc::new(OsEntropy));
    ports.outbox_waker = Some(Arc::new(bell.clone()));
    Ok(ports)
}
