//! Rules for bodies: their limit, and passing them on.

use http::StatusCode;

use super::{ANN, Subject};
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};

const FORM: &[u8] = b"Content-Type: application/x-www-form-urlencoded";

const MULTIPART: &[u8] = b"Content-Type: multipart/form-data; boundary=x";

fn limit(subject: &Subject) -> usize {
    subject.site.web.config().body_limit
}

pub(super) fn a_long_body_is_refused(subject: &Subject) -> Result<(), Violation> {
    let mut stranger = subject.visitor();
    let body = vec![b'a'; limit(subject) + 1];
    let answer = stranger.ask("POST", "/login", &[FORM], &body)?;
    equal(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "a body of one byte too many")?;
    let body = vec![b'a'; limit(subject)];
    let answer = stranger.ask("POST", "/login", &[FORM], &body)?;
    holds(answer.status != StatusCode::PAYLOAD_TOO_LARGE, "the longest body is read")
}

pub(super) fn a_body_without_end_is_refused_before_it(subject: &Subject) -> Result<(), Violation> {
    let stranger = subject.visitor();
    let mut connection = stranger.connect()?;
    let head = stranger.head("POST", "/login", &[FORM, b"Transfer-Encoding: chunked"]);
    connection.send(&head)?;
    let chunk = vec![b'a'; limit(subject) + 1];
    connection.send(format!("{:x}\r\n", chunk.len()).as_bytes())?;
    connection.send(&chunk)?;
    connection.send(b"\r\n")?;
    // The last chunk is never sent, so an adapter that waits for it waits forever.
    let answer = connection.answer(false)?;
    equal(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "a body without end")
}

pub(super) fn a_long_body_is_handed_on_whole(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    let token = format!("X-CSRFToken: {}", ann.csrf_token()?);
    for length in [10, limit(subject) + 1, 3 * limit(subject)] {
        let body = vec![b'a'; length];
        let answer = ann.ask("POST", "/body", &[FORM, token.as_bytes()], &body)?;
        let is = (answer.status, answer.text());
        equal(is, (StatusCode::OK, length.to_string()), "the length that the handler sees")?;
    }
    Ok(())
}

pub(super) fn a_form_may_bring_the_csrf_token(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    let token = ann.csrf_token()?;
    let mut form = format!("csrf_token={token}&text=").into_bytes();
    form.resize(2_000, b'a');
    let answer = ann.ask("POST", "/body", &[FORM], &form)?;
    let is = (answer.status, answer.text());
    equal(is, (StatusCode::OK, "2000".to_owned()), "a form with its token first")?;
    let answer = ann.ask("POST", "/body", &[FORM], b"text=a&more=b")?;
    equal(answer.status, StatusCode::BAD_REQUEST, "a form without a token")
}

pub(super) fn the_frameworks_forms_work_behind_it(subject: &Subject) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    let form = format!("csrf_token={}&text=caf%C3%A9+%26+more", ann.csrf_token()?);
    let answer = ann.ask("POST", "/form", &[FORM], form.as_bytes())?;
    let is = (answer.status, answer.text());
    equal(is, (StatusCode::OK, "caf\u{e9} & more".to_owned()), "the field that the handler sees")
}

/// Checks that the token is found in uploads that are longer than the part searched for it, and
/// that contain bytes of every kind.
pub(super) fn the_token_of_an_upload_is_found_in_its_first_field(
    subject: &Subject,
) -> Result<(), Violation> {
    let mut ann = subject.signed_in(ANN)?;
    let token = ann.csrf_token()?;
    let first = format!(
        "--x\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\n{token}\r\n--x\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    for length in [10, limit(subject) + 1, 300 * 1024] {
        let file: Vec<u8> = (0..=255).cycle().take(length).collect();
        let upload = [first.as_bytes(), &file, b"\r\n--x--\r\n"].concat();
        let mut form = format!("csrf_token={token}&text=").into_bytes();
        form.resize(form.len() + length, b'a');
        for (kind, body) in [(MULTIPART, upload), (FORM, form)] {
            let answer = ann.ask("POST", "/body", &[kind], &body)?;
            let is = (answer.status, answer.text());
            equal(
                is,
                (StatusCode::OK, body.len().to_string()),
                "a large form with its token first",
            )?;
        }
    }
    let without = [b"--x\r\n".as_slice(), first.split_at(first.len() / 2).1.as_bytes()].concat();
    let answer = ann.ask("POST", "/body", &[MULTIPART], &without)?;
    equal(answer.status, StatusCode::BAD_REQUEST, "an upload without a token")
}

/// Checks that a body that is too long is answered, because many clients read no answer before they
/// have sent everything.
pub(super) fn an_oversized_body_is_answered(subject: &Subject) -> Result<(), Violation> {
    // Larger than the socket buffers.
    let body = vec![b'a'; 7 << 20];
    let answer = subject.visitor().ask("POST", "/login", &[FORM], &body)?;
    equal(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "a body of seven megabytes")
}
