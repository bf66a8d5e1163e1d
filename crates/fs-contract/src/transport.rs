//! How requests reach the server under test.

use serde_json::Value;

/// One HTTP request, to be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: String,
    /// The request target, percent-encoded, in ASCII. Some of the corpus are odd on purpose, such
    /// as `//host/path`: they must arrive byte for byte.
    pub target: String,
    /// Names and values. A character stands for one byte, so it is at most U+00FF. `Host`,
    /// `Content-Length` and `Connection` are the transport's affair unless they are here.
    pub headers: Vec<(String, String)>,
    /// The body; none is not the same as an empty one.
    pub body: Option<Vec<u8>>,
}

impl HttpRequest {
    /// Whether a header of this name is set, whatever its case.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name))
    }

    /// The body's length, when the request must declare one: it has a body, or its method usually
    /// has.
    #[must_use]
    pub fn declared_length(&self) -> Option<usize> {
        match &self.body {
            Some(body) => Some(body.len()),
            None => matches!(self.method.as_str(), "POST" | "PUT" | "PATCH").then_some(0),
        }
    }
}

/// One HTTP answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// Names and values in the order of the answer, a character for each byte.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(set, _)| set.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every `Set-Cookie` value, in order.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.as_str())
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The base address is not one that the transport can reach.
    #[error("{0} is not an address of the form http://host:port")]
    Address(String),
    /// The connection failed, or the server was silent for too long.
    #[error("no answer: {0}")]
    Io(#[from] std::io::Error),
    /// What came is not HTTP/1.1.
    #[error("not an HTTP/1.1 answer: {0}")]
    Malformed(String),
    /// The request cannot be written down as HTTP/1.1.
    #[error("cannot be sent: {0}")]
    Unsendable(String),
}

/// A way to a contract server: over a network, or straight into an application.
pub trait Transport {
    /// The server's scheme and host as a client writes them, such as `http://127.0.0.1:8999`.
    fn origin(&self) -> &str;

    /// Sends one request on a connection of its own and waits for the whole answer. Redirects are
    /// not followed, cookies not kept.
    ///
    /// # Errors
    ///
    /// When there is no answer, or one that cannot be read.
    fn send(&mut self, request: &HttpRequest) -> Result<HttpAnswer, TransportError>;

    /// Calls one of the control endpoints (`reset`, `clock`, `store`, `outbox`), with a JSON body
    /// where there is one.
    ///
    /// # Errors
    ///
    /// As [`Transport::send`].
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
