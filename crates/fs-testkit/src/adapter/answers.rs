//! Requests and answers come through as they are.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_SECURITY_POLICY, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};

use super::{ANN, Subject};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds, some};
use crate::site::{BASE_URL, PASSWORD, link_in};

pub(super) fn the_request_arrives_as_sent(subject: &Subject) -> Result<(), Violation> {
    let target = "/seen?a=%zz&a=2&b=[x]|&c=%C3%A9+%2B&d=";
    let lines: [&[u8]; 6] = [
        b"X-Kit: first",
        b"x-kit: \"two\"; with=  blanks",
        b"X-KIT: caf\xc3\xa9",
        b"X-Empty:",
        b"Cookie: one=1; two=\"2\"",
        b"Cookie: three=3",
    ];
    let seen = subject.visitor().ask("GET", target, &lines, b"")?.json();
    equal(seen.get("method"), Some(&json!("GET")), "the method")?;
    equal(seen.get("path"), Some(&json!("/seen")), "the path")?;
    let query = json!(target.trim_start_matches("/seen?"));
    equal(seen.get("query"), Some(&query), "the query")?;
    let headers = |name: &str| -> Vec<String> {
        let all = seen.get("headers").and_then(Value::as_array);
        let all = all.map(Vec::as_slice).unwrap_or_default().iter().map(Value::as_array);
        let pairs = all.flatten().filter_map(|pair| match pair.as_slice() {
            [of, value] if of == name => value.as_str().map(unhex),
            _ => None,
        });
        pairs.collect()
    };
    let kit = ["first", "\"two\"; with=  blanks", "caf\u{e9}"];
    equal(headers("x-kit"), kit.map(str::to_owned).to_vec(), "a repeated header, in order")?;
    equal(headers("x-empty"), vec![String::new()], "an empty header")?;
    let cookies = headers("cookie").join("; ");
    equal(cookies, "one=1; two=\"2\"; three=3".to_owned(), "the cookies")
}

pub(super) fn the_peer_is_the_client(subject: &Subject) -> Result<(), Violation> {
    let lines: [&[u8]; 4] = [
        b"X-Forwarded-For: 203.0.113.9",
        b"Forwarded: for=203.0.113.9;proto=https",
        b"X-Real-IP: 203.0.113.9",
        b"X-Forwarded-Proto: https",
    ];
    let seen = subject.visitor().ask("GET", "/seen", &lines, b"")?.json();
    equal(seen.get("peer"), Some(&json!("127.0.0.1")), "the address that nobody can forge")
}

pub(super) fn a_header_that_is_no_text_harms_nothing(subject: &Subject) -> Result<(), Violation> {
    let odd: [&[u8]; 2] = [b"X-Odd: \xff\xfe", b"X-Kit: here"];
    for path in ["/hello", "/login"] {
        let answer = subject.visitor().ask("GET", path, &odd, b"")?;
        let read = answer.status == StatusCode::OK || answer.status == StatusCode::BAD_REQUEST;
        holds(read, "a header that is not UTF-8 is passed on, left out, or refused")?;
    }
    Ok(())
}

/// The library's own answer is made beside the server's, on the same site: every header line of the
/// one must be in the other, but for what is random in it.
pub(super) fn answers_are_those_of_the_library(subject: &Subject) -> Result<(), Violation> {
    let wrong = json!({ "email": ANN, "password": PASSWORD }).to_string();
    for (method, path, accept, body) in [
        ("GET", "/login", "text/html", ""),
        ("HEAD", "/login", "text/html", ""),
        ("OPTIONS", "/login", "text/html", ""),
        ("PUT", "/login", "text/html", ""),
        ("GET", "/login?next=%2Fuser", "application/json", ""),
        ("POST", "/login", "application/json", wrong.as_str()),
        ("POST", "/logout", "text/html", ""),
        ("GET", "/change", "text/html", ""),
        ("GET", "/change", "application/json", ""),
        ("GET", "/reset/not.a.token", "text/html", ""),
        ("GET", "/confirm/not.a.token", "application/json", ""),
    ] {
        let what = format!("{method} {path} as {accept}");
        let request = Request::builder().method(method).uri(format!("{BASE_URL}{path}"));
        let request = request.header("host", "site.test").header("accept", accept);
        let request = request.header("content-type", accept);
        let request = request.body(Bytes::from(body.to_owned()));
        let request = request.map_err(|error| Violation::new(error.to_string()))?;
        let expected = futures::executor::block_on(subject.site.answer(request));
        let lines = [format!("Accept: {accept}"), format!("Content-Type: {accept}")];
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let answer = subject.visitor().ask(method, path, &lines, body.as_bytes())?;
        equal(answer.status, expected.status(), &format!("the status of {what}"))?;
        let sent = lines_of(&answer.headers);
        for line in lines_of(expected.headers()) {
            let count = |lines: &[String]| lines.iter().filter(|other| **other == line).count();
            let wanted = count(&lines_of(expected.headers()));
            equal(count(&sent), wanted, &format!("lines {line:?} in the answer to {what}"))?;
        }
        if method == "HEAD" {
            holds(answer.body.is_empty(), "HEAD has no body")?;
        } else if answer.status.is_client_error() && accept == "application/json" {
            let expected: Value = serde_json::from_slice(expected.body()).unwrap_or_default();
            equal(answer.json(), expected, &format!("the body of {what}"))?;
        }
    }
    Ok(())
}

pub(super) fn methods_that_are_not_allowed_are_named(subject: &Subject) -> Result<(), Violation> {
    for (method, status) in [
        ("PUT", StatusCode::METHOD_NOT_ALLOWED),
        ("PATCH", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", StatusCode::METHOD_NOT_ALLOWED),
        ("OPTIONS", StatusCode::OK),
    ] {
        let answer = subject.visitor().ask(method, "/login", &[], b"")?;
        equal(answer.status, status, method)?;
        let allow = some(answer.headers.get(ALLOW), "Allow")?;
        let allow = allow.to_str().unwrap_or_default();
        equal(allow, "GET, POST, HEAD, OPTIONS", "Allow")?;
    }
    Ok(())
}

pub(super) fn cookies_of_both_are_sent(subject: &Subject) -> Result<(), Violation> {
    let answer = subject.visitor().get("/cookie")?;
    let names: Vec<_> = answer.cookies().into_iter().map(|(name, _)| name).collect();
    let session = subject.site.web.config().session_cookie.name.clone();
    for name in ["theirs", &session] {
        holds(names.iter().any(|sent| sent == name), &format!("the cookie {name} is sent"))?;
    }
    Ok(())
}

/// Programs look at links with `HEAD`, before people do.
pub(super) fn looking_at_a_link_is_not_following_it(subject: &Subject) -> Result<(), Violation> {
    let mut visitor = subject.visitor();
    let account = json!({ "email": "new@site.test", "password": PASSWORD });
    let answer = visitor.post_json("/register", &account)?;
    equal(answer.status, StatusCode::OK, "registering")?;
    let mails = futures::executor::block_on(subject.site.mails());
    let link = some(mails.last().and_then(link_in), "a link in the mail")?;
    let is_confirmed = || {
        let user = futures::executor::block_on(subject.site.user("new@site.test"));
        user.is_some_and(|user| user.confirmed_at.is_some())
    };
    let answer = subject.visitor().ask("HEAD", &link, &[], b"")?;
    equal(answer.status, StatusCode::OK, "HEAD")?;
    holds(!is_confirmed(), "HEAD confirms nothing")?;
    subject.visitor().get(&link)?;
    holds(is_confirmed(), "GET confirms")
}

/// The header lines of an answer, without what is random in them.
fn lines_of(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let value = match name {
            name if name == SET_COOKIE => without(&value, "=", ";"),
            name if name == CONTENT_SECURITY_POLICY => without(&value, "'nonce-", "'"),
            _ => value,
        };
        format!("{name}: {value}")
    });
    lines.collect()
}

/// The text without what is between `start` and `end`.
fn without(text: &str, start: &str, end: &str) -> String {
    let Some((before, rest)) = text.split_once(start) else {
        return text.to_owned();
    };
    let after = rest.split_once(end).map_or("", |(_, after)| after);
    format!("{before}{start}{end}{after}")
}

fn unhex(hex: &str) -> String {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes = digits.chunks(2).filter_map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}
