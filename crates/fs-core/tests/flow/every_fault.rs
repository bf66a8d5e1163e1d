//! Fault injection: runs a flow repeatedly, with a fault at each of its port calls.

use fs_core::event::Event;
use fs_core::port::OutgoingMail;
use fs_core::session::Session;
use fs_testkit::calls::Fault;
use fs_testkit::site::{Dump, Setup, Site};

/// Data and events after a run.
#[derive(PartialEq)]
struct Left {
    dump: Dump,
    mails: Vec<OutgoingMail>,
    events: Vec<Event>,
    signed_in: Option<String>,
}

async fn left(site: &Site, session: &Session) -> Left {
    let dump = site.dump().await;
    let signed_in = site.core().sessions().authenticate(&site.context(), session).await.unwrap();
    Left {
        dump,
        mails: site.mails().await,
        events: site.events.take(),
        signed_in: signed_in.map(|user| user.email.clone()),
    }
}

/// Checks whether the only write was the attempt, which a flow with a code counts before it checks
/// the code.
fn only_counted(left: &Left, before: &Left, done: &Left) -> bool {
    let counted = Dump { commits: before.dump.commits + 1, ..before.dump.clone() };
    done.dump.commits == counted.commits + 1 && left.dump == counted
}

/// Runs a flow without a fault, then with a fault at its first call, at its second, and so on.
///
/// Checks that a fault is an error and never a success. The change was committed completely with
/// its mails, or not at all with none. No session is newly signed in, and no event reports
/// something that did not happen.
pub(crate) async fn every_fault<S, E: std::fmt::Debug>(
    setup: impl Fn() -> Setup,
    prepare: impl AsyncFn(&Site, &mut Session) -> S,
    run: impl AsyncFn(&Site, &mut Session, S) -> Result<(), E>,
) {
    let start = async || {
        let site = setup().with_plain_mails().build();
        let mut session = Session::default();
        let state = prepare(&site, &mut session).await;
        site.mails().await;
        site.events.take();
        let before = left(&site, &session).await;
        (site, session, state, before)
    };
    let (site, mut session, state, before) = start().await;
    run(&site, &mut session, state).await.unwrap();
    let done = left(&site, &session).await;

    for fault in [Fault::Refused, Fault::AnswerLost] {
        for number in 0.. {
            let (site, mut session, state, same) = start().await;
            assert!(same == before, "runs must be alike");
            site.calls.fail_at(number, fault);
            let sign_in_before = session.sign_in().cloned();
            let result = run(&site, &mut session, state).await;
            let Some(call) = site.calls.disarm() else {
                assert!(number > 0, "no call could fail");
                result.unwrap();
                assert!(left(&site, &session).await == done, "runs must be alike");
                break;
            };
            let case = format!("{fault:?} at call {number}, {call:?}");
            assert!(result.is_err(), "{case}: said success");
            assert!(session.sign_in() == sign_in_before.as_ref(), "{case}: another session");
            let left = left(&site, &session).await;
            if left.dump == before.dump || only_counted(&left, &before, &done) {
                assert!(left.mails.is_empty(), "{case}: mailed what did not happen");
                assert_eq!(left.events, [], "{case}: told what did not happen");
            } else {
                // The last commits may only look for what concurrent requests wrote.
                let data = Dump { commits: done.dump.commits, ..left.dump };
                assert!(data == done.dump, "{case}: did half");
                assert!(left.mails == done.mails, "{case}: other mails");
                let told = left.events.iter().all(|event| done.events.contains(event));
                assert!(told, "{case}: told something else");
            }
            let was = left.signed_in.is_none() || left.signed_in == before.signed_in;
            assert!(was, "{case}: signed in");
        }
    }
}
