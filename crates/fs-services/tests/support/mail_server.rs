//! A mail server for tests: `mailin`'s state machine on real sockets, in threads of its own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use mailin::response::{INVALID_CREDENTIALS, OK};
use mailin::{Action, AuthMechanism, Handler, Response, SessionBuilder};

/// How the server treats its callers.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every test needs every manner")]
pub(crate) enum Manner {
    /// It takes every mail.
    Accepts,
    /// It takes the connection and never says a word.
    IsSilent,
    /// It takes the whole mail and never says so.
    NeverConfirms,
    /// It answers every recipient with this.
    Refuses(u16, &'static str),
    /// It asks for a password, and accepts none.
    RefusesPasswords,
}

/// A mail as it came over the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: Vec<u8>,
}

pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
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

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl MailServer {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inbox = Arc::<Inbox>::default();
        let server = Self { address, inbox: Arc::clone(&inbox) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inbox = Arc::clone(&inbox);
                inbox.change(|state| state.connections += 1);
                // A client that goes away is no failure of the test.
                std::thread::spawn(move || drop(serve(&stream, manner, &inbox)));
            }
        });
        server
    }

    /// Waits until so many mails came.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn wait_for_mails(&self, count: usize) -> Vec<Received> {
        self.inbox.wait(|state| state.mails.len() >= count, |state| state.mails.clone())
    }

    /// How many connections there were.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn connections(&self) -> usize {
        self.inbox.wait(|_| true, |state| state.connections)
    }
}

impl Inbox {
    fn change(&self, with: impl FnOnce(&mut State)) {
        with(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait<T>(&self, until: impl Fn(&State) -> bool, answer: impl Fn(&State) -> T) -> T {
        let state = self.state.lock().unwrap();
        let (state, waited) =
            self.changed.wait_timeout_while(state, PATIENCE, |state| !until(state)).unwrap();
        assert!(!waited.timed_out(), "the mail server waited in vain");
        answer(&state)
    }
}

fn serve(stream: &TcpStream, manner: Manner, inbox: &Arc<Inbox>) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    if matches!(manner, Manner::IsSilent) {
        return lines.read_until(b'\n', &mut line).map(drop);
    }
    let mut builder = SessionBuilder::new("mail.test");
    if matches!(manner, Manner::RefusesPasswords) {
        builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    }
    let clerk = Clerk { manner, inbox: Arc::clone(inbox), mail: Received::default() };
    let mut session = builder.build(stream.peer_addr()?.ip(), clerk);
    write(stream, &session.greeting())?;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let response = session.process(&line);
        if response.code == NEVER_SENT.code {
            // Until the client goes away.
            return lines.read_until(b'\n', &mut line).map(drop);
        }
        if response.action != Action::NoReply {
            write(stream, &response)?;
        }
        if response.action == Action::Close {
            return Ok(());
        }
    }
}

fn write(mut stream: &TcpStream, response: &Response) -> io::Result<()> {
    stream.write_all(&response.buffer()?)
}

/// Stands for the answer that does not come.
const NEVER_SENT: Response = Response::custom(299, String::new());

/// Takes the mails of one connection.
struct Clerk {
    manner: Manner,
    inbox: Arc<Inbox>,
    mail: Received,
}

impl Handler for Clerk {
    fn mail(&mut self, _: IpAddr, _: &str, from: &str) -> Response {
        self.mail = Received { from: from.to_owned(), ..Received::default() };
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
        // Worse than any real one: it says what it was told.
        Response::custom(INVALID_CREDENTIALS.code, format!("not {password}"))
    }
}
