//! A request as the endpoints see it, whatever framework it came through.

use std::net::IpAddr;

use bytes::Bytes;
use cookie::Cookie;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::fields::{Fields, Reading};

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
    /// How many bytes of the body were looked at, where it is longer than that.
    pub(crate) looked_at: Option<usize>,
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
    /// Its first bytes, where the application reads the whole. Of a form, the fields that are whole
    /// count; of anything else, nothing.
    Beginning(Bytes),
    /// It was longer than the limit, and was not read further.
    TooLong,
    /// It did not arrive within the deadline.
    TooSlow,
}

impl Incoming {
    /// A request from its parts.
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
        let authority = parts.uri.authority().map(|authority| {
            let text = authority.as_str();
            text.rsplit_once('@').map_or(text, |(_, host)| host).to_owned()
        });
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.clone(),
            client_ip,
            fields,
            looked_at,
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

    /// The cookie of that name; `None` when it was sent with several values: somebody else may have
    /// set one of them.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let mut values = self.cookie_values(name);
        let first = values.next()?;
        values.all(|value| value == first).then(|| first.to_owned())
    }

    /// The cookie of that name. Of several values the one that is `good` counts; none does where
    /// several are.
    pub(crate) fn cookie_that_is(&self, name: &str, good: impl Fn(&str) -> bool) -> Option<String> {
        self.cookie(name).or_else(|| {
            let mut values = self.cookie_values(name).filter(|value| good(value));
            let first = values.next()?;
            values.all(|value| value == first).then(|| first.to_owned())
        })
    }

    /// The values of all cookies of that name, in their order. A cookie that is no text says nothing
    /// about the others.
    pub(crate) fn cookie_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.headers.get_all(COOKIE).iter();
        let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let cookies = pairs
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .filter_map(|pair| Cookie::parse(pair).ok());
        cookies
            .filter(move |cookie| cookie.name() == name)
            .filter_map(|cookie| cookie.value_raw())
            .map(unquoted)
    }

    /// Whether a cookie of that name was sent.
    pub(crate) fn has_cookie(&self, name: &str) -> bool {
        self.cookie_values(name).next().is_some()
    }

    /// Whether a cookie was sent with several values.
    pub(crate) fn has_several(&self, name: &str) -> bool {
        let mut values = self.cookie_values(name);
        values.next().is_some_and(|first| values.any(|value| value != first))
    }

    /// Whether the connection is to become something else than HTTP: whoever asks for that follows no
    /// redirect and shows no page. Such is every WebSocket (RFC 6455, RFC 8441).
    pub fn is_upgrade(&self) -> bool {
        let to = self.header(UPGRADE).unwrap_or_default();
        self.method == Method::CONNECT || to.trim().eq_ignore_ascii_case("websocket")
    }

    /// Whether the body is JSON, by its `Content-Type`.
    pub fn is_json(&self) -> bool {
        self.header(CONTENT_TYPE).is_some_and(is_json_type)
    }

    /// Whether the answer should be JSON: the body is, or JSON is what `Accept` likes best.
    pub fn wants_json(&self) -> bool {
        self.is_json() || self.header(ACCEPT).is_some_and(likes_json_best)
    }

    /// The host that the caller named, with the port. The target counts before the header `Host`
    /// (RFC 9112, 3.2.2), and of several headers none.
    pub fn host(&self) -> Option<&str> {
        let mut named = self.headers.get_all(HOST).iter();
        let header = match (named.next(), named.next()) {
            (Some(one), None) => one.to_str().ok(),
            _ => None,
        };
        self.authority.as_deref().or(header)
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
            Self::TooSlow => f.write_str("TooSlow"),
        }
    }
}

/// Some clients put values into quotes; no value of ours has any.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
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
