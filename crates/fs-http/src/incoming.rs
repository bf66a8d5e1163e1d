//! A request as the endpoints see it, whatever framework it came through.

use std::net::IpAddr;

use bytes::Bytes;
use cookie::Cookie;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::fields::Fields;

/// A request: its head, what of its body was read, and where it came from. Nearly all of it can be
/// a secret, so its `Debug` tells the method alone.
pub struct Incoming {
    /// Its method.
    pub method: Method,
    /// Its path, as sent.
    pub path: String,
    /// Its query, as sent.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// The address it came from, as far as the application trusts it.
    pub client_ip: Option<IpAddr>,
    /// What its body says.
    pub fields: Fields,
    https: bool,
    authority: Option<String>,
}

/// What an adapter read of a body. Its `Debug` does not show the body.
#[derive(Clone)]
pub enum BodyRead {
    /// Nothing: it was not asked to.
    NotRead,
    /// All of it.
    Whole(Bytes),
    /// Its first bytes, where a framework lets one look at no more. Of a form, the fields that are
    /// whole count; of anything else, nothing.
    Beginning(Bytes),
    /// It was longer than the limit, and was not read further.
    TooLong,
}

impl Incoming {
    /// A request from its parts.
    pub async fn new(
        parts: &Parts,
        body: BodyRead,
        client_ip: Option<IpAddr>,
        strict: bool,
    ) -> Self {
        // First, so that what else there is need not be kept meanwhile.
        let fields = Fields::read(parts, body, strict).await;
        let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.clone(),
            client_ip,
            fields,
            https: parts.uri.scheme_str() == Some("https"),
            authority,
        }
    }

    /// Whether it may change something.
    pub fn is_unsafe(&self) -> bool {
        is_unsafe(&self.method)
    }

    /// A header's text; nothing when it is absent or not text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The values of the query, decoded, in their order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The first value of that name in the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The cookie of that name. One that is sent twice is none: somebody else may have set one.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let headers = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = headers
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == name);
        let first = found.next()?;
        found.next().is_none().then(|| first.value().to_owned())
    }

    /// Whether the body is JSON, by its `Content-Type`.
    pub fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE).is_some_and(is_json_type)
    }

    /// Whether the answer should be JSON: the body is, or JSON is what `Accept` likes best.
    pub fn wants_json(&self) -> bool {
        self.is_json() || self.header(ACCEPT).is_some_and(likes_json_best)
    }

    /// The host that the caller named, with the port.
    pub fn host(&self) -> Option<&str> {
        self.header(HOST).or(self.authority.as_deref())
    }

    /// `https` or `http`, as the framework saw it.
    pub fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("method", &self.method).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for BodyRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRead => f.write_str("NotRead"),
            Self::Whole(body) => write!(f, "Whole({} bytes)", body.len()),
            Self::Beginning(body) => write!(f, "Beginning({} bytes)", body.len()),
            Self::TooLong => f.write_str("TooLong"),
        }
    }
}

/// Whether a request by this method may change something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// Whether a media type is `application/json` or `application/…+json`.
pub(crate) fn is_json_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Whether the best entry of an `Accept` header is JSON: the highest `q`, the first of equals.
fn likes_json_best(accept: &str) -> bool {
    let mut best: Option<(f32, bool)> = None;
    for entry in accept.split(',') {
        let (weights, kind): (Vec<&str>, Vec<&str>) =
            entry.split(';').map(str::trim).partition(|part| part.starts_with("q="));
        let is_json = matches!(&kind[..], [only] if only.eq_ignore_ascii_case("application/json"));
        let weight = weights.first().and_then(|part| part.strip_prefix("q="));
        let quality = weight.and_then(|q| q.trim().parse::<f32>().ok()).unwrap_or(1.0);
        if best.is_none_or(|(highest, _)| quality > highest) {
            best = Some((quality, is_json));
        }
    }
    best.is_some_and(|(quality, is_json)| is_json && quality > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(lines: &[&'static str]) -> Option<String> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        for line in lines {
            parts.headers.append(COOKIE, http::HeaderValue::from_static(line));
        }
        let incoming = Incoming::new(&parts, BodyRead::NotRead, None, true);
        futures::executor::block_on(incoming).cookie("sid")
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        for (line, value) in [
            ("sid=a", "a"),
            ("other; sid=a=b==; sid2=c", "a=b=="),
            (";; xsid=c ;  sid = a ;", "a"),
            ("SID=c; sid=\"a\"", "\"a\""),
            ("sid=", ""),
        ] {
            assert_eq!(cookie(&[line]).as_deref(), Some(value), "{line}");
        }
        for none in ["", "sid", "=sid", "xsid=a", "sidx=a", "SID=a", "a=sid=b", "sid=a; sid=a"] {
            assert_eq!(cookie(&[none]), None, "{none}");
        }
        assert_eq!(cookie(&["one=1", "sid=a"]).as_deref(), Some("a"));
        assert_eq!(cookie(&["sid=a", "sid=b"]), None);
    }

    #[test]
    fn accept_is_weighed() {
        for yes in [
            "application/json",
            "application/json, text/html",
            "text/html;q=0.5, application/json;q=0.9",
        ] {
            assert!(likes_json_best(yes), "{yes}");
        }
        for no in [
            "",
            "*/*",
            "text/html, application/json",
            "application/json;q=0",
            "application/json;q=0.1, text/html",
        ] {
            assert!(!likes_json_best(no), "{no}");
        }
        assert!(is_json_type("application/problem+json; charset=utf-8"));
        assert!(!is_json_type("text/json"));
    }
}
