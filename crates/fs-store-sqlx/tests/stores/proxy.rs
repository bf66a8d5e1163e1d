//! A proxy in front of a server that cuts connections, sends them elsewhere, and counts.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Hands on what it is sent.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) port: u16,
    target: Arc<AtomicU16>,
    /// Changed to cut what is connected.
    cuts: watch::Sender<u32>,
    /// Whether a connection is cut once it has asked to commit.
    cuts_at_commit: Arc<AtomicBool>,
    /// Whether nothing is handed on.
    frozen: Arc<AtomicBool>,
    /// What the server sent while somebody listens.
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

    /// Sends new connections to another server; those that are open stay.
    pub(crate) fn redirect(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Cuts the next connection that commits, after the server was told.
    pub(crate) fn cut_at_commit(&self) {
        self.cuts_at_commit.store(true, Ordering::SeqCst);
    }

    /// Swallows what is sent from now on.
    pub(crate) fn freeze(&self) {
        self.frozen.store(true, Ordering::SeqCst);
    }

    /// Hands on again what new connections send.
    pub(crate) fn thaw(&self) {
        self.frozen.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Begins to note what servers answer.
    pub(crate) fn listen(&self) {
        *self.answers.lock().unwrap() = Some(Vec::new());
    }

    /// What they answered since then.
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
                        // The server answers, so it has done it; nobody hears of it.
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
