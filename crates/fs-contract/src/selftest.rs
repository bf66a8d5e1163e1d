//! Tests of the replayer: recorded answers pass, and every way of corrupting them is noticed.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::canned::{Canned, Spoil};
use crate::corpus::{Corpus, File};
use crate::deviations::Deviations;
use crate::replay::{Options, SessionCookie, replay_all};
use crate::report::{Report, Verdict};
use crate::transport::{HttpAnswer, HttpRequest};

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| Corpus::shipped().unwrap());

fn exact() -> Options {
    Options { exact: true, session_cookie: SessionCookie::Strict, ..Options::default() }
}

fn run(corpus: &Corpus, options: &Options, spoil: Spoil) -> Report {
    replay_all(corpus, &mut Canned::new(corpus, options.exact, spoil), options)
}

fn as_recorded(_: &HttpRequest, _: &mut HttpAnswer) {}

/// Checks whether a request goes to the application instead of the control plane.
fn is_plain(request: &HttpRequest) -> bool {
    !request.target.starts_with("/__contract/")
}

fn change_header(answer: &mut HttpAnswer, name: &str, change: impl Fn(&str) -> String) {
    for (_, value) in answer.headers.iter_mut().filter(|(set, _)| set.eq_ignore_ascii_case(name)) {
        *value = change(value);
    }
}

fn change_body(answer: &mut HttpAnswer, from: &str, to: &str) {
    answer.body = String::from_utf8(answer.body.clone()).unwrap().replace(from, to).into_bytes();
}

fn change_outbox(request: &HttpRequest, answer: &mut HttpAnswer, change: fn(&mut Value)) {
    if request.target == "/__contract/outbox" {
        let mut outbox: Value = serde_json::from_slice(&answer.body).unwrap();
        change(&mut outbox);
        answer.body = outbox.to_string().into_bytes();
    }
}

fn drop_first(list: &mut Value) {
    let list = list.as_array_mut().unwrap();
    list.drain(..list.len().min(1));
}

/// Returns the lines of every scenario that failed.
fn failures(report: &Report) -> Vec<Vec<String>> {
    let scenarios = report.files.iter().flat_map(|file| &file.scenarios);
    let lines = scenarios.filter_map(|scenario| match &scenario.verdict {
        Verdict::Failed(lines) => Some(lines.clone()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn recorded_answers_pass_exactly() {
    let report = run(&CORPUS, &exact(), as_recorded);
    assert_eq!(report.counts().passed, 655, "{report}");
    assert!(report.is_success());
    assert_eq!(report.counts().requests, 2375);
}

/// Compares the numbers with those of the Python replayer on the reference.
#[test]
fn the_quirks_of_the_reference_fail_when_they_count() {
    let counts = run(&CORPUS, &Options::default(), as_recorded).counts();
    assert_eq!((counts.passed, counts.failed, counts.unsupported, counts.quirks), (608, 28, 0, 19));
}

#[test]
fn every_spoiled_answer_is_caught_where_it_is_spoiled() {
    let spoils: [(&str, Spoil); 10] = [
        ("  /status: 401 -> 403", |_, answer| {
            if answer.status == 401 {
                answer.status = 403;
            }
        }),
        ("  /content_type", |request, answer| {
            if is_plain(request) && answer.status < 500 {
                change_header(answer, "content-type", |_| "text/plain".to_owned());
            }
        }),
        ("  /location", |_, answer| {
            change_header(answer, "location", |at| at.replace("/login", "/enter"));
        }),
        ("  /www_authenticate", |_, answer| {
            answer.headers.retain(|(name, _)| name != "WWW-Authenticate");
        }),
        ("  /cookies", |_, answer| {
            change_header(answer, "set-cookie", |cookie| cookie.replace("; HttpOnly", ""));
        }),
        ("  /json", |_, answer| change_body(answer, "\"csrf_token\":", "\"csrf\":")),
        ("  /html/forms", |_, answer| {
            change_body(answer, "name=\"password\"", "name=\"passwd\"");
        }),
        ("  /notices", |_, answer| change_body(answer, "data-notice", "data-note")),
        ("  /mails", |request, answer| {
            change_outbox(request, answer, |outbox| drop_first(&mut outbox["mails"]));
        }),
        ("  /signals", |request, answer| {
            change_outbox(request, answer, |outbox| {
                for signal in outbox["signals"].as_array_mut().unwrap() {
                    drop_first(&mut signal["args"]);
                }
            });
        }),
    ];
    for (place, spoil) in spoils {
        let failed = failures(&run(&CORPUS, &exact(), spoil));
        assert!(failed.len() > 10, "{place} is seen {} times", failed.len());
        for lines in failed {
            assert!(lines.iter().any(|line| line.starts_with(place)), "{place}: {lines:#?}");
        }
    }
}

#[test]
fn a_session_cookie_that_is_not_sent_counts_when_it_should() {
    let silent: Spoil = |_, answer| {
        answer
            .headers
            .retain(|(name, value)| name != "Set-Cookie" || !value.starts_with("session=opaque"));
    };
    let loose = Options { session_cookie: SessionCookie::Loose, ..exact() };
    let count = |options| run(&CORPUS, options, silent).counts();
    // The remaining failures concern the removal of a cookie that the client now never had, or
    // reading it.
    assert!(count(&loose).failed * 10 < count(&exact()).failed);
}

#[test]
fn what_a_server_does_not_know_is_unsupported_and_not_passed() {
    let nothing: Spoil = |request, answer| {
        if request.target == "/__contract/reset" {
            *answer = refusal(501, "unknown key: SECURITY_X");
        }
    };
    let report = run(&CORPUS, &exact(), nothing);
    assert_eq!((report.counts().passed, report.counts().unsupported), (0, 655));
    assert!(report.to_string().contains(": unknown key: SECURITY_X"));
    let no_store: Spoil = |request, answer| {
        if request.target == "/__contract/store" {
            *answer = refusal(501, "store op");
        }
    };
    let counts = run(&CORPUS, &exact(), no_store).counts();
    assert!(counts.failed == 0 && counts.unsupported > 50 && counts.passed > 400, "{counts:?}");
}

fn refusal(status: u16, error: &str) -> HttpAnswer {
    HttpAnswer { status, headers: Vec::new(), body: json!({"error": error}).to_string().into() }
}

#[test]
fn configurations_are_refused_exactly_when_they_must_be() {
    let accept: Spoil = |request, answer| {
        if request.target == "/__contract/reset" {
            answer.status = 204;
        }
    };
    let failed = failures(&run(&CORPUS, &exact(), accept));
    assert_eq!(failed, vec![vec!["accepts a configuration that it must refuse".to_owned()]; 14]);
    let refuse: Spoil = |request, answer| {
        if request.target == "/__contract/reset" {
            *answer = refusal(422, "no");
        }
    };
    let report = run(&CORPUS, &exact(), refuse);
    assert_eq!(report.counts().passed, 14);
    assert_eq!(failures(&report)[0], ["refuses the configuration: no"]);
}

#[test]
fn a_control_plane_that_breaks_its_promise_fails() {
    let spoils: [Spoil; 4] = [
        |request, answer| {
            if request.target == "/__contract/outbox" {
                change_body(answer, "\"sms\"", "\"texts\"");
            }
        },
        |request, answer| {
            if request.target == "/__contract/outbox" {
                answer.status = 500;
            }
        },
        |request, answer| {
            if request.target == "/__contract/reset" && answer.status == 204 {
                answer.status = 200;
            }
        },
        |request, answer| {
            if is_plain(request) {
                answer.headers.push(("Set-Cookie".to_owned(), "x=1; Max-Age=soon".to_owned()));
            }
        },
    ];
    for spoil in spoils {
        // All scenarios fail except refused configurations and, for the last one, those that send
        // no request.
        assert!(run(&CORPUS, &exact(), spoil).counts().failed >= 621 - 14 - 2);
    }
}

// Tests of deviations.

/// Returns two scenarios of two steps each.
fn small() -> Corpus {
    let step = json!({"request": {"path": "/"}, "recorded": {"status": 200, "location": "/"}});
    let steps = json!([step, step]);
    let file = json!({"name": "f", "config": {}, "fixtures": {}, "scenarios": [
        {"name": "one", "steps": steps}, {"name": "two", "steps": steps}]});
    let file: File = serde_json::from_str(&file.to_string()).unwrap();
    Corpus::of(vec![file], true)
}

fn deviating(list: &str, spoil: Spoil) -> Report {
    let deviations = Deviations::parse(list).unwrap();
    run(&small(), &Options { deviations, ..Options::default() }, spoil)
}

const TEAPOT: Spoil = |request, answer| {
    if is_plain(request) {
        answer.status = 418;
    }
};

const INSTEAD: &str =
    "[[deviation]]\nscenario = 'f/*'\ninstead = { status = 418 }\nreason = 'tea'\n";

#[test]
fn a_deviation_replaces_or_skips_a_field_and_is_counted() {
    assert_eq!(failures(&deviating("", TEAPOT)).len(), 2);
    let report = deviating(INSTEAD, TEAPOT);
    assert!(report.is_success(), "{report}");
    assert_eq!((report.counts().passed, report.counts().deviating), (2, 2));
    let skip = "[[deviation]]\nscenario = 'f/one'\nskip = ['status']\nreason = 'tea'";
    let report = deviating(skip, TEAPOT);
    assert_eq!((report.counts().passed, report.counts().failed), (1, 1));
}

#[test]
fn a_deviation_for_one_step_leaves_the_others() {
    let second = INSTEAD.replace("instead", "step = 2\ninstead");
    let failed = failures(&deviating(&second, TEAPOT));
    assert_eq!(failed, vec![vec!["step 1: GET /", "  /status: 200 -> 418"]; 2]);
}

#[test]
fn a_deviation_leaves_scenarios_out() {
    let list = "[[deviation]]\nscenario = 'f/one'\nwhole = true\nreason = 'tea'";
    // The server is asked for the second scenario first, so it answers with the first one.
    let counts = deviating(list, as_recorded).counts();
    assert_eq!((counts.passed, counts.left_out, counts.deviating), (1, 1, 1));
}

#[test]
fn a_deviation_without_use_is_an_error_of_a_whole_replay() {
    for list in [INSTEAD.replace("f/*", "g/*"), INSTEAD.replace("418", "200")] {
        let report = deviating(&list, as_recorded);
        assert_eq!((report.counts().failed, report.idle.len()), (0, 1));
        assert!(!report.is_success());
    }
    let options = Options {
        deviations: Deviations::parse(&INSTEAD.replace("f/*", "g/*")).unwrap(),
        only: Some("o?e".to_owned()),
        ..Options::default()
    };
    let report = run(&small(), &options, as_recorded);
    assert_eq!((report.counts().passed, report.idle.len()), (1, 0));
}

#[test]
fn a_deviation_is_not_called_idle_for_a_scenario_that_did_not_end() {
    let later = INSTEAD.replace("instead", "step = 2\ninstead");
    assert!(deviating(&later, TEAPOT).idle.is_empty());
}

#[test]
fn an_exact_replay_knows_no_deviations() {
    let deviations = Deviations::parse(INSTEAD).unwrap();
    let options = Options { deviations, ..exact() };
    let report = run(&small(), &options, as_recorded);
    assert!(report.is_success(), "{report}");
    assert_eq!(run(&small(), &options, TEAPOT).counts().failed, 2);
}
