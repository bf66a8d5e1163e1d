//! Cookie jar of one browser, on the clock of the contract.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::transport::HttpAnswer;

/// Parts of a `Set-Cookie` value.
pub(crate) struct SetCookie<'a> {
    /// Name of the cookie.
    pub(crate) name: &'a str,
    /// Value of the cookie.
    pub(crate) value: &'a str,
    attributes: BTreeMap<String, &'a str>,
}

impl<'a> SetCookie<'a> {
    /// Parses a header value. If an attribute is repeated, the last one counts.
    pub(crate) fn parse(header: &'a str) -> Self {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = halves(parts.next().unwrap_or_default());
        let attributes = parts.map(halves).map(|(name, value)| (name.to_ascii_lowercase(), value));
        Self { name, value, attributes: attributes.collect() }
    }

    /// Returns an attribute by its name in lower case, or `Some("")` if it has no value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.get(name).copied()
    }
}

fn halves(part: &str) -> (&str, &str) {
    part.split_once('=').unwrap_or((part, ""))
}

#[derive(Debug)]
struct Kept {
    value: String,
    path: String,
    until: Option<i64>,
}

/// Cookie jar. There is only one host, so domains are ignored.
#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: BTreeMap<String, Kept>,
}

impl Jar {
    /// Applies the `Set-Cookie` headers of an answer. Returns as an error a header that no browser
    /// can read.
    pub(crate) fn take(&mut self, answer: &HttpAnswer, now: i64) -> Result<(), String> {
        for header in answer.set_cookies() {
            let cookie = SetCookie::parse(header);
            let until = lifetime(&cookie, now).ok_or_else(|| format!("Set-Cookie: {header}"))?;
            if until.is_some_and(|until| until <= now) {
                self.cookies.remove(cookie.name);
                continue;
            }
            let path = cookie.attribute("path").filter(|path| !path.is_empty()).unwrap_or("/");
            let kept = Kept { value: cookie.value.to_owned(), path: path.to_owned(), until };
            self.cookies.insert(cookie.name.to_owned(), kept);
        }
        Ok(())
    }

    /// Closes the browser: cookies without a lifetime are removed.
    pub(crate) fn close(&mut self) {
        self.cookies.retain(|_, cookie| cookie.until.is_some());
    }

    /// Returns the `Cookie` header for a path, sorted by name, or an empty text if no cookie is
    /// sent.
    pub(crate) fn header(&mut self, path: &str, now: i64) -> String {
        self.cookies.retain(|_, cookie| cookie.until.is_none_or(|until| until > now));
        let sent = self.cookies.iter().filter(|(_, cookie)| covers(&cookie.path, path));
        sent.map(|(name, cookie)| format!("{name}={}", cookie.value)).collect::<Vec<_>>().join("; ")
    }

    /// Returns the value of a cookie.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(|cookie| cookie.value.as_str())
    }
}

fn covers(prefix: &str, path: &str) -> bool {
    path == prefix
        || path.strip_prefix(prefix.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the expiry of a cookie: `Some(None)` if it lives until the browser closes, `None` if it
/// cannot be parsed.
fn lifetime(cookie: &SetCookie<'_>, now: i64) -> Option<Option<i64>> {
    if let Some(seconds) = cookie.attribute("max-age") {
        return seconds.trim().parse::<i64>().ok().map(|seconds| Some(now + seconds));
    }
    match cookie.attribute("expires").filter(|date| !date.is_empty()) {
        None => Some(None),
        Some(date) => {
            OffsetDateTime::parse(date, &Rfc2822).ok().map(|date| Some(date.unix_timestamp()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600; // 2026-01-01

    fn answer(cookies: &[&str]) -> HttpAnswer {
        let headers =
            cookies.iter().map(|value| ("set-cookie".to_owned(), (*value).to_owned())).collect();
        HttpAnswer { headers, ..HttpAnswer::default() }
    }

    #[test]
    fn sends_by_path_and_name() {
        let mut jar = Jar::default();
        jar.take(&answer(&["z=1; Path=/", "a=2=x; path=/app; HttpOnly"]), NOW).unwrap();
        assert_eq!(jar.header("/", NOW), "z=1");
        assert_eq!(jar.header("/app", NOW), "a=2=x; z=1");
        assert_eq!(jar.header("/app/x", NOW), "a=2=x; z=1");
        assert_eq!(jar.header("/apple", NOW), "z=1");
    }

    #[test]
    fn lifetimes_run_on_the_given_clock() {
        let mut jar = Jar::default();
        jar.take(
            &answer(&[
                "age=1; Max-Age=10",
                "date=1; Expires=Thu, 01 Jan 2026 00:00:20 GMT",
                "age-wins=1; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "window=1",
            ]),
            NOW,
        )
        .unwrap();
        assert_eq!(jar.header("/", NOW + 4), "age=1; age-wins=1; date=1; window=1");
        assert_eq!(jar.header("/", NOW + 10), "date=1; window=1");
        jar.close();
        assert_eq!(jar.header("/", NOW + 10), "date=1");
        assert_eq!(jar.header("/", NOW + 20), "");
    }

    #[test]
    fn clears_and_refuses() {
        let mut jar = Jar::default();
        jar.take(&answer(&["a=1", "b=2"]), NOW).unwrap();
        jar.take(&answer(&["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"]), NOW).unwrap();
        assert_eq!((jar.value("a"), jar.value("b")), (None, Some("2")));
        assert!(jar.take(&answer(&["c=1; Max-Age=soon"]), NOW).is_err());
        assert!(jar.take(&answer(&["c=1; Expires=tomorrow"]), NOW).is_err());
    }
}
