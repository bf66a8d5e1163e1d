//! Rules for guards, and for handlers that change the session.

use data_encoding::BASE64;
use fs_core::totp::{TotpRules, TotpSecret};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde_json::json;

use super::{ANN, DAN, EVE, FAY, Subject, TIM, TOTP};
use crate::calls::Call;
use crate::conformance::Violation;
use crate::conformance::check::{equal, holds};
use crate::site::{Answer, PASSWORD};
use crate::visitor::Visitor;

pub(super) fn strangers_are_asked_to_sign_in(subject: &Subject) -> Result<(), Violation> {
    let mut stranger = subject.visitor();
    for path in ["/user", "/editors", "/group/inside"] {
        let answer = stranger.get(path)?;
        equal(answer.status, StatusCode::FOUND, "a page's answer to a stranger")?;
        let to = answer.location().unwrap_or_default();
        holds(to.starts_with("/login?next="), "strangers are led to the sign-in page, and back")?;
        let answer = stranger.get_json(path)?;
        equal(answer.status, StatusCode::UNAUTHORIZED, "the answer in JSON")?;
        holds(answer.json().pointer("/response/error").is_some(), "JSON says what is wrong")?;
    }
    let mut ann = subject.signed_in(ANN)?;
    equal(ann.get("/user")?.text(), ANN.to_owned(), "who is signed in")
}

/// Checks that an unauthenticated WebSocket request is not redirected, because its client follows
/// no redirect.
pub(super) fn strangers_get_no_websocket(subject: &Subject) -> Result<(), Violation> {
    let lines: [&[u8]; 4] = [
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for path in ["/user", "/editors", "/group/inside"] {
        let visitor = subject.visitor();
        let mut connection = visitor.connect()?;
        connection.send(&visitor.head("GET", path, &lines))?;
        let answer = connection.answer(false)?;
        equal(answer.status, StatusCode::UNAUTHORIZED, "a stranger's WebSocket")?;
    }
    Ok(())
}

pub(super) fn a_missing_role_is_refused(subject: &Subject) -> Result<(), Violation> {
    let (mut ann, mut eve) = (subject.signed_in(ANN)?, subject.signed_in(EVE)?);
    for (path, says) in [("/editors", EVE), ("/group/inside", "inside")] {
        equal(ann.get(path)?.status, StatusCode::FORBIDDEN, "who lacks the role")?;
        let answer = eve.get(path)?;
        equal((answer.status, answer.text()), (StatusCode::OK, says.to_owned()), "who has it")?;
    }
    Ok(())
}

pub(super) fn one_request_is_from_one_person(subject: &Subject) -> Result<(), Violation> {
    let site = &subject.site;
    let cookie_of = |visitor: &Visitor, name: &str| {
        let line = visitor.cookie_line();
        let found = line.split("; ").find(|cookie| cookie.contains(name)).map(str::to_owned);
        found.ok_or_else(|| Violation::new(format!("no cookie {name} is set")))
    };
    let session = cookie_of(&subject.signed_in(ANN)?, "session")?;
    let mut fay = subject.visitor();
    let typed = json!({ "email": FAY, "password": PASSWORD, "remember": true });
    fay.post_json("/login", &typed)?;
    let remembered = cookie_of(&fay, "remember")?;
    let token = futures::executor::block_on(async {
        let mut eve = site.user(EVE).await?;
        site.core().auth_tokens().issue(&site.context(), &mut eve).await.ok()
    });
    let token = token.ok_or_else(|| Violation::new("there is no token".to_owned()))?;
    let token = format!("Authentication-Token: {}", token.expose());
    let basic = BASE64.encode(format!("{DAN}:{PASSWORD}").as_bytes());
    let basic = format!("Authorization: Basic {basic}");
    let both = format!("Cookie: {session}; {remembered}");
    let remembered = format!("Cookie: {remembered}");
    let cases: [(&[&String], &str, usize); 4] = [
        (&[&both, &token, &basic], EVE, 0),
        (&[&both, &basic], ANN, 0),
        (&[&remembered, &basic], FAY, 0),
        (&[&basic], DAN, 1),
    ];
    for (lines, who, compared) in cases {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        site.calls.take();
        let answer = subject.visitor().ask("GET", "/stacked/names", &lines, b"")?;
        let calls = site.calls.take();
        equal(answer.text(), format!("{who} {who} {who}"), "who three extractors name")?;
        let hashes = calls.iter().filter(|call| matches!(call, Call::Hash(_))).count();
        equal(hashes, compared, "how often a password is compared behind several guards")?;
    }
    Ok(())
}

pub(super) fn a_developer_is_told_why(subject: &Subject) -> Result<(), Violation> {
    let (mut stranger, mut ann) = (subject.visitor(), subject.signed_in(ANN)?);
    for path in ["/editors", "/group/inside"] {
        let trace = |answer: Answer, member: &str| {
            answer.json().pointer(&format!("/response/trace{member}")).cloned()
        };
        let absent = json!([
            { "by": "token", "found": "absent" },
            { "by": "session", "found": "absent" },
        ]);
        let tried = trace(stranger.get_json(path)?, "/tried");
        equal(tried, Some(absent), "what was tried to find out who a stranger is")?;
        let rule = trace(ann.get_json(path)?, "/rule");
        equal(rule, Some(json!("all roles of editor")), "the rule that was not met")?;
        let page = ann.get(path)?.text();
        holds(page.contains("Session: accepted."), "a page tells what was tried")?;
        stranger.get(path)?;
        let page = stranger.get("/login")?.text();
        let told = page.contains("Session: no credentials.");
        holds(told, "the page that a refused stranger is led to tells what was tried")?;
    }
    Ok(())
}

pub(super) fn asking_for_anybody_leaves_nothing_behind(subject: &Subject) -> Result<(), Violation> {
    let (mut stranger, mut ann) = (subject.visitor(), subject.signed_in(ANN)?);
    for path in ["/maybe", "/perhaps"] {
        let answer = stranger.get(path)?;
        let is = (answer.status, answer.text());
        equal(is, (StatusCode::OK, "nobody".to_owned()), "a stranger")?;
        let written = answer.headers.contains_key(SET_COOKIE);
        holds(!written, "nothing is written into the session")?;
        equal(ann.get(path)?.text(), ANN.to_owned(), "somebody")?;
    }
    Ok(())
}

pub(super) fn the_session_keeps_what_is_written(subject: &Subject) -> Result<(), Violation> {
    let (mut one, mut other) = (subject.visitor(), subject.visitor());
    equal(one.get("/visits")?.text(), "1".to_owned(), "the first session")?;
    equal(one.get("/visits")?.text(), "2".to_owned(), "the second session")?;
    equal(other.get("/visits")?.text(), "1".to_owned(), "the first session of another")
}

pub(super) fn a_handler_signs_in_and_out(subject: &Subject) -> Result<(), Violation> {
    let mut somebody = subject.visitor();
    equal(somebody.get("/enter")?.text(), "entered".to_owned(), "what signing in says")?;
    equal(somebody.get("/user")?.text(), ANN.to_owned(), "who is signed in")?;
    equal(somebody.get("/leave")?.text(), "left".to_owned(), "what signing out says")?;
    equal(somebody.get("/user")?.status, StatusCode::FOUND, "who is not signed in any more")
}

pub(super) fn a_handler_asks_for_the_second_factor(subject: &Subject) -> Result<(), Violation> {
    let mut tim = subject.visitor();
    let answer = tim.get(&format!("/enter?{TIM}"))?;
    let asked = (answer.status, answer.location().unwrap_or_default().to_owned());
    equal(asked, (StatusCode::FOUND, "/tf-validate".to_owned()), "the answer of a handler")?;
    equal(tim.get("/user")?.status, StatusCode::FOUND, "who is not signed in yet")?;
    let secret =
        TotpSecret::from_base32(TOTP).map_err(|error| Violation::new(error.to_string()))?;
    let code = TotpRules::default().code_at(&secret, subject.site.core().now());
    let answer = tim.post_json("/tf-validate", &json!({ "code": code.expose() }))?;
    equal(answer.status, StatusCode::OK, "the second factor")?;
    equal(tim.get("/user")?.text(), TIM.to_owned(), "who is signed in")
}
