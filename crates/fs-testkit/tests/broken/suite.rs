//! Tests that each fault is caught by its rule.

use std::collections::BTreeSet;
use std::sync::Arc;

use fs_testkit::conformance::{FreshStore, RULES, rule, run};

use crate::store::{Broken, Fault};

/// Rule that must catch each fault.
const CAUGHT: &[(Fault, &str)] = &[
    (Fault::ForgetsAttributes, "a_user_is_kept_with_every_field"),
    (Fault::ReversesReceipts, "a_receipt_names_the_new_users_in_order"),
    (Fault::ForgetsToClear, "every_field_can_be_written_and_taken_back"),
    (Fault::UpdatesMore, "an_update_leaves_the_other_fields_alone"),
    (Fault::LeavesSessionsOfTheDeleted, "a_deleted_user_is_gone_with_all_that_was_theirs"),
    (Fault::BlamesTheAddress, "taken_values_conflict_for_new_users"),
    (Fault::BlamesTheAddress, "taken_values_conflict_in_updates"),
    (Fault::IgnoresCaseAlways, "exact_lookups_see_case_accents_and_blanks"),
    (Fault::TrimsBlanks, "exact_lookups_see_case_accents_and_blanks"),
    (Fault::KnowsAsciiOnly, "letters_of_either_case_are_the_same_on_demand"),
    (Fault::PrefersTheNewest, "the_exact_match_is_preferred_then_the_oldest"),
    (Fault::FoldsThroughUpperCase, "similar_letters_are_not_the_same"),
    (Fault::MatchesWildcards, "wildcards_are_plain_characters"),
    (Fault::SearchesEveryAttribute, "attributes_are_not_mixed_up"),
    (Fault::OpensByEmptyUniquifiers, "an_empty_uniquifier_names_nobody"),
    (Fault::ListsBackwards, "users_are_listed_by_address"),
    (Fault::OverlapsPages, "pages_do_not_overlap"),
    (Fault::ListsRolesBackwards, "users_have_their_roles_by_name_and_as_they_are_now"),
    (Fault::OverwritesPermissions, "permissions_are_replaced_where_they_are_as_expected"),
    (Fault::OverwritesPermissions, "one_change_of_permissions_of_many_wins"),
    (Fault::GrantsAgain, "roles_are_granted_and_revoked_once"),
    (Fault::GrantsAgain, "one_grant_and_one_revocation_of_many_win"),
    (Fault::IgnoresExpectations, "a_field_that_is_not_as_expected_is_stale"),
    (Fault::ChecksTheFirstExpectation, "all_expectations_count"),
    (Fault::IgnoresEmptyUpdates, "an_update_may_only_guard"),
    (Fault::IgnoresEmptyUpdates, "nobody_cannot_be_changed"),
    (Fault::ForgetsTheBrowser, "a_session_is_kept_with_every_field"),
    (Fault::ShowsExpiredSessions, "a_session_ends_at_its_expiry"),
    (Fault::EndsSessionsLate, "a_session_ends_at_its_expiry"),
    (Fault::OverwritesSessions, "a_taken_session_id_is_never_overwritten"),
    (Fault::OverwritesSessions, "one_session_of_many_gets_the_id"),
    (Fault::EndsSessionsThatAreGone, "a_session_that_must_exist_ends_once"),
    (Fault::EndsSessionsThatAreGone, "one_replacement_of_many_wins"),
    (Fault::SparesNoSession, "all_sessions_of_a_user_can_end_but_one"),
    (Fault::TakesSentCodesForSignIns, "a_session_is_kept_with_every_field"),
    (Fault::TakesSentCodesForSignIns, "sessions_are_listed_newest_first"),
    (Fault::ListsSessionsBackwards, "sessions_are_listed_newest_first"),
    (Fault::ForgetsParents, "a_session_is_kept_with_every_field"),
    (Fault::LeavesCredentialsOfTheDeleted, "a_deleted_user_leaves_no_credentials"),
    (Fault::ShowsExpiredCredentials, "a_credential_ends_at_its_expiry"),
    (Fault::ListsAllKinds, "credentials_are_listed_by_owner_and_kind_newest_first"),
    (Fault::ListsCredentialsBackwards, "credentials_are_listed_by_owner_and_kind_newest_first"),
    (Fault::OverwritesCredentials, "a_taken_credential_key_is_never_overwritten"),
    (Fault::OverwritesCredentials, "one_new_credential_of_many_gets_the_key"),
    (Fault::IgnoresRevisions, "a_credential_is_replaced_at_its_revision_alone"),
    (Fault::IgnoresRevisions, "one_rotation_of_many_wins"),
    (Fault::RemovesAgain, "a_credential_can_be_removed_once"),
    (Fault::RemovesAgain, "one_removal_of_many_wins"),
    (Fault::OrphansSessions, "sessions_end_with_their_credential"),
    (Fault::SparesNoCredential, "all_credentials_of_a_kind_can_be_removed_but_one"),
    (Fault::ForgetsUses, "the_last_use_is_noted_and_never_goes_back"),
    (Fault::UsesGoBackwards, "the_last_use_is_noted_and_never_goes_back"),
    (Fault::CutsCredentialValues, "a_credential_is_kept_with_every_field"),
    (Fault::SpendsAgain, "a_secret_is_spent_once"),
    (Fault::SpendsAgain, "one_spender_of_many_wins"),
    (Fault::CountsOneMore, "counting_stops_at_the_cap"),
    (Fault::CountsOneMore, "as_many_counts_win_as_are_allowed"),
    (Fault::TakesTheWholeCountBack, "a_count_can_be_taken_back"),
    (Fault::HasLongerWindows, "a_window_starts_with_its_first_count"),
    (Fault::CountsAllTogether, "counters_are_separate_and_can_be_reset"),
    (Fault::CountsAllTogether, "counters_in_opposite_order_are_all_counted"),
    (Fault::CutsMails, "a_mail_is_kept_with_every_field"),
    (Fault::MailsTextMessages, "a_text_message_is_kept_as_one"),
    (Fault::LeasesForNoTime, "a_claimed_mail_is_hidden_until_the_lease_ends"),
    (Fault::LeasesForNoTime, "no_mail_is_claimed_twice"),
    (Fault::KeepsDeliveredMails, "a_delivered_mail_is_gone"),
    (Fault::CountsNoAttempts, "a_failed_mail_comes_back_when_due"),
    (Fault::KeepsWhatIsGivenUp, "a_mail_that_is_given_up_keeps_no_body"),
    (Fault::ClaimsBackwards, "the_longest_due_mails_come_first"),
    (Fault::ReplacesMails, "a_mail_of_a_known_id_changes_nothing"),
    (Fault::CommitsOneByOne, "a_batch_that_fails_at_its_end_leaves_nothing"),
    (Fault::CommitsOneByOne, "a_secret_is_not_burnt_by_a_batch_that_fails"),
    (Fault::CommitsOneByOne, "readers_never_see_half_a_batch"),
    (Fault::CommitsBackwards, "changes_see_the_ones_before"),
    (Fault::GoesOnAfterFailures, "a_batch_that_fails_at_its_start_leaves_nothing"),
    (Fault::LooksThenWrites, "one_update_of_many_wins"),
    (Fault::CutsLongValues, "long_values_are_kept_whole_or_refused"),
    (Fault::CutsAtNul, "a_nul_character_never_cuts_a_value"),
    (Fault::KeepsWholeSeconds, "times_are_kept_to_the_microsecond"),
    (Fault::ReplacesStrangeCharacters, "every_script_is_kept"),
    (Fault::SaysUnavailable, "an_empty_batch_does_nothing"),
];

fn outcome(fault: Option<Fault>, name: &str) -> Result<(), String> {
    let fresh = || async move { Ok(FreshStore::new(Arc::new(Broken::new(fault)))) };
    run(rule(name).unwrap(), fresh).map_err(|violation| violation.to_string())
}

#[test]
fn every_fault_is_caught_by_its_rule() {
    for (fault, name) in CAUGHT {
        assert_eq!(outcome(None, name), Ok(()), "{name} without a fault");
        assert!(outcome(Some(*fault), name).is_err(), "{name} does not catch {fault:?}");
    }
}

#[test]
fn every_group_of_rules_has_caught_something() {
    let groups: BTreeSet<_> = RULES.iter().map(|rule| rule.group).collect();
    let caught: BTreeSet<_> = CAUGHT.iter().map(|(_, name)| rule(name).unwrap().group).collect();
    assert_eq!(groups, caught);
}

#[test]
fn a_store_that_panics_keeps_no_rule() {
    let said = outcome(Some(Fault::Panics), "an_empty_batch_does_nothing").unwrap_err();
    assert!(said.contains("panicked"), "{said}");
}

#[test]
fn rules_have_names_of_their_own() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}
