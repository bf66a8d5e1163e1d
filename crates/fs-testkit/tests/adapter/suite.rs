//! Tests that every rule holds without a fault, and catches the faults that it exists for.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use fs_http::WebSecurity;
use fs_testkit::adapter::{RULES, Rule, Subject, http2};

use crate::server::{Fault, start_with};

fs_testkit::adapter_kit!(start, http2);

fn start(security: WebSecurity) -> SocketAddr {
    start_with(None, security)
}

/// Rule that catches each fault, and words of its message.
const CAUGHT: &[(Fault, &str, &str)] = &[
    (Fault::DropsRepeatedHeaders, "the_request_arrives_as_sent", "a repeated header"),
    (Fault::TidiesTheQuery, "the_request_arrives_as_sent", "the query"),
    (Fault::TakesHeadersForLatin1, "the_request_arrives_as_sent", "a repeated header"),
    (Fault::ForgetsTheHost, "http2_arrives_as_sent", "the host"),
    (Fault::DropsRepeatedHeaders, "http2_arrives_as_sent", "the cookies"),
    (Fault::BelievesEverybody, "the_peer_is_the_client", "the address that nobody can forge"),
    (Fault::ForgetsThePeer, "the_peer_is_the_client", "the address that nobody can forge"),
    (Fault::DropsOddCookies, "cookies_of_others_do_not_matter", "who is signed in beside"),
    (Fault::TakesAddressesForPaths, "a_target_may_be_a_whole_address", "the path of a whole"),
    (
        Fault::GivesUpOnLongForms,
        "the_token_of_an_upload_is_found_in_its_first_field",
        "a large form with its token first",
    ),
    (Fault::HangsUpOnLongBodies, "an_oversized_body_is_answered", "no answer"),
    (Fault::ForgetsUpgrades, "strangers_get_no_websocket", "a stranger's WebSocket"),
    (Fault::StumblesOverOddHeaders, "a_header_that_is_no_text_harms_nothing", "no answer"),
    (Fault::ForgetsVary, "answers_are_those_of_the_library", "lines \"vary: Cookie"),
    (Fault::WeakensCookies, "answers_are_those_of_the_library", "lines \"set-cookie"),
    (Fault::AnswersMethodsItself, "methods_that_are_not_allowed_are_named", "missing: Allow"),
    (Fault::OverwritesCookies, "cookies_of_both_are_sent", "the cookie theirs"),
    (Fault::TakesHeadForGet, "looking_at_a_link_is_not_following_it", "HEAD: is"),
    (Fault::DropsOrigins, "a_form_of_another_site_sets_no_cookie", "has no cookie"),
    (Fault::ReadsWithoutLimit, "a_long_body_is_refused", "a body of one byte too many"),
    (Fault::ReadsToTheEnd, "a_body_without_end_is_refused_before_it", "no answer"),
    (
        Fault::HandsOnWhatItRead,
        "a_long_body_is_handed_on_whole",
        "the length that the handler sees",
    ),
    (Fault::ReadsNoForms, "a_form_may_bring_the_csrf_token", "a form with its token first"),
    (Fault::KeepsForms, "the_frameworks_forms_work_behind_it", "the field that the handler sees"),
    (Fault::ClosesConnections, "a_connection_is_used_again", "no answer"),
    (Fault::EndsWithItsClient, "a_client_that_goes_away_harms_nobody", "no answer"),
    (Fault::ServesOneAtATime, "a_slow_client_holds_nobody_up", "no answer"),
    (Fault::NeverUnlocksSessions, "one_session_may_ask_many_times_at_once", "one of many requests"),
    (Fault::LetsPanicsThrough, "a_panic_tells_nothing", "no answer"),
    (Fault::TellsPanics, "a_panic_tells_nothing", "a panic's text is not told"),
    (
        Fault::KeepsWhatPanicsLeave,
        "a_panic_leaves_the_session_as_it_was",
        "the second session that is counted",
    ),
    (Fault::TellsErrors, "a_failing_store_tells_nothing", "an error's text is not told"),
    (Fault::TakesFailuresForNobody, "a_failing_store_is_not_nobody", "is not a stranger"),
    (Fault::Says401, "strangers_are_asked_to_sign_in", "a page's answer to a stranger"),
    (Fault::ForgetsRoles, "a_missing_role_is_refused", "who lacks the role"),
    (
        Fault::AsksEachGuardAnew,
        "one_request_is_from_one_person",
        "how often a password is compared",
    ),
    (Fault::AnswersForAnother, "a_developer_is_told_why", "what was tried"),
    (
        Fault::RefusesAtOnce,
        "asking_for_anybody_leaves_nothing_behind",
        "nothing is written into the session",
    ),
    (Fault::WritesNoSession, "the_session_keeps_what_is_written", "the second session"),
    (Fault::WritesNoSession, "a_handler_signs_in_and_out", "who is signed in"),
    (
        Fault::TakesAnswersForTexts,
        "a_handler_asks_for_the_second_factor",
        "the answer of a handler",
    ),
    (Fault::SaysNoMoreThanStatus, "refusals_are_those_of_the_library", "the status of GET /user"),
    (Fault::WeakensCookies, "cookies_are_those_of_the_library", "the cookies of a sign-in"),
    (
        Fault::WeakensCookiesOfHandlers,
        "cookies_are_those_of_the_library",
        "the cookie of a handler's session",
    ),
];

fn every_rule() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().chain([&http2::RULE])
}

#[test]
fn every_fault_is_caught_by_its_rule() {
    for (fault, name, words) in CAUGHT {
        let rule = every_rule().find(|rule| rule.name == *name).unwrap();
        let start = |security| start_with(Some(*fault), security);
        // Long enough for any server that answers at all.
        let kept = (rule.check)(&Subject::start(start, Duration::from_secs(3)));
        let violation = kept.err().map(|violation| violation.to_string());
        let caught = violation.as_ref().is_some_and(|violation| violation.contains(words));
        assert!(caught, "{name} does not catch {fault:?}, but says {violation:?}");
    }
}

#[test]
fn every_rule_has_caught_something() {
    let rules: BTreeSet<_> = every_rule().map(|rule| rule.name).collect();
    let caught: BTreeSet<_> = CAUGHT.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(rules, caught);
    assert_eq!(rules.len(), every_rule().count());
}
