//! Somebody with cookies who talks to the server.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::Connection;
use crate::conformance::Violation;
use crate::site::{Answer, PASSWORD};

/// A client with its cookies. A clone has a copy of them.
#[derive(Clone)]
pub(super) struct Visitor {
    address: SocketAddr,
    patience: Duration,
    cookies: BTreeMap<String, String>,
}

impl From<io::Error> for Violation {
    #[track_caller]
    fn from(error: io::Error) -> Self {
        Self::new(format!("no answer: {error}"))
    }
}

impl Visitor {
    pub(super) fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, cookies: BTreeMap::new() }
    }

    /// A connection of one's own, for what goes wrong on purpose.
    pub(super) fn connect(&self) -> Result<Connection, Violation> {
        Ok(Connection::open(self.address, self.patience)?)
    }

    /// The bytes of a request, up to its body. `lines` are whole header lines.
    pub(super) fn head(&self, method: &str, target: &str, lines: &[&[u8]]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: site.test\r\n").into_bytes();
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

    /// Sends a request on a connection of its own; keeps the cookies that come back.
    pub(super) fn ask(
        &mut self,
        method: &str,
        target: &str,
        lines: &[&[u8]],
        body: &[u8],
    ) -> Result<Answer, Violation> {
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
    pub(super) fn get(&mut self, target: &str) -> Result<Answer, Violation> {
        self.ask("GET", target, &[], b"")
    }

    /// Asks for JSON.
    pub(super) fn get_json(&mut self, target: &str) -> Result<Answer, Violation> {
        self.ask("GET", target, &[b"Accept: application/json"], b"")
    }

    /// A CSRF token of this visitor's session.
    pub(super) fn csrf_token(&mut self) -> Result<String, Violation> {
        let answer = self.get_json("/login")?.json();
        let token = answer.pointer("/response/csrf_token").and_then(Value::as_str);
        Ok(token.unwrap_or_default().to_owned())
    }

    /// Sends JSON, and is not refused.
    pub(super) fn post_json(&mut self, target: &str, body: &Value) -> Result<Answer, Violation> {
        let token = format!("X-CSRFToken: {}", self.csrf_token()?);
        let lines: [&[u8]; 3] =
            [b"Content-Type: application/json", b"Accept: application/json", token.as_bytes()];
        let answer = self.ask("POST", target, &lines, body.to_string().as_bytes())?;
        match answer.status.is_success() {
            true => Ok(answer),
            false => Err(Violation::new(format!("{target} is answered {}", answer.status))),
        }
    }

    /// Signs in.
    pub(super) fn sign_in(&mut self, email: &str) -> Result<Answer, Violation> {
        self.post_json("/login", &json!({ "email": email, "password": PASSWORD }))
    }
}
