//! Server without HTTP: the client sends one line, and the server answers with one line.
//!
//! | line | answer |
//! | --- | --- |
//! | `login NAME PASSWORD` | `ok NAME`, `code METHOD` if a second factor is required, `no`, `wait SECONDS` |
//! | `code CODE` | `ok NAME`, `no`, `wait SECONDS` |
//! | `whoami` | `ok NAME`, `nobody` |
//! | `quit` | `bye` |
//!
//! A connection corresponds to a browser: its [`Session`](fs_core::session::Session) lives in
//! memory as long as the connection. The flows do everything else, including the second factor and
//! the rate limits.
//!
//! Passwords are not encrypted on the wire. Listen on the loopback address only, or put TLS in
//! front.

mod conversation;
mod line;
mod mails;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use fs_core::secret::Secret;
use fs_core::{Config, Security};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use conversation::Conversation;
use line::read_line;

pub use mails::PlainMails;

/// Returns the default profile without the features that need links in mails. `key` must have at
/// least 32 bytes.
pub fn config(key: Secret) -> Config {
    let mut config = Config::default();
    config.signing_keys = vec![key];
    config.registration = None;
    config.confirmation = None;
    config.recovery = None;
    config
}

/// Limits on the resources that clients can use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of concurrent connections. Further connections wait.
    pub connections: usize,
    /// Maximum time for a client to be silent, or to leave an answer unread.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 100, silence: Duration::from_secs(60) }
    }
}

/// Serves until `stopped` completes, then answers every line that was read.
pub async fn serve(
    listener: TcpListener,
    security: Security,
    limits: Limits,
    stopped: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(());
    let mut talks = JoinSet::new();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            accepted = listener.accept(), if talks.len() < limits.connections => match accepted {
                Ok((stream, peer)) => {
                    let (security, stopping) = (security.clone(), stopping.clone());
                    talks.spawn(talk(stream, peer.ip(), security, limits, stopping));
                }
                // Possibly too many open files: retry after a pause, when connections have closed.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = talks.join_next() => {}
            () = &mut stopped => break,
        }
    }
    drop(stop);
    while talks.join_next().await.is_some() {}
}

async fn talk(
    mut stream: TcpStream,
    peer: IpAddr,
    security: Security,
    limits: Limits,
    mut stopping: watch::Receiver<()>,
) {
    let mut conversation = Conversation::new(security, peer);
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    while !conversation.is_over() {
        let line = tokio::select! {
            line = timeout(limits.silence, read_line(&mut read)) => line,
            // The channel carries no value: it completes when the sender is dropped.
            _ = stopping.changed() => break,
        };
        let answer = match line {
            Ok(Ok(Some(line))) => conversation.answer(line.expose()).await,
            // The line is not UTF-8 or is too long, so the start of the next one is unknown.
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => conversation.refuse(),
            // The client disconnected, or was silent for too long.
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        };
        match timeout(limits.silence, write.write_all(answer.as_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    conversation.end().await;
}
