//! Rules for clients that share a server.

use std::thread;

use http::StatusCode;

use super::{ANN, Subject};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};

/// Number of concurrent callers.
const MANY: usize = 20;

pub(super) fn a_connection_is_used_again(subject: &Subject) -> Result<(), Violation> {
    let visitor = subject.visitor();
    let mut connection = visitor.connect()?;
    for (method, path, status) in [
        ("GET", "/login", StatusCode::OK),
        ("HEAD", "/login", StatusCode::OK),
        ("OPTIONS", "/login", StatusCode::OK),
        ("GET", "/user", StatusCode::FOUND),
        ("GET", "/hello", StatusCode::OK),
    ] {
        connection.send(&visitor.head(method, path, &[]))?;
        let answer = connection.answer(method == "HEAD")?;
        equal(answer.status, status, &format!("{method} {path} on a used connection"))?;
    }
    Ok(())
}

pub(super) fn a_client_that_goes_away_harms_nobody(subject: &Subject) -> Result<(), Violation> {
    let visitor = subject.visitor();
    for path in ["/login", "/body"] {
        let kind: &[u8] = b"Content-Type: application/x-www-form-urlencoded";
        let head = visitor.head("POST", path, &[kind, b"Content-Length: 1000"]);
        let mut connection = visitor.connect()?;
        connection.send(&head)?;
        connection.send(b"email=ann")?;
        drop(connection);
        // Disconnects in the middle of the head.
        let mut connection = visitor.connect()?;
        connection.send(head.get(..20).unwrap_or_default())?;
        drop(connection);
        equal(subject.visitor().get("/hello")?.text(), "hello".to_owned(), "another client")?;
    }
    Ok(())
}

pub(super) fn a_slow_client_holds_nobody_up(subject: &Subject) -> Result<(), Violation> {
    let visitor = subject.visitor();
    let kind: &[u8] = b"Content-Type: application/json";
    let body = br#"{"email": "ann@site.test", "password": "wrong"}"#;
    let length = format!("Content-Length: {}", body.len());
    let mut bytes = visitor.head("POST", "/login", &[kind, length.as_bytes()]);
    bytes.extend_from_slice(body);
    let mut slow: Vec<_> = Vec::new();
    for _ in 0..MANY {
        slow.push(visitor.connect()?);
    }
    // After every piece of the slow requests, another client sends a complete one.
    for piece in bytes.chunks(bytes.len().div_ceil(8)) {
        for connection in &mut slow {
            connection.send(piece)?;
        }
        equal(subject.visitor().get("/hello")?.text(), "hello".to_owned(), "a quick client")?;
    }
    for mut connection in slow {
        holds(connection.answer(false)?.status.is_client_error(), "a slow client is answered")?;
    }
    Ok(())
}

pub(super) fn one_session_may_ask_many_times_at_once(subject: &Subject) -> Result<(), Violation> {
    let ann = subject.signed_in(ANN)?;
    let callers: Vec<_> = (0..MANY)
        .map(|_| {
            let mut copy = ann.clone();
            thread::spawn(move || copy.get("/user").map(|answer| answer.text()))
        })
        .collect();
    for caller in callers {
        let answer = caller.join().map_err(|_| Violation::new("a caller panicked"))?;
        equal(answer?, ANN.to_owned(), "one of many requests of a session")?;
    }
    Ok(())
}
