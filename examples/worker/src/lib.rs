//! A server without HTTP: one line asks, one line answers.
//!
//! | line | answer |
//! | --- | --- |
//! | `login NAME PASSWORD` | `ok NAME`, `code METHOD` when a second factor is wanted, `no`, `wait SECONDS` |
//! | `code CODE` | `ok NAME`, `no`, `wait SECONDS` |
//! | `whoami` | `ok NAME`, `nobody` |
//! | `quit` | `bye` |
//!
//! A connection is what a browser is elsewhere: its [`Session`](fs_core::session::Session) lives in
//! memory for as long as the connection does. Everything else, the second factor and the limits
//! included, is done by the flows.
//!
//! Passwords travel as they are. Listen on the machine itself, or put TLS in front.

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

/// The default profile without what needs links in mails. `key` has 32 bytes or more.
pub fn config(key: Secret) -> Config {
    Config {
        signing_keys: vec![key],
        registration: None,
        confirmation: None,
        recovery: None,
        ..Config::default()
    }
}

/// How much of the server strangers can take up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are served at once; more of them wait.
    pub connections: usize,
    /// How long a connection may be silent, or leave an answer unread.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 100, silence: Duration::from_secs(60) }
    }
}

/// Serves until `stopped`, then lets every line that was read be answered.
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
                // Too many open files, perhaps: they become fewer by themselves.
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
            // Nothing is ever sent: the channel closes.
            _ = stopping.changed() => break,
        };
        let answer = match line {
            Ok(Ok(Some(line))) => conversation.answer(line.expose()).await,
            // The line is no text, or has no end: where the next one begins is not known.
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => conversation.refuse(),
            // The client went away, or is silent.
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        };
        match timeout(limits.silence, write.write_all(answer.as_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
    }
    conversation.end().await;
}
