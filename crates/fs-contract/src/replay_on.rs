//! Start of a server and its replay in one call, for tests.

use std::sync::mpsc;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::server::{ContractServer, StoreKind, serve};
use crate::{Corpus, Http1, Options, Report, replay_all};

/// Starts a contract server, plays the recordings to it and stops it.
///
/// It is meant for adapters that are written elsewhere: a test of a few lines compares one with all
/// recordings, with the same deviations as this project's adapters.
///
/// ```no_run
/// use fs_contract::server::{Adapter, StoreKind};
/// use fs_contract::{Deviations, Options, replay_on};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = Options { deviations: Deviations::shipped()?, ..Options::default() };
/// // Replace `Adapter::Axum` by your implementation of `ContractServer`.
/// let report = replay_on(Adapter::Axum, StoreKind::Memory, &options)?;
/// assert!(report.is_success() && report.counts().unsupported == 0, "{report}");
/// assert!(report.counts().passed > 500, "{report}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns an error if the recordings cannot be read, or if the contract server does not start or
/// stop properly. A failed scenario is not an error; it is in the report.
pub fn replay_on(
    server: impl ContractServer,
    store: StoreKind,
    options: &Options,
) -> Result<Report, String> {
    let corpus = Corpus::shipped().map_err(|error| error.to_string())?;
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    // Uses a thread of its own, because the caller may be in a runtime.
    let standing = std::thread::spawn(move || {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.map_err(|error| error.to_string())?;
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            _ = tell.send(address);
            serve(listener, server, store, async { drop(stopped.await) }).await
        })
    });
    if let Ok(address) = told.recv() {
        let http = Http1::new(&format!("http://{address}"));
        let mut http = http.map_err(|error| error.to_string())?;
        let report = replay_all(&corpus, &mut http, options);
        drop(stop);
        standing.join().map_err(|_| "the contract server panicked")??;
        return Ok(report);
    }
    match standing.join() {
        Ok(Err(error)) => Err(error),
        _ => Err("the contract server did not start".to_owned()),
    }
}
