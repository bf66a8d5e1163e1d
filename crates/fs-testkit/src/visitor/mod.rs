//! HTTP client with cookies that talks to a server over TCP.

mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

pub(crate) use wire::Connection;

use crate::site::Answer;

/// HTTP client for tests of whole servers, as a browser or as a program that speaks JSON. Keeps
/// cookies and does not follow redirects. A clone has a copy of its cookies.
///
/// A site in memory has [browsers of its own](crate::site::Browser).
#[derive(Clone, Debug)]
pub struct Visitor {
    address: SocketAddr,
    patience: Duration,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    /// Creates a client without cookies. `patience` is the maximum time to wait for an answer.
    pub fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, cookies: BTreeMap::new() }
    }

    /// Opens a connection of its own, to send malformed or incomplete requests.
    pub(crate) fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.address, self.patience)
    }

    /// Returns the bytes of a request up to its body. `lines` are complete header lines.
    pub(crate) fn head(&self, method: &str, target: &str, lines: &[&[u8]]) -> Vec<u8> {
        let start = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        let mut head = start.into_bytes();
        for (name, value) in &self.cookies {
            head.extend(format!("Cookie: {name}={value}\r\n").bytes());
        }
        for line in lines {
            head.extend_from_slice(line);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// Sends a request on a connection of its own, and stores the cookies of the answer. `lines`
    /// are complete header lines.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] if the server cannot be reached, or does not speak HTTP/1.1.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        lines: &[&[u8]],
        body: &[u8],
    ) -> io::Result<Answer> {
        let length = format!("Content-Length: {}", body.len());
        let mut all: Vec<&[u8]> = lines.to_vec();
        all.push(b"Connection: close");
        if !body.is_empty() {
            all.push(length.as_bytes());
        }
        let mut bytes = self.head(method, target, &all);
        bytes.extend_from_slice(body);
        let mut connection = self.connect()?;
        connection.send(&bytes)?;
        let answer = connection.answer(method == "HEAD")?;
        for (name, value) in answer.cookies() {
            match value.is_empty() {
                true => self.cookies.remove(&name),
                false => self.cookies.insert(name, value),
            };
        }
        Ok(answer)
    }

    /// Opens a page.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] in the same cases as [`ask`](Self::ask).
    pub fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.ask("GET", target, &[], b"")
    }

    /// Sends a GET request that accepts JSON.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] in the same cases as [`ask`](Self::ask).
    pub fn get_json(&mut self, target: &str) -> io::Result<Answer> {
        self.ask("GET", target, &[b"Accept: application/json"], b"")
    }

    /// Sends JSON with the CSRF token of this client's session.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] in the same cases as [`ask`](Self::ask).
    pub fn post_json(&mut self, target: &str, body: &Value) -> io::Result<Answer> {
        let token = format!("X-CSRFToken: {}", self.csrf_token()?);
        let lines: [&[u8]; 3] =
            [b"Content-Type: application/json", b"Accept: application/json", token.as_bytes()];
        self.ask("POST", target, &lines, body.to_string().as_bytes())
    }

    /// Sends the sign-in form. Returns the answer, also if the sign-in is refused.
    ///
    /// # Errors
    ///
    /// Returns an [`io::Error`] in the same cases as [`ask`](Self::ask).
    pub fn sign_in(&mut self, email: &str, password: &str) -> io::Result<Answer> {
        self.post_json("/login", &json!({ "email": email, "password": password }))
    }

    /// Returns the cookies as one header value.
    #[cfg(feature = "adapter")]
    pub(crate) fn cookie_line(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Returns a CSRF token of this client's session.
    pub(crate) fn csrf_token(&mut self) -> io::Result<String> {
        let answer = self.get_json("/login")?.json();
        let token = answer.pointer("/response/csrf_token").and_then(Value::as_str);
        Ok(token.unwrap_or_default().to_owned())
    }
}
