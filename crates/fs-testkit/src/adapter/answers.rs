//! Rules for passing requests and answers on unchanged.

use http::StatusCode;
use http::header::ALLOW;
use serde_json::{Value, json};

use super::{ANN, Subject};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds, some};
use crate::site::{PASSWORD, link_in};

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
    let headers = |name| said(&seen, name);
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

pub(super) fn cookies_of_others_do_not_matter(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    let junk = [b"Cookie: junk=".to_vec(), vec![b'j'; 8 * 1024]].concat();
    for line in [&b"Cookie: x=\xd1\x84"[..], b"Cookie: =; y=\"a; b\"", &junk] {
        let answer = ann.ask("GET", "/user", &[line], b"")?;
        equal(answer.text(), ANN.to_owned(), "who is signed in beside another cookie")?;
    }
    let own = ann.cookie_line();
    let line = [b"Cookie: x=\xd1\x84; ", own.as_bytes()].concat();
    let answer = subject.visitor().ask("GET", "/user", &[&line], b"")?;
    equal(answer.text(), ANN.to_owned(), "who is signed in beside another cookie")
}

/// Checks that a target may be an absolute URL, as a proxy sends it (RFC 9112, 3.2.2).
pub(super) fn a_target_may_be_a_whole_address(subject: &Subject) -> Result<(), Violation> {
    let target = format!("http://{}/seen?a=1", subject.address);
    let seen = subject.visitor().ask("GET", &target, &[], b"")?.json();
    equal(seen.get("path"), Some(&json!("/seen")), "the path of a whole address")?;
    equal(seen.get("query"), Some(&json!("a=1")), "the query of a whole address")
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
    // Data that a handler stores in the session has a cookie of its own.
    let session = format!("{}-data", subject.site.web.config().session_cookie.name);
    for name in ["theirs", &session] {
        holds(names.iter().any(|sent| sent == name), &format!("the cookie {name} is sent"))?;
    }
    Ok(())
}

/// Checks that `HEAD` does not follow a link, because programs check links with `HEAD` before
/// people do.
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
    let answer = visitor.ask("HEAD", &link, &[], b"")?;
    equal(answer.status, StatusCode::OK, "HEAD")?;
    holds(!is_confirmed(), "HEAD confirms nothing")?;
    visitor.get(&link)?;
    holds(is_confirmed(), "GET confirms")
}

/// Checks that a form of another site replaces no cookies, although some frameworks read another
/// method from a field of the form. The browser sends no cookies with it, but would store those of
/// the answer.
pub(super) fn a_form_of_another_site_sets_no_cookie(subject: &Subject) -> Result<(), Violation> {
    let lines: [&[u8]; 3] = [
        b"Content-Type: application/x-www-form-urlencoded",
        b"Origin: https://evil.test",
        b"Sec-Fetch-Site: cross-site",
    ];
    for method in ["get", "GET", "put", "delete", "post"] {
        for (name, value) in [("_method", method), ("x", "_method")] {
            let body = format!("{name}={value}&email=a&password=b");
            let answer = subject.visitor().ask("POST", "/login", &lines, body.as_bytes())?;
            holds(
                answer.cookies().is_empty(),
                "the answer to a form of another site has no cookie",
            )?;
        }
    }
    Ok(())
}

/// Returns the values of a header in the output of [`seen`](super::seen).
pub(super) fn said(seen: &Value, name: &str) -> Vec<String> {
    let all = seen.get("headers").and_then(Value::as_array);
    let all = all.map(Vec::as_slice).unwrap_or_default().iter().map(Value::as_array);
    let pairs = all.flatten().filter_map(|pair| match pair.as_slice() {
        [of, value] if of == name => value.as_str().map(unhex),
        _ => None,
    });
    pairs.collect()
}

fn unhex(hex: &str) -> String {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes = digits.chunks(2).filter_map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}
