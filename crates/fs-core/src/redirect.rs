//! Validation of redirect targets.
//!
//! A page that redirects to an address from the request must not send the browser to another site
//! (open redirect). Browsers repair URLs: they drop tabs and line breaks, read backslashes as
//! slashes, and treat any number of slashes as two. So a target is checked as a browser parses it
//! (the WHATWG URL standard). [`RedirectTarget`], the only type that pages redirect to, holds the
//! checked result and not the original text.

use std::fmt::{self, Write};
use std::str::FromStr;

use regex::Regex;
use url::{Host, Url, form_urlencoded};

/// Maximum length of a target in bytes.
const MAX_TARGET: usize = 4096;

/// Flask-Security's pattern for targets that browsers repair. It is matched at the start of a
/// target.
pub const REFUSED_PATTERN: &str = r"^/{4,}|\\{3,}|[\s\x00-\x1f][/\\]{2,}";

/// Origin of the application: scheme, host and port to which the request was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Url);

/// Error for an invalid scheme, host or domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no host of a web page: give a name or an address, and a port where it has one")]
pub struct BadHost;

impl Origin {
    /// Creates an origin from `http` or `https` and a host as in requests: `localhost:8000`.
    ///
    /// # Errors
    ///
    /// Returns [`BadHost`] if the scheme or the host is invalid.
    pub fn new(scheme: &str, host: &str) -> Result<Self, BadHost> {
        let parts = |c: char| c.is_control() || c.is_whitespace() || "/\\?#@".contains(c);
        if !matches!(scheme, "http" | "https") || host.contains(parts) {
            return Err(BadHost);
        }
        Url::parse(&format!("{scheme}://{host}/")).map(Self).map_err(|_| BadHost)
    }

    /// Checks whether the URL belongs to this origin. A redirect from HTTPS to HTTP is never
    /// allowed.
    fn is_of(&self, url: &Url) -> bool {
        self.allows_scheme(url) && url.host() == self.0.host() && url.port() == self.0.port()
    }

    fn allows_scheme(&self, url: &Url) -> bool {
        url.scheme() == "https" || url.scheme() == self.0.scheme()
    }
}

/// A domain with all its subdomains: `example.com` or `example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainTree {
    name: String,
    port: Option<u16>,
}

impl FromStr for DomainTree {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let url = Origin::new("http", text)?.0;
        match url.host() {
            Some(Host::Domain(name)) => Ok(Self { name: name.to_owned(), port: url.port() }),
            _ => Err(BadHost),
        }
    }
}

impl DomainTree {
    fn holds(&self, url: &Url) -> bool {
        let Some(Host::Domain(host)) = url.host() else { return false };
        let below = host.strip_suffix(&self.name);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            && url.port() == self.port
    }
}

/// Rules for redirect targets, in addition to those on the own host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RedirectRules {
    /// Domain that is trusted with all its subdomains (Flask-Security's
    /// `REDIRECT_ALLOW_SUBDOMAINS`).
    pub trusted: Option<DomainTree>,
    /// Pattern for targets to refuse, in addition to unsafe ones. It is matched at the start of a
    /// target (Flask-Security's `REDIRECT_VALIDATE_RE`; see [`REFUSED_PATTERN`]).
    pub refused: Option<Regex>,
}

/// A redirect target on the own host or a trusted one. It is printable ASCII, as a `Location`
/// header requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget(String);

impl RedirectTarget {
    /// Checks a target from a request. Returns `None` if a redirect to it is not allowed.
    ///
    /// Relative targets stay relative. `///page` becomes `/page`, as RFC 3986 reads it; other
    /// repairs are not made. Backslashes, control characters and user names are refused, and so is
    /// every path that begins with two slashes after dot segments are resolved.
    ///
    /// ```
    /// use fs_core::redirect::{Origin, RedirectRules, RedirectTarget};
    ///
    /// let own = Origin::new("https", "example.com")?;
    /// let judge = |text| RedirectTarget::judge(text, &own, &RedirectRules::default());
    ///
    /// assert_eq!(judge("/page?a=1").unwrap().as_str(), "/page?a=1");
    /// assert_eq!(judge(r"/\evil.test"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn judge(target: &str, own: &Origin, rules: &RedirectRules) -> Option<Self> {
        if target.len() > MAX_TARGET {
            return None;
        }
        let refused = rules.refused.as_ref().and_then(|pattern| pattern.find(target));
        if refused.is_some_and(|found| found.start() == 0) {
            return None;
        }
        let text = target.trim_matches(|c| c <= ' ');
        if text.is_empty() || text.contains(|c: char| c.is_control()) {
            return None;
        }
        if text.chars().take_while(|c| !"?#".contains(*c)).any(|c| c == '\\') {
            return None;
        }
        let text = match text.strip_prefix("//") {
            Some(path) if path.starts_with('/') && !path.starts_with("//") => path,
            _ => text,
        };
        let url = own.0.join(text).ok()?;
        let trusted = rules.trusted.as_ref().is_some_and(|tree| tree.holds(&url));
        let fine = (own.is_of(&url) || trusted && own.allows_scheme(&url))
            && url.username().is_empty()
            && url.password().is_none()
            && !url.path().starts_with("//");
        if !fine {
            return None;
        }
        let location = match absolute(text) {
            Some(after_scheme) if !after_scheme.starts_with("//") => return None,
            Some(after_scheme) if after_scheme.starts_with("///") => return None,
            Some(_) => printable(url.as_str()),
            None => printable(text),
        };
        // What goes out is parsed once more: it must lead to the very host that was judged.
        let again = own.0.join(&location).ok()?;
        (again.host() == url.host() && again.port() == url.port() && again.scheme() == url.scheme())
            .then_some(Self(location))
    }

    /// Returns the text for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedirectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the part after the scheme of an absolute URL, or `None` for a relative one.
fn absolute(text: &str) -> Option<&str> {
    if text.starts_with("//") {
        return Some(text);
    }
    split_scheme(text).map(|(_, rest)| rest)
}

/// Returns the scheme and the part after its colon.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(allowed);
    fine.then_some((scheme, rest))
}

/// Escapes only the characters that are not allowed in a URL.
fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&octet) {
            safe.push(char::from(octet));
        } else {
            let _ = write!(safe, "%{octet:02X}");
        }
    }
    safe
}

/// Returns the URL of a configured view with `query` merged in, on `host` if one is configured.
///
/// Use it only for targets from the configuration, which are trusted. In the view's own query,
/// blank values are dropped and the last value of a name wins; new values replace old ones. With a
/// host (`example.com:8080`) the result begins with `//`, unless the view has a scheme. These are
/// the rules of Flask-Security 4.1.
///
/// ```
/// use fs_core::redirect::resolve_view;
///
/// let view = resolve_view("/done?lang=en", &[("email", "zoe@example.com")], Some("ui.test:8080"));
/// assert_eq!(view, "//ui.test:8080/done?lang=en&email=zoe%40example.com");
/// ```
pub fn resolve_view(view: &str, query: &[(&str, &str)], host: Option<&str>) -> String {
    if view.is_empty() {
        return String::new();
    }
    let (rest, fragment) = cut(view, '#');
    let (rest, old_query) = cut(rest, '?');
    let (scheme, rest) =
        split_scheme(rest).map_or((None, rest), |(scheme, rest)| (Some(scheme), rest));
    let (old_host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };

    let mut url = String::new();
    if let Some(scheme) = scheme {
        url = format!("{scheme}:");
    }
    let host = host.unwrap_or(old_host);
    if !host.is_empty() {
        url = format!("{url}//{host}");
        if !path.is_empty() && !path.starts_with('/') {
            url.push('/');
        }
    }
    url.push_str(path);
    let merged = if query.is_empty() { old_query.to_owned() } else { merge(old_query, query) };
    if !merged.is_empty() {
        url = format!("{url}?{merged}");
    }
    if !fragment.is_empty() {
        url = format!("{url}#{fragment}");
    }
    url
}

fn cut(text: &str, at: char) -> (&str, &str) {
    text.split_once(at).unwrap_or((text, ""))
}

fn merge(old: &str, new: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let old = form_urlencoded::parse(old.as_bytes()).filter(|(_, value)| !value.is_empty());
    let new = new.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    for (name, value) in old.chain(new) {
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, last)) => *last = value.into_owned(),
            None => pairs.push((name.into_owned(), value.into_owned())),
        }
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_resolved_as_configured() {
        let none: &[(&str, &str)] = &[];
        for (view, query, host, url) in [
            ("", none, Some("ui.test"), ""),
            ("/done", none, None, "/done"),
            ("/done?a=&b=1#part", none, None, "/done?a=&b=1#part"),
            ("/done", &[("a", "two words")][..], None, "/done?a=two+words"),
            ("/done?a=&b=1&b=2&c#part", &[("d", "é")], None, "/done?b=2&d=%C3%A9#part"),
            ("/done?a=1&b=2", &[("a", "3")], None, "/done?a=3&b=2"),
            ("/done", none, Some("ui.test:8080"), "//ui.test:8080/done"),
            ("done", none, Some("ui.test"), "//ui.test/done"),
            ("?a=1", none, Some("ui.test"), "//ui.test?a=1"),
            ("https://here.test/done", none, Some("ui.test"), "https://ui.test/done"),
            ("//here.test/done", none, Some("ui.test"), "//ui.test/done"),
            ("//here.test", none, None, "//here.test"),
            ("http://here.test:80/a?b=1#c", none, None, "http://here.test:80/a?b=1#c"),
        ] {
            assert_eq!(resolve_view(view, query, host), url, "{view}");
        }
    }

    #[test]
    fn origins_are_hosts_and_nothing_else() {
        for host in ["localhost", "localhost:8000", "example.com", "[::1]:80", "127.0.0.1"] {
            assert!(Origin::new("http", host).is_ok(), "{host}");
        }
        for host in ["", ":80", "a/b", "a@b", "a b", "a\\b", "a?b", "a#b", "a\tb", "a:b", "[::1"] {
            assert!(Origin::new("http", host).is_err(), "{host}");
        }
        assert!(Origin::new("ftp", "localhost").is_err());
        assert!("127.0.0.1".parse::<DomainTree>().is_err());
    }
}
