//! Normal form of links and redirects: path and query, with signed and random parts masked.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Query parameters whose values differ from run to run, with their masks.
const MASKED: [(&str, &str); 4] =
    [("token", "<token>"), ("auth_token", "<token>"), ("state", "<token>"), ("code", "<code>")];

/// Minimum length of a path segment that is taken for a token, if it uses the alphabet of signed
/// tokens.
const SEALED: usize = 24;

/// Characters that are percent-encoded in a query value of a normal form.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'<')
    .remove(b'>')
    .remove(b'@')
    .remove(b'|')
    .remove(b'?')
    .remove(b'=');

/// Parts of a URL or reference that the contract compares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) fragment: String,
}

impl Parts {
    /// Splits a reference into its parts. As Python does, ignores control characters at the start
    /// and line breaks anywhere.
    pub(crate) fn of(value: &str) -> Self {
        let value: String = value
            .trim_start_matches(|letter| letter <= ' ')
            .chars()
            .filter(|letter| !matches!(letter, '\t' | '\r' | '\n'))
            .collect();
        let rest = without_scheme(&value);
        let rest = match rest.strip_prefix("//") {
            Some(host) => host.find(['/', '?', '#']).map_or("", |at| host.split_at(at).1),
            None => rest,
        };
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Self { path: path.to_owned(), query: query.to_owned(), fragment: fragment.to_owned() }
    }

    /// Returns path and query.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, self.query)
    }

    /// Returns the decoded parameters of the query, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned()
    }
}

fn without_scheme(value: &str) -> &str {
    value
        .split_once(':')
        .filter(|(scheme, _)| {
            scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        })
        .map_or(value, |(_, rest)| rest)
}

/// Converts a link or `Location` to normal form. Scheme and host are kept if they are not the
/// server's.
pub(crate) fn url(value: &str, origin: &str) -> String {
    place(value, origin, origin.split_once("//").map_or("", |(_, host)| host))
}

/// Replaces the server's own scheme and host, which differ from run to run, by a mark.
pub(crate) fn strip_origin(text: &str, origin: &str) -> String {
    if origin.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(origin) {
        out.push_str(before);
        let own = after.is_empty() || after.starts_with(['/', '?', '#']);
        out.push_str(if own { "<origin>" } else { origin });
        rest = after;
    }
    out + rest
}

fn place(value: &str, origin: &str, host: &str) -> String {
    let own = Some(origin)
        .filter(|origin| !origin.is_empty())
        .and_then(|origin| value.strip_prefix(origin))
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let parts = match own {
        Some("") => Parts::of("/"),
        Some(rest) => Parts::of(rest),
        None if is_local(value) => Parts::of(value),
        None => return foreign(value, origin, host),
    };
    let mut pairs: Vec<_> =
        parts.pairs().map(|(key, value)| query(key, value, origin, host)).collect();
    pairs.sort();
    let mut out = masked_path(&parts.path);
    let mut joint = '?';
    for (key, value) in pairs {
        out.push(joint);
        out.extend([&key, "="]);
        out.extend(utf8_percent_encode(&value, QUERY));
        joint = '&';
    }
    if !parts.fragment.is_empty() {
        out.extend(["#", &parts.fragment]);
    }
    out
}

/// Checks whether a reference is a path, a query alone, or empty. Two slashes, or a slash and a
/// backslash, begin a host.
fn is_local(value: &str) -> bool {
    match value.strip_prefix('/') {
        Some(rest) => !rest.starts_with(['/', '\\']),
        None => value.is_empty() || value.starts_with('?'),
    }
}

fn query(key: String, value: String, origin: &str, host: &str) -> (String, String) {
    let mask = MASKED.iter().find(|(name, _)| *name == key).filter(|_| !value.is_empty());
    let value = match mask {
        Some((_, mask)) => (*mask).to_owned(),
        None if key == "next" && value.starts_with('/') => place(&value, "", host),
        None => strip_origin(&value, origin),
    };
    (key, value)
}

fn masked_path(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mask = |part| if is_sealed(part) { "<token>" } else { part };
    decoded.split('/').map(mask).collect::<Vec<_>>().join("/")
}

fn is_sealed(part: &str) -> bool {
    part.len() >= SEALED && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.~%".contains(&c))
}

/// Converts a URL on another host. A URL so unusual that every byte can matter is kept as it is.
fn foreign(value: &str, origin: &str, host: &str) -> String {
    let split = |scheme| Some((scheme, value.strip_prefix(scheme)?.strip_prefix("//")?));
    let Some((scheme, rest)) = ["https:", "http:", ""].into_iter().find_map(split) else {
        return value.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (at, tail) = rest.split_at(end);
    let plain = is_plain_host(at) && !tail.starts_with("//") && !tail.starts_with("/\\");
    if !plain {
        return value.to_owned();
    }
    let at = if at == host { "<host>" } else { at };
    format!("{scheme}//{at}{}", place(tail, origin, host))
}

fn is_plain_host(at: &str) -> bool {
    let (name, port) = at.split_once(':').map_or((at, None), |(name, port)| (name, Some(port)));
    !name.is_empty()
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c))
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://localhost:5000";

    #[test]
    fn masks_and_sorts() {
        let sealed = "WyI1.ZmFr_-~ABCDEFGHIJKLMN";
        for (value, wanted) in [
            (format!("/reset/{sealed}"), "/reset/<token>"),
            (format!("{ORIGIN}/reset/{sealed}?b=2&a=1"), "/reset/<token>?a=1&b=2"),
            (ORIGIN.to_owned(), "/"),
            (format!("{ORIGIN}?x"), "?x="),
            ("/x?token=t&code=1&token=".to_owned(), "/x?code=<code>&token=&token=<token>"),
            ("/x?a=b+c%26&e=%C3%A9#part".to_owned(), "/x?a=b%20c%26&e=%C3%A9#part"),
            ("page1/inner".to_owned(), "page1/inner"),
            (String::new(), ""),
        ] {
            assert_eq!(url(&value, ORIGIN), wanted, "{value}");
        }
    }

    #[test]
    fn targets_within_a_target() {
        for (value, wanted) in [
            ("/login?next=%2Fprofile%3Fpage%3D2", "/login?next=/profile?page=2"),
            ("/login?next=http%3A%2F%2Flocalhost%3A5000%2Fx", "/login?next=<origin>/x"),
            ("/login?next=%2F%2Flocalhost%3A5000%2Fx", "/login?next=//<host>/x"),
        ] {
            assert_eq!(url(value, ORIGIN), wanted, "{value}");
        }
    }

    #[test]
    fn other_hosts_stay() {
        for (value, wanted) in [
            ("//ui.example.test:8080/a?token=x", "//ui.example.test:8080/a?token=<token>"),
            ("https://localhost:5000/a", "https://<host>/a"),
            ("http://blog.test", "http://blog.test"),
            ("http://localhost:50001/a", "http://localhost:50001/a"),
            // Browsers follow these to another site, so they are kept byte for byte.
            ("////evil.test", "////evil.test"),
            ("/\\evil.test", "/\\evil.test"),
            ("//evil.test//x?token=y", "//evil.test//x?token=y"),
            ("//user@evil.test/?token=y", "//user@evil.test/?token=y"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ] {
            assert_eq!(url(value, ORIGIN), wanted, "{value}");
        }
    }

    #[test]
    fn the_own_origin_in_a_text() {
        let strip = |text| strip_origin(text, "http://h:1");
        assert_eq!(strip("see http://h:1/x, http://h:1"), "see <origin>/x, <origin>");
        assert_eq!(strip("http://h:12/x"), "http://h:12/x");
    }

    #[test]
    fn parts() {
        let parts = Parts::of(" http://u@h:1/a/b?c=d#e\n");
        assert_eq!((parts.target().as_str(), parts.fragment.as_str()), ("/a/b?c=d", "e"));
        assert_eq!(Parts::of("//h").target(), "");
        assert_eq!(Parts::of("/a:b").target(), "/a:b");
    }
}
