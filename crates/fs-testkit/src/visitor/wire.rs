//! HTTP/1.1 over TCP, handwritten because tests send what HTTP clients would normalise.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::site::Answer;

/// Connection to the server.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Opens a connection. `patience` is the maximum silence of the server.
    pub(crate) fn open(address: SocketAddr, patience: Duration) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends bytes immediately.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads one answer. An answer to `HEAD` has no body.
    pub(crate) fn answer(&mut self, to_head: bool) -> Result<Answer> {
        let line = self.line()?;
        let code = line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
        let status = code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| malformed(format!("the status line {line:?}")))?;
        let headers = self.headers()?;
        if status.is_informational() {
            return self.answer(to_head);
        }
        let empty = to_head || status == StatusCode::NO_CONTENT;
        let body = if empty { Vec::new() } else { self.body(&headers)? };
        Ok(Answer { status, headers, body: body.into() })
    }

    fn headers(&mut self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(headers);
            }
            let wrong = || malformed(format!("the header line {line:?}"));
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let value: Vec<u8> = value.trim().chars().map(|c| c as u8).collect();
            headers.append(name, HeaderValue::from_bytes(&value).map_err(|_| wrong())?);
        }
    }

    fn body(&mut self, headers: &HeaderMap) -> Result<Vec<u8>> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let mut body = Vec::new();
        if text("transfer-encoding") == Some("chunked") {
            loop {
                let size = self.line()?;
                let size = u64::from_str_radix(size.trim(), 16);
                let size = size.map_err(|_| malformed("the size of a chunk".to_owned()))?;
                self.exactly(size, &mut body)?;
                self.line()?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match text("content-length").map(str::parse) {
            Some(Ok(length)) => self.exactly(length, &mut body)?,
            Some(Err(_)) => return Err(malformed("the length".to_owned())),
            None => drop(self.0.read_to_end(&mut body)?),
        }
        Ok(body)
    }

    fn exactly(&mut self, length: u64, into: &mut Vec<u8>) -> Result<()> {
        match self.0.by_ref().take(length).read_to_end(into)? as u64 == length {
            true => Ok(()),
            false => Err(malformed("an answer that breaks off".to_owned())),
        }
    }

    /// Reads a line without its line break, with one character for each byte.
    fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.0.read_until(b'\n', &mut bytes)?;
        match bytes.strip_suffix(b"\r\n") {
            Some(line) => Ok(line.iter().copied().map(char::from).collect()),
            None => Err(malformed("an answer that ends within a line, or none".to_owned())),
        }
    }
}

fn malformed(what: String) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
