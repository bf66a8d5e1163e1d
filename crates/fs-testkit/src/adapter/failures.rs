//! Rules for failures, which must not reach the client.

use http::StatusCode;

use super::{ANN, PANIC, Subject};
use crate::calls::{Fault, MADE_TO_FAIL};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};
use crate::site::Answer;

pub(super) fn a_panic_tells_nothing(subject: &Subject) -> Result<(), Violation> {
    for _ in 0..3 {
        let answer = subject.visitor().get("/panic")?;
        equal(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "the answer of a panic")?;
        holds(!everything_of(&answer).contains(PANIC), "a panic's text is not told")?;
    }
    equal(subject.visitor().get("/hello")?.text(), "hello".to_owned(), "the next request")
}

pub(super) fn a_panic_leaves_the_session_as_it_was(subject: &Subject) -> Result<(), Violation> {
    let mut visitor = subject.visitor();
    equal(visitor.get("/visits")?.text(), "1".to_owned(), "the first session")?;
    let status = visitor.get("/panic")?.status;
    equal(status, StatusCode::INTERNAL_SERVER_ERROR, "the answer of a panic")?;
    equal(visitor.get("/visits")?.text(), "2".to_owned(), "the second session that is counted")
}

pub(super) fn a_failing_store_tells_nothing(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    for accept in ["Accept: text/html", "Accept: application/json"] {
        for path in ["/user", "/group/inside", "/change"] {
            subject.site.calls.fail_at(0, Fault::Refused);
            let answer = ann.ask("GET", path, &[accept.as_bytes()], b"")?;
            let failed = subject.site.calls.disarm();
            holds(failed.is_some(), "the store was asked")?;
            holds(!everything_of(&answer).contains(MADE_TO_FAIL), "an error's text is not told")?;
            equal(answer.status, StatusCode::SERVICE_UNAVAILABLE, "a database out of reach")?;
        }
    }
    equal(ann.get("/user")?.text(), ANN.to_owned(), "the session, afterwards")
}

pub(super) fn a_failing_store_is_not_nobody(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    subject.site.calls.fail_at(0, Fault::Refused);
    let answer = ann.get("/maybe")?;
    let failed = subject.site.calls.disarm();
    holds(failed.is_some(), "the store was asked")?;
    holds(answer.status.is_server_error(), "whoever cannot be found out is not a stranger")
}

fn everything_of(answer: &Answer) -> String {
    let mut all = answer.text();
    for value in answer.headers.values() {
        all.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    all
}
