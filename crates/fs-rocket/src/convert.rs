//! Conversions between Rocket's types and those of the `http` crate.

use std::io::Cursor;

use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};
use rocket::http::{Header, Status};
use rocket::{Request, Response};

/// Returns the head of a request, or `None` if its URI is not valid for the `http` crate.
pub(crate) fn head(request: &Request<'_>) -> Option<Parts> {
    let uri: PathAndQuery = request.uri().to_string().parse().ok()?;
    let mut head = http::Request::builder().method(request.method().as_str()).uri(uri);
    let headers = head.headers_mut()?;
    for header in request.headers().iter() {
        let name = HeaderName::from_bytes(header.name().as_str().as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(header.value().as_bytes()).ok()?);
    }
    // HTTP/2 carries the host in `:authority`.
    if !headers.contains_key(HOST)
        && let Some(host) = request.host()
    {
        headers.append(HOST, HeaderValue::from_str(&host.to_string()).ok()?);
    }
    Some(head.body(()).ok()?.into_parts().0)
}

/// Converts a response of `fs-http`.
pub(crate) fn response(answer: http::Response<Bytes>) -> Response<'static> {
    let (parts, body) = answer.into_parts();
    let mut response = Response::build();
    response.status(Status::new(parts.status.as_u16()));
    for (name, value) in &parts.headers {
        response.header_adjoin(header(name, value));
    }
    response.sized_body(body.len(), Cursor::new(body)).finalize()
}

/// Converts a header. Rocket's headers are text, as ours are; invalid UTF-8 from a hook of the
/// application is replaced.
pub(crate) fn header(name: &HeaderName, value: &HeaderValue) -> Header<'static> {
    Header::new(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
}
