//! HTTP/1.1 over TCP, with one connection per request.
//!
//! It is handwritten because the corpus contains targets and header values that HTTP clients reject
//! or normalise, and exactly those are under test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::transport::{HttpAnswer, HttpRequest, Transport, TransportError};

/// Maximum silence of the server.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum length of an answer, in bytes. No page of the contract is that long.
const LONGEST_ANSWER: u64 = 16 << 20;

/// Transport over plain TCP, for a server on the same machine. It does not support TLS.
#[derive(Debug, Clone)]
pub struct Http1 {
    origin: String,
    host: String,
    address: String,
}

impl Http1 {
    /// Creates a transport to `http://host[:port]`. A path in the URL is ignored.
    ///
    /// # Errors
    ///
    /// Returns [`TransportError::Address`] if the scheme is not `http` or the host is missing.
    pub fn new(base: &str) -> Result<Self, TransportError> {
        let wrong = || TransportError::Address(base.to_owned());
        let rest = base.strip_prefix("http://").ok_or_else(wrong)?;
        let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty());
        let host = host.ok_or_else(wrong)?.to_owned();
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
        let address = if has_port { host.clone() } else { format!("{host}:80") };
        Ok(Self { origin: format!("http://{host}"), host, address })
    }

    fn write(&self, request: &HttpRequest) -> Result<Vec<u8>, TransportError> {
        let target = &request.target;
        if target.is_empty() || target.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(TransportError::Unsendable(format!("the target {target:?}")));
        }
        let mut out = format!("{} {target} HTTP/1.1\r\n", request.method).into_bytes();
        if !request.has_header("host") {
            header(&mut out, "Host", &self.host)?;
        }
        if let Some(length) = request.declared_length() {
            header(&mut out, "Content-Length", &length.to_string())?;
        }
        for (name, value) in &request.headers {
            header(&mut out, name, value)?;
        }
        header(&mut out, "Connection", "close")?;
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(request.body.as_deref().unwrap_or_default());
        Ok(out)
    }
}

impl Transport for Http1 {
    fn origin(&self) -> &str {
        &self.origin
    }

    fn send(&mut self, request: &HttpRequest) -> Result<HttpAnswer, TransportError> {
        let bytes = self.write(request)?;
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&bytes)?;
        read_answer(&mut BufReader::new(stream.take(LONGEST_ANSWER)), &request.method)
    }
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), TransportError> {
    let unsendable = || TransportError::Unsendable(format!("the header {name}: {value:?}"));
    if name.is_empty() || name.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b':') {
        return Err(unsendable());
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    for character in value.chars() {
        match u8::try_from(character) {
            Ok(byte) if !matches!(byte, b'\r' | b'\n' | 0) => out.push(byte),
            _ => return Err(unsendable()),
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn read_answer(from: &mut impl BufRead, method: &str) -> Result<HttpAnswer, TransportError> {
    loop {
        let status = status(&line(from)?)?;
        let headers = headers(from)?;
        if status / 100 == 1 {
            continue; // informational; the final answer follows
        }
        let mut answer = HttpAnswer { status, headers, body: Vec::new() };
        if method != "HEAD" && status != 204 && status != 304 {
            answer.body = body(from, &answer)?;
        }
        return Ok(answer);
    }
}

fn status(line: &str) -> Result<u16, TransportError> {
    line.strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| TransportError::Malformed(format!("the status line {line:?}")))
}

fn headers(from: &mut impl BufRead) -> Result<Vec<(String, String)>, TransportError> {
    let mut out = Vec::new();
    loop {
        let line = line(from)?;
        if line.is_empty() {
            return Ok(out);
        }
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t']))
            .ok_or_else(|| TransportError::Malformed(format!("the header line {line:?}")))?;
        out.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
}

fn body(from: &mut impl BufRead, answer: &HttpAnswer) -> Result<Vec<u8>, TransportError> {
    let chunked = answer
        .header("transfer-encoding")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("chunked"));
    if chunked {
        return chunks(from);
    }
    let mut out = Vec::new();
    match answer.header("content-length") {
        Some(length) => exactly(from, number(length, 10)?, &mut out)?,
        None => {
            from.read_to_end(&mut out)?;
        }
    }
    Ok(out)
}

fn chunks(from: &mut impl BufRead) -> Result<Vec<u8>, TransportError> {
    let mut out = Vec::new();
    loop {
        let head = line(from)?;
        let size = number(head.split(';').next().unwrap_or_default(), 16)?;
        if size == 0 {
            headers(from)?; // trailers, which are ignored
            return Ok(out);
        }
        exactly(from, size, &mut out)?;
        if !line(from)?.is_empty() {
            return Err(TransportError::Malformed("a chunk longer than its size".to_owned()));
        }
    }
}

fn exactly(from: &mut impl BufRead, size: u64, out: &mut Vec<u8>) -> Result<(), TransportError> {
    let got = from.by_ref().take(size).read_to_end(out)?;
    if got as u64 == size {
        return Ok(());
    }
    Err(TransportError::Malformed(format!("{got} bytes of body where {size} were announced")))
}

fn number(text: &str, radix: u32) -> Result<u64, TransportError> {
    u64::from_str_radix(text.trim(), radix)
        .map_err(|_| TransportError::Malformed(format!("the length {text:?}")))
}

/// Reads a line without its line break, with one character for each byte.
fn line(from: &mut impl BufRead) -> Result<String, TransportError> {
    let mut bytes = Vec::new();
    from.read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        return Err(TransportError::Malformed("it ends within a line".to_owned()));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(bytes.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    /// Starts a server for one request, which ends with `last`. Returns its URL and a handle that
    /// yields the bytes of the request; the server responds with `answer`.
    fn serve(last: &'static [u8], answer: &'static [u8]) -> (String, JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            while !got.ends_with(last) {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                got.push(byte[0]);
            }
            stream.write_all(answer).unwrap();
            got
        });
        (base, thread)
    }

    fn request(method: &str, target: &str) -> HttpRequest {
        HttpRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    fn read(bytes: &[u8], method: &str) -> Result<HttpAnswer, TransportError> {
        read_answer(&mut BufReader::new(bytes), method)
    }

    #[test]
    fn sends_every_byte_as_given() {
        let (base, server) = serve(b"END", b"HTTP/1.1 204 No Content\r\n\r\n");
        let mut request = request("POST", "//evil.test/%zz|?a=[b]");
        request.headers.push(("x-Odd".to_owned(), "caf\u{e9}  two".to_owned()));
        request.body = Some(b"\0END".to_vec());
        let answer = Http1::new(&base).unwrap().send(&request).unwrap();
        assert_eq!(answer.status, 204);
        let host = base.strip_prefix("http://").unwrap();
        let mut wanted = format!(
            "POST //evil.test/%zz|?a=[b] HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n"
        )
        .into_bytes();
        wanted.extend_from_slice(b"x-Odd: caf\xe9  two\r\nConnection: close\r\n\r\n\0END");
        assert_eq!(server.join().unwrap(), wanted);
    }

    #[test]
    fn a_host_header_of_the_request_takes_the_place_of_the_own() {
        let (base, server) = serve(b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nall until the end");
        let mut request = request("GET", "/");
        request.headers.push(("Host".to_owned(), "shop.test".to_owned()));
        let answer = Http1::new(&base).unwrap().send(&request).unwrap();
        assert_eq!(answer.body, b"all until the end");
        let wanted = b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
        assert_eq!(server.join().unwrap(), wanted);
    }

    #[test]
    fn reads_lengths_chunks_and_words_in_between() {
        let plain = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "GET").unwrap();
        assert_eq!(plain.body, b"ab");
        let chunked = read(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
              2;x=y\r\nab\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
            "GET",
        )
        .unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (200, b"ab0123456789".as_slice()));
        let head = read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD").unwrap();
        assert!(head.body.is_empty());
    }

    #[test]
    fn keeps_header_bytes_and_their_order() {
        let answer =
            read(b"HTTP/1.1 302 Found\r\nA: \xe9 \r\na:2\r\nLocation:\t/x\r\n\r\n", "GET").unwrap();
        let pairs = [("A", "\u{e9}"), ("a", "2"), ("Location", "/x")];
        let wanted: Vec<_> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(answer.headers, wanted);
        assert_eq!(answer.header("A"), Some("\u{e9}"));
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for bytes in [
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort".as_slice(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"",
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        ] {
            let error = read(bytes, "GET").unwrap_err();
            assert!(matches!(error, TransportError::Malformed(_)), "{error}");
        }
    }

    #[test]
    fn refuses_what_would_split_the_request() {
        let client = Http1::new("http://127.0.0.1:9").unwrap();
        let mut split = request("GET", "/");
        split.headers.push(("X".to_owned(), "a\r\nY: b".to_owned()));
        assert!(matches!(client.write(&split), Err(TransportError::Unsendable(_))));
        assert!(client.write(&request("GET", "/a b")).is_err());
    }

    #[test]
    fn base_addresses() {
        assert_eq!(Http1::new("http://h:81/x").unwrap().origin(), "http://h:81");
        assert_eq!(Http1::new("http://h").unwrap().address, "h:80");
        assert_eq!(Http1::new("http://[::1]:81").unwrap().address, "[::1]:81");
        assert!(Http1::new("https://h").is_err());
        assert!(Http1::new("http://").is_err());
    }
}
