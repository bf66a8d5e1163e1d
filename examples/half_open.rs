//! Half-open requests, for tests of clients that begin a request and stall.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No data at all.
pub(crate) const SILENT: &str = "";
/// Half of a head.
pub(crate) const HALF_A_HEAD: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nAcc";
/// Complete head, and half of a body that the account endpoints read. Rocket itself waits for the
/// first 14 bytes, without a deadline.
pub(crate) const HALF_A_BODY: &str = "POST /login HTTP/1.1\r\nHost: localhost\r\n\
     Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"email\": \"ann@site.test";

/// Asserts that the server closes a connection on which only `begun` is sent. Waits as long as it
/// takes.
#[allow(clippy::panic, reason = "a test that says more than its assertion")]
pub(crate) fn is_closed(address: SocketAddr, begun: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    stream.write_all(begun.as_bytes()).unwrap();
    // The server may answer before it closes the connection.
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{begun:?} is still open: {error}"),
    }
}

/// Asserts that the server closes the connection of a client that requests `path` again and again,
/// and never reads a response.
#[allow(dead_code, reason = "not every server has a deadline for this")]
#[allow(clippy::panic, reason = "a test that says more than its assertion")]
pub(crate) fn is_closed_if_nothing_is_read(address: SocketAddr, path: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(120))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let error = loop {
        if let Err(error) = stream.write_all(request.as_bytes()) {
            break error;
        }
    };
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {}
        _ => panic!("the connection is still open: {error}"),
    }
}
