//! Probe that asks a server whether it accepts our connection, with the first message of
//! PostgreSQL's protocol (version 3.0, "Start-up" in its manual). So no client library has to be
//! built.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::{DATABASE, USER};

/// Timeout for a server, which counts as absent after that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Result of the probe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server accepts the connection.
    Welcome {
        /// Version of the server.
        version: String,
    },
    /// The server requires a password or does not know the user.
    Refused,
    /// No server listens on the port, or it is not PostgreSQL.
    Nobody,
}

/// Probes a local port.
pub(super) fn knock(port: u16) -> Answer {
    talk(port).unwrap_or(Answer::Nobody)
}

fn talk(port: u16) -> std::io::Result<Answer> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&hello())?;
    let mut welcome = false;
    loop {
        let (kind, body) = message(&mut stream)?;
        match kind {
            b'R' if body == 0_u32.to_be_bytes() => welcome = true,
            b'S' if welcome => {
                if let Some(version) = server_version(&body) {
                    return Ok(Answer::Welcome { version });
                }
            }
            b'N' => {}
            b'R' | b'E' => return Ok(Answer::Refused),
            b'Z' if welcome => return Ok(Answer::Welcome { version: "?".into() }),
            _ => return Ok(Answer::Nobody),
        }
    }
}

/// Returns the start-up message: length, protocol, and names and values, each terminated by a zero
/// byte.
fn hello() -> Vec<u8> {
    let mut body = 0x0003_0000_u32.to_be_bytes().to_vec();
    for text in ["user", USER, "database", DATABASE, ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().to_vec(), body].concat()
}

/// Reads a message: its kind, its length including the length itself, and its body. Returns kind
/// and body.
fn message(stream: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).saturating_sub(4).min(64 * 1024);
    let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
    stream.read_exact(&mut body)?;
    let [kind] = kind;
    Ok((kind, body))
}

/// Returns the server version if the reported parameter is that. A parameter is a name and a value,
/// each terminated by a zero byte.
fn server_version(body: &[u8]) -> Option<String> {
    let mut texts = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let (name, value) = (texts.next()?, texts.next()?);
    let number = value.split_whitespace().next()?.to_owned();
    (name == "server_version").then_some(number)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Probes a server that sends `answer` to every client.
    fn knock_at(answer: &'static [u8]) -> Answer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut greeting = vec![0; hello().len()];
            stream.read_exact(&mut greeting).unwrap();
            stream.write_all(answer).unwrap();
            greeting
        });
        let heard = knock(port);
        assert_eq!(server.join().unwrap(), hello());
        heard
    }

    #[test]
    fn an_open_door_tells_its_version() {
        let answer = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x19server_version\0 15.2\0";
        assert_eq!(knock_at(answer), Answer::Welcome { version: "15.2".into() });
    }

    #[test]
    fn a_password_is_no_welcome() {
        assert_eq!(knock_at(b"R\0\0\0\x0c\0\0\0\x05salt"), Answer::Refused);
    }

    #[test]
    fn other_servers_are_nobody() {
        assert_eq!(knock_at(b"HTTP/1.1 400 Bad Request\r\n"), Answer::Nobody);
    }

    #[test]
    fn a_closed_port_is_nobody() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(knock(port), Answer::Nobody);
    }
}
