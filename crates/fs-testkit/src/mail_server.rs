//! Mail server for tests: `mailin`'s state machine on real sockets, in threads of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use mailin::response::{INVALID_CREDENTIALS, OK};
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Behaviour of the server.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Accepts every mail.
    Accepts,
    /// Accepts connections and never sends anything.
    IsSilent,
    /// Receives the whole mail and never confirms it.
    NeverConfirms,
    /// Answers every recipient with this code and text.
    Refuses(u16, &'static str),
    /// Requires a password and refuses all of them.
    RefusesPasswords,
}

/// TLS mode of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte on.
    AtOnce,
    /// TLS after STARTTLS, which the client may omit.
    OnDemand,
}

/// Mail as it was received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Sender in the envelope.
    pub from: String,
    /// Recipients in the envelope.
    pub to: Vec<String>,
    /// Headers and body.
    pub data: Vec<u8>,
    /// Whether it was received over TLS.
    pub protected: bool,
}

/// Mail server that listens on this machine until the process ends.
pub struct MailServer {
    /// Address on which it listens.
    pub address: SocketAddr,
    /// Self-signed certificate of the server in PEM, or `None` without TLS.
    pub certificate: Option<String>,
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    connections: usize,
    mails: Vec<Received>,
}

/// Timeout that is longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[expect(clippy::expect_used, reason = "a test whose server cannot be had has failed")]
impl MailServer {
    /// Starts a server without TLS.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn start(manner: Manner) -> Self {
        Self::listen(manner, None, None)
    }

    /// Starts a server with TLS that accepts every mail. Its certificate names its address.
    ///
    /// # Panics
    ///
    /// Panics if no port is free or the certificate cannot be created.
    pub fn start_with_tls(protection: Protection) -> Self {
        let names = vec!["127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate with its key");
        let tls = Tls { config: Arc::new(config), protection };
        Self::listen(Manner::Accepts, Some(tls), Some(made.cert.pem()))
    }

    fn listen(manner: Manner, tls: Option<Tls>, certificate: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a port");
        let inbox = Arc::<Inbox>::default();
        let server = Self { address, certificate, inbox: Arc::clone(&inbox) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (inbox, tls) = (Arc::clone(&inbox), tls.clone());
                inbox.change(|state| state.connections += 1);
                // A client that disconnects does not fail the test.
                std::thread::spawn(move || drop(serve(stream, manner, tls.as_ref(), &inbox)));
            }
        });
        server
    }

    /// Waits until `count` mails were received.
    ///
    /// # Panics
    ///
    /// Panics if they do not arrive.
    pub fn wait_for_mails(&self, count: usize) -> Vec<Received> {
        self.inbox.wait(|state| state.mails.len() >= count, |state| state.mails.clone())
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.inbox.wait(|_| true, |state| state.connections)
    }
}

#[derive(Clone)]
struct Tls {
    config: Arc<ServerConfig>,
    protection: Protection,
}

impl Tls {
    fn around(&self, stream: TcpStream) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
        let connection = ServerConnection::new(Arc::clone(&self.config));
        Ok(StreamOwned::new(connection.map_err(io::Error::other)?, stream))
    }
}

impl Inbox {
    fn change(&self, with: impl FnOnce(&mut State)) {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    fn wait<T>(&self, until: impl Fn(&State) -> bool, answer: impl Fn(&State) -> T) -> T {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !until(state));
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "the mail server waited in vain");
        answer(&state)
    }
}

fn serve(
    stream: TcpStream,
    manner: Manner,
    tls: Option<&Tls>,
    inbox: &Arc<Inbox>,
) -> io::Result<()> {
    if matches!(manner, Manner::IsSilent) {
        return BufReader::new(stream).read_until(b'\n', &mut Vec::new()).map(drop);
    }
    let mut builder = SessionBuilder::new("mail.test");
    if matches!(manner, Manner::RefusesPasswords) {
        builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    }
    let later = tls.filter(|tls| tls.protection == Protection::OnDemand);
    if later.is_some() {
        builder.enable_start_tls();
    }
    let protected = Arc::new(AtomicBool::new(tls.is_some() && later.is_none()));
    let clerk = Clerk {
        manner,
        inbox: Arc::clone(inbox),
        protected: Arc::clone(&protected),
        mail: Received::default(),
    };
    let mut session = builder.build(stream.peer_addr()?.ip(), clerk);
    let greeting = session.greeting();
    match (tls, later) {
        (Some(tls), None) => {
            let mut stream = tls.around(stream)?;
            write(&mut stream, &greeting)?;
            talk(stream, &mut session).map(drop)
        }
        _ => {
            let mut stream = stream;
            write(&mut stream, &greeting)?;
            let upgrade = talk(stream, &mut session)?;
            let (Some(stream), Some(tls)) = (upgrade, later) else { return Ok(()) };
            session.tls_active();
            protected.store(true, Ordering::Relaxed);
            talk(tls.around(stream)?, &mut session).map(drop)
        }
    }
}

/// Answers until the client disconnects, or requests TLS on the returned stream.
fn talk<S: Read + Write>(stream: S, session: &mut Session<Clerk>) -> io::Result<Option<S>> {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let response = session.process(&line);
        if response.code == NEVER_SENT.code {
            // Reads until the client disconnects.
            return lines.read_until(b'\n', &mut line).map(|_| None);
        }
        if response.action != Action::NoReply {
            write(lines.get_mut(), &response)?;
        }
        match response.action {
            Action::Close => return Ok(None),
            Action::UpgradeTls => return Ok(Some(lines.into_inner())),
            _ => {}
        }
    }
}

fn write(stream: &mut impl Write, response: &Response) -> io::Result<()> {
    stream.write_all(&response.buffer()?)?;
    stream.flush()
}

/// Marker for an answer that is not sent.
const NEVER_SENT: Response = Response::custom(299, String::new());

/// Handler that receives the mails of one connection.
struct Clerk {
    manner: Manner,
    inbox: Arc<Inbox>,
    protected: Arc<AtomicBool>,
    mail: Received,
}

impl Handler for Clerk {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        let (from, protected) = (from.to_owned(), self.protected.load(Ordering::Relaxed));
        self.mail = Received { from, protected, ..Received::default() };
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if let Manner::Refuses(code, words) = self.manner {
            return Response::custom(code, words.to_owned());
        }
        self.mail.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.mail.data.extend_from_slice(line);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let mail = std::mem::take(&mut self.mail);
        self.inbox.change(|state| state.mails.push(mail));
        if matches!(self.manner, Manner::NeverConfirms) { NEVER_SENT } else { OK }
    }

    fn auth_plain(&mut self, _: &str, _: &str, password: &str) -> Response {
        // Worse than any real server: it repeats the password.
        Response::custom(INVALID_CREDENTIALS.code, format!("not {password}"))
    }
}
