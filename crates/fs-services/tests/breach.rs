//! Tests of the breach checker over a real socket.
#![cfg(feature = "breach")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use fs_core::port::{BreachChecker, BreachError};
use fs_services::breach::HttpBreachChecker;

/// Answers one request with `answer`. Returns the URL and the lines of the request.
fn list(answer: String) -> (String, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let (told, tells) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        told.send(lines.take_while(|line| !line.is_empty()).collect()).unwrap();
        // A client that has read enough may close the connection.
        let _ = stream.write_all(answer.as_bytes());
    });
    (base, tells)
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn asks_for_a_range_with_padding_and_gives_its_lines() {
    let (base, tells) = list(answer("200 OK", "003D68EB55068C33ACE09247EE4C639306B:3\r\n"));
    let checker = HttpBreachChecker::at(&base).unwrap();
    let lines = checker.range("5BAA6").await.unwrap();
    assert_eq!(lines, "003D68EB55068C33ACE09247EE4C639306B:3\r\n");

    let request = tells.recv().unwrap();
    assert_eq!(request[0], "GET /range/5BAA6 HTTP/1.1");
    let has = |header: &str| request.iter().any(|line| line.eq_ignore_ascii_case(header));
    assert!(has("Add-Padding: true"), "{request:?}");
}

#[tokio::test]
async fn anything_but_success_is_no_answer() {
    for status in ["429 Too Many Requests", "302 Found", "204 No Content"] {
        let (base, _tells) = list(answer(status, ""));
        let refused = HttpBreachChecker::at(&base).unwrap().range("5BAA6").await.unwrap_err();
        assert!(matches!(refused, BreachError::Unavailable(_)), "{refused}");
        assert!(!refused.to_string().contains("5BAA6"));
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let checker = HttpBreachChecker::at(&format!("http://{nobody}/")).unwrap();
    let refused = checker.range("5BAA6").await.unwrap_err();
    assert!(matches!(&refused, BreachError::Unavailable(_)), "{refused}");
    assert!(!refused.to_string().contains("5BAA6"), "{refused}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (base, _tells) = list(answer("200 OK", &"0".repeat(2 * 1024 * 1024)));
    let refused = HttpBreachChecker::at(&base).unwrap().range("5BAA6").await.unwrap_err();
    assert_eq!(refused, BreachError::Unreadable);
}

#[test]
fn an_address_that_is_none_is_refused_at_the_start() {
    for base in ["", "pwned", "https://api.example.org/pwned", "mailto:a@example.org"] {
        assert!(HttpBreachChecker::at(base).is_err(), "{base}");
    }
    assert!(HttpBreachChecker::new().is_ok());
}
