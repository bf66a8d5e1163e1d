//! Every rule holds without a fault, and catches the faults it is there for.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use fs_http::WebSecurity;
use fs_testkit::adapter::{RULES, Subject};

use crate::server::{Fault, start_with};

fs_testkit::adapter_kit!(start);

fn start(security: WebSecurity) -> SocketAddr {
    start_with(None, security)
}

const CAUGHT: &[(Fault, &str)] = &[
    (Fault::DropsRepeatedHeaders, "the_request_arrives_as_sent"),
    (Fault::TidiesTheQuery, "the_request_arrives_as_sent"),
    (Fault::BelievesEverybody, "the_peer_is_the_client"),
    (Fault::StumblesOverOddHeaders, "a_header_that_is_no_text_harms_nothing"),
    (Fault::ForgetsVary, "answers_are_those_of_the_library"),
    (Fault::WeakensCookies, "answers_are_those_of_the_library"),
    (Fault::AnswersMethodsItself, "methods_that_are_not_allowed_are_named"),
    (Fault::OverwritesCookies, "cookies_of_both_are_sent"),
    (Fault::TakesHeadForGet, "looking_at_a_link_is_not_following_it"),
    (Fault::ReadsWithoutLimit, "a_long_body_is_refused"),
    (Fault::ReadsToTheEnd, "a_body_without_end_is_refused_before_it"),
    (Fault::HandsOnWhatItRead, "a_long_body_is_handed_on_whole"),
    (Fault::ReadsNoForms, "a_form_may_bring_the_csrf_token"),
    (Fault::ClosesConnections, "a_connection_is_used_again"),
    (Fault::EndsWithItsClient, "a_client_that_goes_away_harms_nobody"),
    (Fault::ServesOneAtATime, "a_slow_client_holds_nobody_up"),
    (Fault::NeverUnlocksSessions, "one_session_may_ask_many_times_at_once"),
    (Fault::LetsPanicsThrough, "a_panic_tells_nothing"),
    (Fault::TellsPanics, "a_panic_tells_nothing"),
    (Fault::KeepsWhatPanicsLeave, "a_panic_leaves_the_session_as_it_was"),
    (Fault::TellsErrors, "a_failing_store_tells_nothing"),
    (Fault::Says401, "strangers_are_asked_to_sign_in"),
    (Fault::ForgetsRoles, "who_lacks_a_role_is_refused"),
    (Fault::AnswersForAnother, "a_developer_is_told_why"),
    (Fault::RefusesAtOnce, "asking_for_anybody_leaves_nothing_behind"),
    (Fault::WritesNoSession, "the_session_keeps_what_is_written"),
    (Fault::WritesNoSession, "a_handler_signs_in_and_out"),
];

#[test]
fn every_fault_is_caught_by_its_rule() {
    for (fault, name) in CAUGHT {
        let rule = RULES.iter().find(|rule| rule.name == *name).unwrap();
        let start = |security| start_with(Some(*fault), security);
        // Long enough for whoever answers at all.
        let kept = (rule.check)(&Subject::start(start, Duration::from_secs(3)));
        assert!(kept.is_err(), "{name} does not catch {fault:?}");
    }
}

#[test]
fn every_rule_has_caught_something() {
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    let caught: BTreeSet<_> = CAUGHT.iter().map(|(_, name)| *name).collect();
    assert_eq!(rules, caught);
    assert_eq!(rules.len(), RULES.len());
}
