//! Tests of the SMS senders against a local server, over a real socket.

mod repetition;
mod twilio;
mod webhook;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_core::port::OutgoingSms;

use super::delivery::Delivery;

/// Request as the server received it.
struct Request {
    /// Request line: method, path and version.
    line: String,
    /// Headers, with names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Starts a server that gives the answers one after the other, then closes every connection.
/// Returns its URL and the requests that it receives.
fn server(answers: Vec<String>) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = Vec::new();
            for line in reader.by_ref().lines().map_while(Result::ok) {
                if line.is_empty() {
                    break;
                }
                lines.push(line);
            }
            let headers: Vec<_> = lines[1..]
                .iter()
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            tell.send(Request { line: lines[0].clone(), headers, body }).unwrap();
            // A client that has read enough may close the connection.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (base, told)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn message() -> OutgoingSms {
    OutgoingSms { to: "+14155550123".to_owned(), text: "Ääh, your code & key: 424242".into() }
}

/// Replaces the pauses between attempts by no-ops, and returns the list in which they are recorded.
fn impatient(delivery: &mut Delivery) -> Arc<Mutex<Vec<Duration>>> {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    delivery.pause = Arc::new(move |time| {
        seen.lock().unwrap().push(time);
        Box::pin(async {})
    });
    waits
}
