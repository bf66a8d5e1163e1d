//! Proxy behind the contract server's single address. It reads the first line of each connection,
//! and forwards the rest unread.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::adapter::ContractServer;
use super::control::{Plane, router};
use super::stores::{StoreKind, Stores};

/// Maximum length of the first line, in bytes. No request of the contract has a longer one.
const LONGEST_LINE: usize = 16 * 1024;

/// Serves the contract until `stop` completes.
///
/// # Errors
///
/// Returns an error if the store cannot be opened or the listener fails.
pub async fn serve(
    listener: TcpListener,
    server: impl ContractServer,
    store: StoreKind,
    stop: impl Future<Output = ()>,
) -> Result<(), String> {
    let stores = Stores::open(store, server.shares_runtime()).await?;
    let plane = Plane::new(Box::new(server), stores)?;
    let served = hand_on(listener, &plane, stop).await;
    plane.close().await?;
    served.map_err(|error| error.to_string())
}

async fn hand_on(
    listener: TcpListener,
    plane: &Arc<Plane>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let control = TcpListener::bind("127.0.0.1:0").await?;
    let control_at = control.local_addr()?;
    let served = tokio::spawn(axum::serve(control, router(Arc::clone(plane))).into_future());
    tokio::pin!(stop);
    loop {
        let (connection, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut stop => break,
        };
        let plane = Arc::clone(plane);
        // A connection that breaks is noticed by the client.
        tokio::spawn(async move { connect(connection, &plane, control_at).await });
    }
    served.abort();
    Ok(())
}

async fn connect(mut from: TcpStream, plane: &Plane, control: SocketAddr) -> io::Result<()> {
    let mut start = Vec::new();
    while !start.contains(&b'\n') && start.len() < LONGEST_LINE {
        if from.read_buf(&mut start).await? == 0 {
            return Ok(());
        }
    }
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let server = match target.starts_with(b"/__contract/") {
        true => None,
        false => plane.address().await,
    };
    // Before the first reset there is no server, so the control plane answers with an error.
    let mut to = TcpStream::connect(server.unwrap_or(control)).await?;
    to.write_all(&start).await?;
    copy_bidirectional(&mut from, &mut to).await?;
    Ok(())
}
