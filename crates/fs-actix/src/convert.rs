//! Conversions between actix-web's types and those of the `http` crate.

use actix_web::HttpResponse;
use actix_web::dev::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use http::request::Parts;

/// Returns the head of a request, or `None` if the `http` crate rejects its URI or a header.
pub(crate) fn head(request: &RequestHead) -> Option<Parts> {
    let mut head = http::Request::builder();
    head = head.method(request.method.as_str()).uri(request.uri.to_string());
    let headers = head.headers_mut()?;
    for (name, value) in request.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        headers.append(name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some(head.body(()).ok()?.into_parts().0)
}

/// Converts a response of `fs-http`.
pub(crate) fn response(answer: http::Response<Bytes>) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16());
    let mut response = HttpResponse::with_body(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        actix_web::body::BoxBody::new(body),
    );
    append(response.headers_mut(), &parts.headers);
    response
}

/// Appends headers to those of a response.
pub(crate) fn append(headers: &mut HeaderMap, more: &http::HeaderMap) {
    for (name, value) in more {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
}
