//! Conformance suite for stores, with one named rule per requirement.
//!
//! A backend runs the suite with one line in its tests. Each rule becomes a test of its own, with a
//! new and empty store:
//!
//! ```no_run
//! # mod backend {
//! use std::sync::Arc;
//! use fs_testkit::conformance::{FreshStore, NoStore};
//! # use fs_store_memory::MemoryStore as MyStore;
//!
//! async fn fresh() -> Result<FreshStore, NoStore> {
//!     Ok(FreshStore::new(Arc::new(MyStore::new())))
//! }
//!
//! fs_testkit::store_conformance!(fresh);
//! # }
//! ```
//!
//! A factory returns [`NoStore::NotRun`] if there is no server to test against. Each rule is then
//! reported by name as not run, on standard error.

mod batches;
pub(crate) mod check;
mod credentials;
mod facts;
mod guards;
mod limits;
mod lookups;
mod mails;
mod pages;
mod races;
mod roles;
mod sessions;
mod texts;
mod users;

use std::fmt;
use std::io::Write;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use fs_core::port::{CommitError, StoreError, UserStore};

/// Future of a rule or of a clean-up.
pub type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Empty store for one rule.
pub struct FreshStore {
    store: Arc<dyn UserStore>,
    cleanup: Option<Work<()>>,
}

impl FreshStore {
    /// Creates an entry for a store that needs no clean-up.
    pub fn new(store: Arc<dyn UserStore>) -> Self {
        Self { store, cleanup: None }
    }

    /// Sets the clean-up, which runs after the rule whether it succeeded or not.
    #[must_use]
    pub fn with_cleanup(mut self, cleanup: impl Future<Output = ()> + Send + 'static) -> Self {
        self.cleanup = Some(Box::pin(cleanup));
        self
    }
}

/// Reason why a conformance test has no store to check.
pub enum NoStore {
    /// No server is available; contains the reason. The test does not fail.
    NotRun(String),
    /// The store could not be created. The test fails.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for NoStore {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Requirement for stores.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Group of the rule: `users`, `sessions`, `races` …
    pub group: &'static str,
    /// Name of the rule.
    pub name: &'static str,
    /// Checks a new, empty store. Needs a tokio runtime.
    pub check: Check,
}

/// Function that checks whether a store meets a rule.
pub type Check = fn(Arc<dyn UserStore>) -> Work<Result<(), Violation>>;

/// Violation of a rule.
#[derive(Debug)]
pub struct Violation {
    what: String,
    place: &'static Location<'static>,
}

impl Violation {
    #[track_caller]
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: Location::caller() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.place)
    }
}

impl std::error::Error for Violation {}

impl From<StoreError> for Violation {
    #[track_caller]
    fn from(error: StoreError) -> Self {
        Self::new(format!("an error that should not be: {error}"))
    }
}

impl From<CommitError> for Violation {
    #[track_caller]
    fn from(error: CommitError) -> Self {
        Self::new(format!("an error that should not be: {error}"))
    }
}

/// Runs one rule against a store of the factory, for
/// [`store_conformance!`](crate::store_conformance).
///
/// # Errors
///
/// Returns [`Violation`] if the store cannot be created, violates the rule or panics.
pub fn run<F, Fut>(rule: Rule, factory: F) -> Result<(), Violation>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<FreshStore, NoStore>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Violation::new(error.to_string()))?;
    runtime.block_on(async {
        let fresh = match factory().await {
            Ok(fresh) => fresh,
            Err(NoStore::NotRun(reason)) => {
                not_run(rule.name, &reason);
                return Ok(());
            }
            Err(NoStore::Failed(error)) => {
                return Err(Violation::new(format!("no store could be made: {error}")));
            }
        };
        let outcome = tokio::spawn((rule.check)(fresh.store)).await;
        if let Some(cleanup) = fresh.cleanup {
            cleanup.await;
        }
        outcome.unwrap_or_else(|error| Err(Violation::new(format!("the store panicked: {error}"))))
    })
}

/// Reports that a test did not run. Writes past the test runner, which shows the output of failures
/// only.
pub fn not_run(test: &str, reason: &str) {
    // If standard error cannot be written, nobody reads the report.
    drop(writeln!(std::io::stderr(), "NOT RUN: {test}: {reason}"));
}

/// List of all rules.
pub const RULES: &[Rule] = crate::__each_store_rule!(__store_rule_list());

/// Returns the rule with that name, for [`store_conformance!`](crate::store_conformance).
///
/// # Errors
///
/// Returns [`Violation`] if there is no such rule.
pub fn rule(name: &str) -> Result<Rule, Violation> {
    let found = RULES.iter().find(|rule| rule.name == name).copied();
    found.ok_or_else(|| Violation::new(format!("there is no rule {name}")))
}

/// Creates one test for every rule. The argument is an `async fn() -> Result<FreshStore, NoStore>`.
#[macro_export]
macro_rules! store_conformance {
    ($factory:path) => {
        $crate::__each_store_rule!(__store_rule_tests($factory));
    };
}

/// Passes the list of rules to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_store_rule {
    ($then:ident $arguments:tt) => {
        $crate::$then! { $arguments
            users::a_user_is_kept_with_every_field
            users::a_bare_user_has_nothing_else
            users::a_receipt_names_the_new_users_in_order
            users::every_field_can_be_written_and_taken_back
            users::an_update_leaves_the_other_fields_alone
            users::a_deleted_user_is_gone_with_all_that_was_theirs
            users::taken_values_conflict_for_new_users
            users::taken_values_conflict_in_updates
            users::what_is_missing_is_not_taken
            users::a_user_may_keep_their_own_values
            lookups::every_lookup_finds_its_user_alone
            lookups::unknown_names_find_nobody
            lookups::exact_lookups_see_case_accents_and_blanks
            lookups::letters_of_either_case_are_the_same_on_demand
            lookups::the_exact_match_is_preferred_then_the_oldest
            lookups::similar_letters_are_not_the_same
            lookups::wildcards_are_plain_characters
            lookups::attributes_are_not_mixed_up
            lookups::an_empty_uniquifier_names_nobody
            pages::users_are_listed_by_address
            pages::pages_do_not_overlap
            roles::a_role_is_kept_with_every_field
            roles::roles_are_listed_by_name
            roles::role_names_are_exact_and_taken_once
            roles::permissions_are_replaced_where_they_are_as_expected
            roles::a_deleted_role_is_nobodys
            roles::a_new_user_needs_roles_that_exist
            roles::roles_are_granted_and_revoked_once
            roles::users_have_their_roles_by_name_and_as_they_are_now
            guards::every_field_can_be_expected
            guards::a_field_that_is_not_as_expected_is_stale
            guards::all_expectations_count
            guards::an_update_may_only_guard
            guards::nobody_cannot_be_changed
            sessions::a_session_is_kept_with_every_field
            sessions::a_session_comes_with_its_user_and_roles
            sessions::a_session_ends_at_its_expiry
            sessions::a_session_whose_uniquifier_is_nobodys_is_hidden
            sessions::a_taken_session_id_is_never_overwritten
            sessions::a_session_that_must_exist_ends_once
            sessions::ended_sessions_are_gone
            sessions::all_sessions_of_a_user_can_end_but_one
            sessions::sessions_are_listed_newest_first
            credentials::a_credential_is_kept_with_every_field
            credentials::a_credential_comes_with_its_owner_and_roles
            credentials::a_credential_ends_at_its_expiry
            credentials::credentials_are_listed_by_owner_and_kind_newest_first
            credentials::a_credential_needs_an_owner
            credentials::a_taken_credential_key_is_never_overwritten
            credentials::a_credential_is_replaced_at_its_revision_alone
            credentials::a_credential_keeps_its_kind_and_owner
            credentials::a_credential_can_be_removed_once
            credentials::sessions_end_with_their_credential
            credentials::all_credentials_of_a_kind_can_be_removed_but_one
            credentials::a_deleted_user_leaves_no_credentials
            credentials::a_failed_batch_leaves_credentials_as_they_were
            credentials::the_last_use_is_noted_and_never_goes_back
            credentials::a_credential_outlives_a_new_uniquifier
            limits::a_secret_is_spent_once
            limits::counting_stops_at_the_cap
            limits::a_count_can_be_taken_back
            limits::a_window_starts_with_its_first_count
            limits::counters_are_separate_and_can_be_reset
            limits::counters_in_opposite_order_are_all_counted
            mails::a_mail_is_kept_with_every_field
            mails::a_text_message_is_kept_as_one
            mails::a_claimed_mail_is_hidden_until_the_lease_ends
            mails::a_delivered_mail_is_gone
            mails::a_failed_mail_comes_back_when_due
            mails::a_mail_that_is_given_up_keeps_no_body
            mails::the_longest_due_mails_come_first
            mails::a_mail_of_a_known_id_changes_nothing
            batches::an_empty_batch_does_nothing
            batches::changes_see_the_ones_before
            batches::a_batch_that_fails_at_its_end_leaves_nothing
            batches::a_batch_that_fails_at_its_start_leaves_nothing
            batches::a_secret_is_not_burnt_by_a_batch_that_fails
            batches::the_audit_log_takes_entries
            races::one_update_of_many_wins
            races::one_user_of_many_of_a_recovery_code_wins
            races::one_spender_of_many_wins
            races::as_many_counts_win_as_are_allowed
            races::one_new_user_of_many_gets_the_address
            races::one_new_role_of_many_gets_the_name
            races::one_session_of_many_gets_the_id
            races::one_replacement_of_many_wins
            races::one_new_credential_of_many_gets_the_key
            races::one_rotation_of_many_wins
            races::one_removal_of_many_wins
            races::no_session_outlives_a_credential_that_is_removed
            races::one_grant_and_one_revocation_of_many_win
            races::one_change_of_permissions_of_many_wins
            races::one_deletion_of_many_wins
            races::no_mail_is_claimed_twice
            races::readers_never_see_half_a_batch
            races::batches_in_opposite_order_lose_nothing
            texts::every_script_is_kept
            texts::times_are_kept_to_the_microsecond
            texts::attributes_are_kept_as_they_are
            texts::long_values_are_kept_whole_or_refused
            texts::a_nul_character_never_cuts_a_value
            texts::quotes_and_sql_are_plain_text
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rule_list {
    (() $($group:ident :: $rule:ident)*) => {
        &[$(Rule {
            group: stringify!($group),
            name: stringify!($rule),
            check: |store| Box::pin($group::$rule(store)),
        }),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_rule_tests {
    (($factory:path) $($group:ident :: $rule:ident)*) => {
        $(
            #[test]
            fn $rule() -> ::std::result::Result<(), $crate::conformance::Violation> {
                $crate::conformance::run($crate::conformance::rule(stringify!($rule))?, $factory)
            }
        )*
    };
}
