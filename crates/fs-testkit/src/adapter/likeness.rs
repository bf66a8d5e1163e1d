//! Rules that answers are those of the library, byte for byte. Each answer is also produced by the
//! library directly, on the same site, and compared except for its random parts.

use bytes::Bytes;
use fs_core::authz::{Policy, Requirement};
use fs_http::BodyRead;
use futures::executor::block_on;
use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{ANN, ByPassword, EVE, Editor, Subject, editors};
use crate::calls::Fault;
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};
use crate::site::{Answer, BASE_URL, PASSWORD};
use crate::visitor::Visitor;

/// Request, as it is sent and as the library gets it.
struct Question<'a> {
    method: &'a str,
    path: &'a str,
    lines: Vec<(&'static str, String)>,
    body: String,
}

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
        let question = Question::new(method, path, accept, body);
        let expected = block_on(subject.site.answer(question.request()?));
        question.expect(&question.ask(&mut subject.visitor())?, &expected)?;
    }
    Ok(())
}

pub(super) fn refusals_are_those_of_the_library(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    for accept in ["text/html", "application/json"] {
        let signed_in = Requirement::signed_in();
        for (path, requirement) in [
            ("/user", &signed_in),
            ("/editors", Editor::requirement()),
            ("/group/inside", &editors()),
            ("/basic", ByPassword::requirement()),
        ] {
            let question = Question::new("GET", path, accept, "");
            let expected = question.refused(subject, requirement)?;
            question.expect(&question.ask(&mut subject.visitor())?, &expected)?;
            if path == "/editors" || path == "/group/inside" {
                let question = question.of(&ann);
                let expected = question.refused(subject, requirement)?;
                equal(expected.status(), StatusCode::FORBIDDEN, "who lacks the role")?;
                question.expect(&question.ask(&mut subject.visitor())?, &expected)?;
            }
        }
        let question = Question::new("POST", "/body", accept, "text=without+token").of(&ann);
        let expected = question.refused(subject, &signed_in)?;
        equal(expected.status(), StatusCode::BAD_REQUEST, "no CSRF token")?;
        question.expect(&question.ask(&mut subject.visitor())?, &expected)?;

        let question = Question::new("GET", "/user", accept, "").of(&ann);
        subject.site.calls.fail_at(0, Fault::Refused);
        let expected = question.refused(subject, &signed_in)?;
        subject.site.calls.fail_at(0, Fault::Refused);
        let answer = question.ask(&mut subject.visitor())?;
        subject.site.calls.disarm();
        question.expect(&answer, &expected)?;
    }
    equal(ann.get("/user")?.text(), ANN.to_owned(), "the session, afterwards")?;
    too_many(subject)
}

/// Checks that a client that guesses passwords is limited, and told how long to wait.
fn too_many(subject: &Subject) -> Result<(), Violation> {
    let mut question = Question::new("GET", "/basic", "application/json", "");
    let guess = data_encoding::BASE64.encode(format!("{EVE}:a guess").as_bytes());
    question.lines.push(("authorization", format!("Basic {guess}")));
    for _ in 0..100 {
        let answer = question.ask(&mut subject.visitor())?;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            holds(answer.headers.contains_key(RETRY_AFTER), "it is said how long to wait")?;
            let expected = question.refused(subject, ByPassword::requirement())?;
            return question.expect(&answer, &expected);
        }
        equal(answer.status, StatusCode::UNAUTHORIZED, "a wrong password")?;
    }
    Err(Violation::new("a hundred wrong passwords are not too many".to_owned()))
}

pub(super) fn cookies_are_those_of_the_library(subject: &Subject) -> Result<(), Violation> {
    let mut eve = subject.visitor();
    let token = eve.csrf_token()?;
    let typed = json!({ "email": EVE, "password": PASSWORD, "remember": true }).to_string();
    let mut question = Question::new("POST", "/login", "application/json", &typed).of(&eve);
    question.lines.push(("x-csrftoken", token));
    let expected = block_on(subject.site.answer(question.request()?));
    equal(expected.status(), StatusCode::OK, "signing in")?;
    let answer = question.ask(&mut subject.visitor())?;
    let cookies = cookies_of(expected.headers());
    holds(cookies.len() > 1, "the session and the remembered browser have a cookie")?;
    equal(cookies_of(&answer.headers), cookies.clone(), "the cookies of a sign-in")?;
    // Changes by a handler are written to a cookie with the same attributes.
    let visited = cookies_of(&subject.visitor().get("/visits")?.headers);
    holds(!visited.is_empty(), "the session that a handler wrote to has a cookie")?;
    holds(
        visited.iter().all(|cookie| cookies.contains(&cookie.replacen("-data", "", 1))),
        "the cookie of a handler's session",
    )
}

impl<'a> Question<'a> {
    fn new(method: &'a str, path: &'a str, accept: &str, body: &str) -> Self {
        let lines = vec![("accept", accept.to_owned()), ("content-type", accept.to_owned())];
        Self { method, path, lines, body: body.to_owned() }
    }

    /// Returns the question with the cookies of a visitor.
    fn of(mut self, visitor: &Visitor) -> Self {
        self.lines.push(("cookie", visitor.cookie_line()));
        self
    }

    fn request(&self) -> Result<Request<Bytes>, Violation> {
        let request = Request::builder().method(self.method);
        let request = request.uri(format!("{BASE_URL}{}", self.path)).header("host", "site.test");
        let lines = self.lines.iter();
        let request = lines.fold(request, |request, (name, value)| request.header(*name, value));
        let body = Bytes::from(self.body.clone());
        request.body(body).map_err(|error| Violation::new(error.to_string()))
    }

    /// Returns the library's answer to a request that does not meet the requirement.
    fn refused(
        &self,
        subject: &Subject,
        requirement: &Requirement,
    ) -> Result<Response<Bytes>, Violation> {
        let (head, _) = self.request()?.into_parts();
        let peer = Some([127, 0, 0, 1].into());
        block_on(async {
            let exchange = subject.site.web.open(&head, BodyRead::NotRead, peer).await;
            match exchange.check_user(requirement).await {
                Ok(_) => Err(Violation::new(format!("{} is let through", self.path))),
                Err(refusal) => Ok(exchange.finish(exchange.refuse(&refusal))),
            }
        })
    }

    fn ask(&self, visitor: &mut Visitor) -> Result<Answer, Violation> {
        let lines = self.lines.iter().map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<_> = lines.collect();
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        Ok(visitor.ask(self.method, self.path, &lines, self.body.as_bytes())?)
    }

    fn expect(&self, answer: &Answer, expected: &Response<Bytes>) -> Result<(), Violation> {
        let Self { method, path, .. } = self;
        let accept = self.lines.first().map_or("", |(_, accept)| accept);
        let what = format!("{method} {path} as {accept}");
        equal(answer.status, expected.status(), &format!("the status of {what}"))?;
        let (sent, wanted) = (lines_of(&answer.headers), lines_of(expected.headers()));
        for line in &wanted {
            let count = |lines: &[String]| lines.iter().filter(|other| *other == line).count();
            let what = format!("lines {line:?} in the answer to {what}");
            equal(count(&sent), count(&wanted), &what)?;
        }
        if *method == Method::HEAD.as_str() {
            return holds(answer.body.is_empty(), "HEAD has no body");
        }
        let is_error = answer.status.is_client_error() || answer.status.is_server_error();
        if is_error && accept == "application/json" {
            let wanted: Value = serde_json::from_slice(expected.body()).unwrap_or_default();
            equal(answer.json(), wanted, &format!("the body of {what}"))?;
        }
        Ok(())
    }
}

/// Returns the cookies of an answer, without their values.
fn cookies_of(headers: &HeaderMap) -> Vec<String> {
    let mut lines = lines_of(headers);
    lines.retain(|line| line.starts_with(SET_COOKIE.as_str()));
    lines
}

/// Returns the header lines of an answer, without their random parts.
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

/// Returns the text without the part between `start` and `end`.
fn without(text: &str, start: &str, end: &str) -> String {
    let Some((before, rest)) = text.split_once(start) else {
        return text.to_owned();
    };
    let after = rest.split_once(end).map_or("", |(_, after)| after);
    format!("{before}{start}{end}{after}")
}
