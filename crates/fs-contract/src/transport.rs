//! Transport of requests to the server under test.

use serde_json::Value;

/// HTTP request, to be sent unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method, in capitals.
    pub method: String,
    /// Request target, percent-encoded, in ASCII. Some targets of the corpus are malformed on
    /// purpose, such as `//host/path`: they must arrive byte for byte.
    pub target: String,
    /// Header names and values. Each character stands for one byte, so it is at most U+00FF. The
    /// transport adds `Host`, `Content-Length` and `Connection` unless they are included.
    pub headers: Vec<(String, String)>,
    /// Body. `None` differs from an empty body.
    pub body: Option<Vec<u8>>,
}

impl HttpRequest {
    /// Checks whether a header of this name is set. Ignores the case.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name))
    }

    /// Returns the length of the body if the request must declare it: if it has a body, or if
    /// requests with its method usually have one.
    #[must_use]
    pub fn declared_length(&self) -> Option<usize> {
        match &self.body {
            Some(body) => Some(body.len()),
            None => matches!(self.method.as_str(), "POST" | "PUT" | "PATCH").then_some(0),
        }
    }
}

/// HTTP response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// Header names and values in the order of the response, with one character for each byte.
    pub headers: Vec<(String, String)>,
    /// Complete body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// Returns the first value of a header. Ignores the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(set, _)| set.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns every `Set-Cookie` value, in order.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.as_str())
    }
}

/// Error of a request that got no valid response.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The transport cannot reach the base address, or does not support it.
    #[error("{0} is not an address of the form http://host:port")]
    Address(String),
    /// The connection failed, or the server was silent for too long.
    #[error("no answer: {0}")]
    Io(#[from] std::io::Error),
    /// The response is not HTTP/1.1.
    #[error("not an HTTP/1.1 answer: {0}")]
    Malformed(String),
    /// The request cannot be expressed in HTTP/1.1.
    #[error("cannot be sent: {0}")]
    Unsendable(String),
}

/// Connection to a contract server: over a network, or directly into an application.
pub trait Transport {
    /// Returns the server's scheme and host as a client writes them, such as
    /// `http://127.0.0.1:8999`.
    fn origin(&self) -> &str;

    /// Sends one request on a connection of its own and waits for the complete response. Does not
    /// follow redirects and does not keep cookies.
    ///
    /// # Errors
    ///
    /// Returns a [`TransportError`] if no response arrives, or if it cannot be read.
    fn send(&mut self, request: &HttpRequest) -> Result<HttpAnswer, TransportError>;

    /// Calls one of the control endpoints (`reset`, `clock`, `store`, `outbox`), with an optional
    /// JSON body.
    ///
    /// # Errors
    ///
    /// Returns a [`TransportError`] in the same cases as [`Transport::send`].
    fn control(
        &mut self,
        method: &str,
        what: &str,
        body: Option<&Value>,
    ) -> Result<HttpAnswer, TransportError> {
        let mut headers = Vec::new();
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        self.send(&HttpRequest {
            method: method.to_owned(),
            target: format!("/__contract/{what}"),
            headers,
            body: body.map(|value| value.to_string().into_bytes()),
        })
    }
}
