//! Test that the demo shuts down properly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::demo::Demo;

on_each_framework!(a_shutdown_finishes_running_answers);

fn a_shutdown_finishes_running_answers(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_on(framework, folder.path(), &["--database", "memory"]);
    let stream = TcpStream::connect(("127.0.0.1", demo.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut stream = BufReader::new(stream);

    // The interim response for the body shows that the server has begun to handle the request.
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\
                Content-Type: application/json\r\nContent-Length: 2\r\n\
                Expect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 100"), "{line}");
    stream.read_line(&mut String::new()).unwrap();

    // The demo accepts no further connections, but answers this request.
    demo.ask_to_stop();
    while TcpStream::connect(("127.0.0.1", demo.port())).is_ok() {}
    stream.get_mut().write_all(b"{}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "a form without a token: {answer}");
    assert!(demo.ends_well());
}
