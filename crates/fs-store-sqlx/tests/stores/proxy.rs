//! Proxy in front of a server that can cut, redirect and record connections.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// TCP proxy that forwards data.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Port that the proxy listens on.
    pub(crate) port: u16,
    target: Arc<AtomicU16>,
    /// Counter whose changes cut the open connections.
    cuts: watch::Sender<u32>,
    /// Whether the next connection is cut after it sent a commit.
    cuts_at_commit: Arc<AtomicBool>,
    /// Whether forwarding is suspended.
    frozen: Arc<AtomicBool>,
    /// Data that servers sent since [`listen`](Self::listen) was called, or `None`.
    answers: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            target: Arc::new(AtomicU16::new(port)),
            cuts: watch::Sender::new(0),
            cuts_at_commit: Arc::default(),
            frozen: Arc::default(),
            answers: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        proxy
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Redirects new connections to another server. Open connections stay.
    pub(crate) fn redirect(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Cuts the next connection that commits, after the server received the commit.
    pub(crate) fn cut_at_commit(&self) {
        self.cuts_at_commit.store(true, Ordering::SeqCst);
    }

    /// Drops all data from now on.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Resumes forwarding for new connections.
    pub(crate) fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Starts to record the answers of servers.
    pub(crate) fn listen(&self) {
        *self.answers.lock().unwrap() = Some(Vec::new());
    }

    /// Returns the answers that were recorded.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.answers.lock().unwrap().take().unwrap_or_default()
    }

    async fn serve(&self, mut client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        let port = self.target.load(Ordering::SeqCst);
        let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
        let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                _ = cuts.changed() => return,
                read = client.read(&mut asked) => {
                    let Ok(size @ 1..) = read else { return };
                    if self.frozen.load(Ordering::SeqCst) {
                        continue;
                    }
                    let part = &asked[..size];
                    if server.write_all(part).await.is_err() {
                        return;
                    }
                    let commits = part.windows(7).any(|word| word == b"COMMIT\0");
                    if commits && self.cuts_at_commit.swap(false, Ordering::SeqCst) {
                        // The server has committed and answered, but the client does not receive
                        // the answer.
                        let _ = server.read(&mut answered).await;
                        return;
                    }
                }
                read = server.read(&mut answered) => {
                    let Ok(size @ 1..) = read else { return };
                    let part = &answered[..size];
                    if let Some(answers) = &mut *self.answers.lock().unwrap() {
                        answers.extend_from_slice(part);
                    }
                    if client.write_all(part).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
