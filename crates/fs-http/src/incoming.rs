//! A request, independent of the web framework.

use std::net::IpAddr;

use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, UPGRADE};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, Uri};

use crate::body::BodyRead;
use crate::fields::{Fields, Reading, is_json_type};

/// Maximum number of cookies of one name that are read, more than any browser sends. Each may cost a
/// decryption.
const SAME_COOKIES: usize = 64;

/// A request: its head, its body as far as it was read, and the client's address. Nearly all of it
/// can be secret, so `Debug` shows the method only.
pub struct Incoming {
    /// HTTP method.
    pub method: Method,
    /// Headers.
    pub headers: HeaderMap,
    /// IP address of the client, as far as the application trusts it.
    pub client_ip: Option<IpAddr>,
    /// Fields of the body.
    pub fields: Fields,
    /// Number of bytes of the body that were read, if it is longer than that.
    pub(crate) looked_at: Option<usize>,
    uri: Uri,
}

impl Incoming {
    /// Returns a request from its parts.
    pub(crate) async fn new(
        parts: &Parts,
        body: BodyRead,
        client_ip: Option<IpAddr>,
        reading: Reading,
    ) -> Self {
        let looked_at = match &body {
            BodyRead::Beginning(start) => Some(start.len()),
            _ => None,
        };
        // First, so that what else there is need not be kept meanwhile.
        let fields = Fields::read(parts, body, reading).await;
        Self {
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            client_ip,
            fields,
            looked_at,
            uri: parts.uri.clone(),
        }
    }

    /// Returns the path, as sent.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the query, as sent.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// Returns the path and the query, as sent.
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or(self.uri.path(), |both| both.as_str())
    }

    /// Checks whether the request may change something.
    pub fn is_unsafe(&self) -> bool {
        is_unsafe(&self.method)
    }

    /// Returns the text of a header, or `None` if it is missing or not text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the decoded names and values of the query, in order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        let query = self.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// Returns the first value with that name in the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let query = self.query()?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the cookie with that name. Returns `None` if it was sent with several values, since
    /// someone else may have set one of them.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let mut values = self.cookie_values(name);
        let first = values.next()?;
        values.all(|value| value == first).then(|| first.to_owned())
    }

    /// Returns the cookie of that name. Of several values, the one that is `good` counts. If
    /// several are, none counts.
    pub(crate) fn cookie_that_is(&self, name: &str, good: impl Fn(&str) -> bool) -> Option<String> {
        self.cookie(name).or_else(|| {
            let mut values = self.cookie_values(name).filter(|value| good(value));
            let first = values.next()?;
            values.all(|value| value == first).then(|| first.to_owned())
        })
    }

    /// Returns the values of the cookies of that name, in their order, at most [`SAME_COOKIES`].
    /// Cookies that are not valid UTF-8 are left out.
    pub(crate) fn cookie_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.headers.get_all(COOKIE).iter();
        let values = lines
            .flat_map(move |line| Pairs(line.as_bytes()).filter_map(move |pair| value(pair, name)));
        values.take(SAME_COOKIES)
    }

    /// Checks whether a cookie of that name was sent.
    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        self.cookie_values(name).next().is_some()
    }

    /// Checks whether a cookie was sent with several values.
    pub(crate) fn has_several(&self, name: &str) -> bool {
        let mut values = self.cookie_values(name);
        values.next().is_some_and(|first| values.any(|value| value != first))
    }

    /// Checks whether the connection is to be upgraded to another protocol, as for every WebSocket
    /// (RFC 6455, RFC 8441). Such a client neither follows redirects nor shows pages.
    pub fn is_upgrade(&self) -> bool {
        let to = self.header(UPGRADE).unwrap_or_default();
        self.method == Method::CONNECT || to.trim().eq_ignore_ascii_case("websocket")
    }

    /// Checks whether the body is JSON, by its `Content-Type`.
    pub fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE).is_some_and(is_json_type)
    }

    /// Checks whether the answer should be JSON: the body is JSON, or `Accept` prefers it.
    pub fn wants_json(&self) -> bool {
        self.is_json() || self.header(ACCEPT).is_some_and(likes_json_best)
    }

    /// Returns the host of the request, with the port. The request target takes precedence over the
    /// `Host` header (RFC 9112, 3.2.2). Several `Host` headers are ignored.
    pub fn host(&self) -> Option<&str> {
        let mut named = self.headers.get_all(HOST).iter();
        let header = match (named.next(), named.next()) {
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        };
        self.uri.authority().map(host_of).or(header)
    }

    /// Returns the scheme of the request: `https` if the request URI says so, and `http` otherwise.
    /// An HTTP/1.1 request usually has no scheme in its URI, even over TLS.
    pub fn scheme(&self) -> &'static str {
        if self.uri.scheme_str() == Some("https") { "https" } else { "http" }
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Returns the host and port of an authority, without the user.
fn host_of(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

/// The pairs of a `Cookie` header: what stands between semicolons (RFC 6265, section 5.4).
struct Pairs<'a>(&'a [u8]);

impl<'a> Iterator for Pairs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr::memchr(b';', self.0).unwrap_or(self.0.len());
        let (pair, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Some(pair)
    }
}

/// Returns the value of a pair, if it has that name.
fn value<'a>(pair: &'a [u8], name: &str) -> Option<&'a str> {
    let pair = pair.trim_ascii_start();
    let value = pair.strip_prefix(name.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?;
    std::str::from_utf8(value).ok().map(|value| unquoted(value.trim()))
}

/// Some clients put values into quotes; no value of ours has any.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Checks whether a request by this method may change something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// Checks whether the best entry of an `Accept` header is JSON: the highest `q`, the first of
/// equals.
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

    fn with_cookies(lines: &[&[u8]]) -> Incoming {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        for line in lines {
            parts.headers.append(COOKIE, http::HeaderValue::from_bytes(line).unwrap());
        }
        let incoming = Incoming::new(&parts, BodyRead::NotRead, None, Reading::Strict);
        futures::executor::block_on(incoming)
    }

    fn cookie(lines: &[&str]) -> Option<String> {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        with_cookies(&lines).cookie("sid")
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        for (line, value) in [
            ("sid=a", "a"),
            ("other; sid=a=b==; sid2=c", "a=b=="),
            (";; xsid=c ;  sid = a ;", "a"),
            ("SID=c; sid=\"a\"", "a"),
            ("sid=a; sid=a; sid=\"a\"", "a"),
            ("=; =x; sid=a; sid", "a"),
            ("x=\"; sid2=b; \"; sid=a", "a"),
            ("sid=", ""),
        ] {
            assert_eq!(cookie(&[line]).as_deref(), Some(value), "{line}");
        }
        for none in ["", "sid", "=sid", "xsid=a", "sidx=a", "SID=a", "a=sid=b", "sid=a; sid=b"] {
            assert_eq!(cookie(&[none]), None, "{none}");
        }
        assert_eq!(cookie(&["one=1", "sid=a"]).as_deref(), Some("a"));
        assert_eq!(cookie(&["sid=a", "sid=b"]), None);
    }

    #[test]
    fn other_cookies_do_not_matter() {
        let junk = [b"j=".to_vec(), vec![0xff; 8_000], b"; sid=a".to_vec()].concat();
        for line in [&b"x=\xd1\x84; sid=a"[..], b"sid=a; x=\xff\xfe", b"\xff; sid=a", &junk] {
            assert_eq!(with_cookies(&[line]).cookie("sid").as_deref(), Some("a"));
            assert_eq!(with_cookies(&[line, b"\xff=\xff"]).cookie("sid").as_deref(), Some("a"));
        }
    }

    #[test]
    fn of_several_values_the_good_one_counts() {
        let found = |line: &[u8]| {
            with_cookies(&[line]).cookie_that_is("sid", |value| value.starts_with("good"))
        };
        assert_eq!(found(b"sid=stale; sid=good").as_deref(), Some("good"));
        assert_eq!(found(b"sid=good; sid=stale; sid=good").as_deref(), Some("good"));
        assert_eq!(found(b"sid=good1; sid=good2"), None);
        assert_eq!(found(b"sid=stale; sid=old"), None);
        assert_eq!(found(b"sid=stale").as_deref(), Some("stale"), "alone it is judged later");
        assert!(with_cookies(&[b"sid=a; sid=b"]).has_several("sid"));
        assert!(!with_cookies(&[b"sid=a; sid=a"]).has_several("sid"));
    }

    #[test]
    fn one_host_is_named() {
        let host = |target: &str, lines: &[&'static str]| {
            let (mut parts, ()) = http::Request::get(target).body(()).unwrap().into_parts();
            for line in lines {
                parts.headers.append(HOST, http::HeaderValue::from_static(line));
            }
            let incoming = Incoming::new(&parts, BodyRead::NotRead, None, Reading::Strict);
            futures::executor::block_on(incoming).host().map(str::to_owned)
        };
        assert_eq!(host("/", &["site.test:8000"]).as_deref(), Some("site.test:8000"));
        assert_eq!(host("http://site.test/", &["evil.test"]).as_deref(), Some("site.test"));
        assert_eq!(host("http://a:b@site.test/", &[]).as_deref(), Some("site.test"));
        assert_eq!(host("/", &["site.test", "evil.test"]), None);
        assert_eq!(host("/", &[]), None);
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
