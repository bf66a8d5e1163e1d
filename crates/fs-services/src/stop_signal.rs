//! Signals that ask a server to stop.

use std::io;

/// Returns a future that completes when the process is asked to stop: by Ctrl-C, or by SIGTERM,
/// which service managers and containers send. Signals are captured from the call on, even before
/// the future is awaited. Call it within a tokio runtime.
///
/// # Errors
///
/// Returns an error if the process cannot receive the signals.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let stopped = fs_services::stop_signal()?;
/// // Start the server.
/// stopped.await;
/// # Ok(())
/// # }
/// ```
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Returns a future that completes at Ctrl-C. The signal is noticed from now on, even before the
/// future is awaited.
///
/// # Errors
///
/// Returns an error if the process cannot receive the signal.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupted = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupted.recv().await) })
}
