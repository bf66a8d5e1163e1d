//! Tests of the server over real connections, with a clock that the test moves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fs_core::Security;
use fs_core::flow::NewAccount;
use fs_core::model::User;
use fs_core::password::NewHash;
use fs_core::secret::Secret;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_services::outbox_worker::OutboxBell;
use fs_store_memory::MemoryStore;
use fs_testkit::clock::VirtualClock;
use fs_testkit::log::Log;
use fs_testkit::outbox::MemoryMailer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::filter::LevelFilter;
use worker::{Limits, PlainMails, config, serve};

const ANN: &str = "ann@example.com";
const PASSWORD: &str = "seven otters hold hands";

/// Server under test, with its store, clock and mails.
struct Server {
    security: Security,
    clock: VirtualClock,
    mailer: MemoryMailer,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let (clock, mailer) = (VirtualClock::default(), MemoryMailer::new());
        let mut config = config(Secret::from("0123456789abcdef0123456789abcdef"));
        config.hashing.create = NewHash::CheapestForTests;
        let bell = OutboxBell::default();
        let (store, mails) = (Arc::new(MemoryStore::new()), Arc::new(mailer.clone()));
        let ports = fs_services::ports(store, mails, &bell).unwrap();
        let mut ports = ports;
        ports.clock = Arc::new(clock.clone());
        let composer = PlainMails { from: "no-reply@localhost".to_owned() };
        let security = Security::new(config, ports, Arc::new(composer)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let task = tokio::spawn(serve(listener, security.clone(), limits, stopped));
        Self { security, clock, mailer, address, stop, task }
    }

    async fn add_ann(&self) -> User {
        let (email, password) = (ANN.to_owned(), Some(Secret::from(PASSWORD)));
        let mut account = NewAccount::new(email);
        account.password = password;
        self.security.admin().create_user(&self.security.context(), account).await.unwrap()
    }

    async fn connect(&self) -> Client {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn ask(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.read().await
    }

    /// Reads the next line, or an empty text if the server has closed the connection.
    async fn read(&mut self) -> String {
        let mut answer = String::new();
        self.0.read_line(&mut answer).await.unwrap();
        answer.trim_end_matches('\n').to_owned()
    }
}

fn login(password: &str) -> String {
    format!("login {ANN} {password}")
}

#[tokio::test]
async fn a_password_signs_in_for_as_long_as_the_connection_lasts() {
    let server = Server::start(Limits::default()).await;
    let ann = server.add_ann().await;
    let mut client = server.connect().await;
    assert_eq!(client.ask("whoami").await, "nobody");
    assert_eq!(client.ask(&login("wrong")).await, "no");
    assert_eq!(client.ask("login nobody@example.com wrong").await, "no");
    assert_eq!(client.ask("code 123456").await, "no code is wanted");
    assert_eq!(client.ask("sing").await, "no such command");
    assert_eq!(client.ask(&login(PASSWORD)).await, "ok ann@example.com");
    assert_eq!(client.ask("whoami\r").await, "ok ann@example.com");
    assert_eq!(server.connect().await.ask("whoami").await, "nobody");

    let now = server.security.now();
    let sessions = || server.security.store().sessions_of(&ann.uniquifier, now);
    assert_eq!(sessions().await.unwrap().len(), 1);
    assert_eq!(client.ask("quit").await, "bye");
    assert_eq!(client.read().await, "");
    assert_eq!(sessions().await.unwrap(), []);
    server.stop().await;
}

#[tokio::test]
async fn an_account_that_is_shut_out_is_nobody_at_once() {
    let server = Server::start(Limits::default()).await;
    let ann = server.add_ann().await;
    let mut client = server.connect().await;
    assert_eq!(client.ask(&login(PASSWORD)).await, "ok ann@example.com");
    assert!(server.security.admin().deactivate_user(&ann.id).await.unwrap());
    assert_eq!(client.ask("whoami").await, "nobody");
    assert_eq!(client.ask(&login(PASSWORD)).await, "no");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_its_code_works_once() {
    let server = Server::start(Limits::default()).await;
    let ann = server.add_ann().await;
    let key = TotpSecret::from_random([7; 20]);
    let sealed = server.security.second_factors().seal_totp(&key).await.unwrap();
    server
        .security
        .admin()
        .set_second_factor(&ann, fs_core::config::CodeMethod::Authenticator, Some(sealed), None)
        .await
        .unwrap();
    let code = || {
        let code = TotpRules::default().code_at(&key, server.security.now());
        format!("code {}", code.expose())
    };

    let mut client = server.connect().await;
    assert_eq!(client.ask(&login(PASSWORD)).await, "code authenticator");
    assert_eq!(client.ask("whoami").await, "nobody");
    assert_eq!(client.ask("code 000000").await, "no");
    assert_eq!(client.ask(&code()).await, "ok ann@example.com");
    assert_eq!(client.ask("whoami").await, "ok ann@example.com");

    let mut other = server.connect().await;
    assert_eq!(other.ask(&code()).await, "no code is wanted");
    assert_eq!(other.ask(&login(PASSWORD)).await, "code authenticator");
    assert_eq!(other.ask(&code()).await, "no", "it was used");
    server.clock.advance(Duration::from_secs(30));
    assert_eq!(other.ask(&code()).await, "ok ann@example.com");
}

#[tokio::test]
async fn a_code_by_mail_goes_through_the_outbox() {
    let server = Server::start(Limits::default()).await;
    let ann = server.add_ann().await;
    let sealed = server
        .security
        .second_factors()
        .seal_totp(&TotpSecret::from_random([7; 20]))
        .await
        .unwrap();
    server
        .security
        .admin()
        .set_second_factor(&ann, fs_core::config::CodeMethod::Email, Some(sealed), None)
        .await
        .unwrap();
    let mut client = server.connect().await;
    assert_eq!(client.ask(&login(PASSWORD)).await, "code email");
    server.security.deliver_mails().await.unwrap();
    let mail = server.mailer.last_to(ANN).unwrap().text.unwrap();
    let code: String = mail.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(client.ask(&format!("code {code}")).await, "ok ann@example.com");
}

#[tokio::test]
async fn guessing_ends_with_a_wait_that_passes() {
    let server = Server::start(Limits::default()).await;
    server.add_ann().await;
    let mut client = server.connect().await;
    let mut guesses = 0;
    let wait = loop {
        let answer = client.ask(&login("wrong")).await;
        match answer.strip_prefix("wait ") {
            Some(seconds) => break seconds.parse().unwrap(),
            None => assert_eq!(answer, "no"),
        }
        guesses += 1;
        assert!(guesses < 100);
    };
    assert!(client.ask(&login(PASSWORD)).await.starts_with("wait "), "the right one waits too");
    server.clock.advance(Duration::from_secs(wait));
    assert_eq!(client.ask(&login(PASSWORD)).await, "ok ann@example.com");
}

#[tokio::test]
async fn lines_and_connections_are_bounded() {
    let server = Server::start(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    assert_eq!(first.ask("whoami").await, "nobody");
    // The second connection is served only after the first has ended.
    let mut second = server.connect().await;
    second.0.write_all(b"whoami\n").await.unwrap();
    assert_eq!(first.ask("whoami").await, "nobody");
    first.0.write_all(&[b'x'; 1_024]).await.unwrap();
    assert_eq!(first.read().await, "no such line");
    assert_eq!(first.read().await, "");
    assert_eq!(second.read().await, "nobody");
    second.0.write_all(b"caf\xe9\n").await.unwrap();
    assert_eq!(second.read().await, "no such line");
    assert_eq!(second.read().await, "");
    server.stop().await;
}

#[tokio::test]
async fn a_silent_client_is_sent_away() {
    let server = Server::start(Limits { silence: Duration::ZERO, ..Limits::default() }).await;
    assert_eq!(server.connect().await.read().await, "");
    server.stop().await;
}

#[tokio::test]
async fn stopping_closes_connections_and_ends_their_sessions() {
    let server = Server::start(Limits::default()).await;
    let ann = server.add_ann().await;
    let mut client = server.connect().await;
    assert_eq!(client.ask(&login(PASSWORD)).await, "ok ann@example.com");
    let security = server.security.clone();
    server.stop().await;
    let mut rest = Vec::new();
    client.0.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
    let sessions = security.store().sessions_of(&ann.uniquifier, security.now()).await.unwrap();
    assert_eq!(sessions, []);
}

#[tokio::test]
async fn what_is_typed_is_not_in_the_log() {
    let log = Log::default();
    let _guard = log.begin(LevelFilter::TRACE);
    let server = Server::start(Limits::default()).await;
    server.add_ann().await;
    let mut client = server.connect().await;
    client.ask(&login("wrong-password-4711")).await;
    client.ask("code 471100").await;
    client.ask("login-4711").await;
    client.ask(&login(PASSWORD)).await;
    let text = log.text();
    assert!(text.contains("command=\"login\" outcome=\"ok\""), "{text}");
    for secret in ["4711", "otters", ANN] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
