//! Test suite for adapters, with one named rule per requirement.
//!
//! It is for authors of an adapter to another framework. Write the small application below on your
//! adapter, and start it for the site that each rule passes to you. The rules talk to it over TCP,
//! and read and change the site directly.
//!
//! | route | its handler |
//! | --- | --- |
//! | `GET /hello` | returns `hello` |
//! | `GET /seen` | returns [`seen`] |
//! | `GET /user` | requires a signed-in user, and returns the address |
//! | `GET /maybe` | takes an optional user, and returns the address or `nobody` |
//! | `GET /perhaps` | does the same with the framework's own optional extractor, such as `Option` or `catch` |
//! | `GET /basic` | requires a user who satisfies the policy [`ByPassword`], and returns the address |
//! | `GET /editors` | requires a user who satisfies the policy [`Editor`], and returns the address |
//! | `GET /stacked/names` | is in a group of routes with the requirement [`every_way`]; takes an optional user, a signed-in user, and a user who satisfies the policy [`EveryWay`]; returns [`names`] of the three |
//! | `GET /group/inside` | is in a group of routes with the requirement [`editors`], and returns `inside` |
//! | `GET /visits` | returns [`visits`] |
//! | `GET /cookie` | sets a cookie `theirs=1` by the framework's own means, and returns [`visits`] |
//! | `GET /enter` | answers with [`enter`] |
//! | `GET /leave` | returns [`leave`] |
//! | `POST /body` | requires a signed-in user, takes a body of up to a megabyte, and returns its length |
//! | `POST /form` | requires a signed-in user, takes a form with the framework's own extractor, and returns its field `text` |
//! | `GET /panic` | calls [`panics`] |
//!
//! If the framework supports HTTP/2 without TLS, enable the feature `http2`, serve both versions on
//! the same port, and write `adapter_kit!(start, http2)`.

mod answers;
mod application;
mod bodies;
mod connections;
mod failures;
mod guards;
#[cfg(feature = "http2")]
pub mod http2;
mod likeness;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fs_core::config::TwoFactor;
use fs_http::WebSecurity;

pub use application::{
    ByPassword, Editor, EveryWay, PANIC, editors, enter, every_way, leave, names, panics, seen,
    visits,
};

use crate::conformance::Violation;
use crate::site::{PASSWORD, Setup, Site};
use crate::visitor::Visitor;

/// Maximum time that the tests wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Address of a user without roles.
const ANN: &str = "ann@site.test";
/// Address of an editor.
const EVE: &str = "eve@site.test";
/// Address of a user who authenticates each request with name and password.
const DAN: &str = "dan@site.test";
/// Address of a user with a remembered session.
const FAY: &str = "fay@site.test";
/// Address of a user with a second factor.
const TIM: &str = "tim@site.test";
/// Secret of Tim's authenticator app, in base32.
const TOTP: &str = "QZYG4LIFYA4GPLCVVI2QNQAY4O6BPQSY";

/// Server that runs the application of the kit, with the site behind it.
pub struct Subject {
    site: Site,
    address: SocketAddr,
    patience: Duration,
}

/// Requirement for adapters.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Group of the rule: `bodies`, `guards` …
    pub group: &'static str,
    /// Name of the rule.
    pub name: &'static str,
    /// Function that checks whether a server keeps the rule.
    pub check: fn(&Subject) -> Result<(), Violation>,
}

impl Subject {
    /// Starts a server with `start` for a new site. `patience` is the maximum time to wait for an
    /// answer.
    pub fn start(start: impl FnOnce(WebSecurity) -> SocketAddr, patience: Duration) -> Self {
        let mut setup = Setup::standard();
        setup.http.explain_refusals = true;
        // Links act on GET, so that an adapter that converts HEAD to GET is noticed.
        setup.http.links_ask_first = false;
        setup.config.two_factor = Some(TwoFactor::default());
        let site = setup.build();
        futures::executor::block_on(async {
            for email in [ANN, EVE, TIM, DAN, FAY] {
                site.add_user(email).await;
            }
            application::make_editor(&site, EVE).await;
            application::give_second_factor(&site, TIM).await;
        });
        let address = start(site.web.clone());
        Self { site, address, patience }
    }

    fn visitor(&self) -> Visitor {
        Visitor::new(self.address, self.patience)
    }

    fn signed_in(&self, email: &str) -> Result<Visitor, Violation> {
        let mut visitor = self.visitor();
        let answer = visitor.sign_in(email, PASSWORD)?;
        match answer.status.is_success() {
            true => Ok(visitor),
            false => Err(Violation::new(format!("signing in is answered {}", answer.status))),
        }
    }
}

impl From<io::Error> for Violation {
    #[track_caller]
    fn from(error: io::Error) -> Self {
        Self::new(format!("no answer: {error}"))
    }
}

/// Checks a server against one rule, for [`adapter_kit!`](crate::adapter_kit).
///
/// # Errors
///
/// Returns [`Violation`] if the adapter violates the rule, or if no rule has that name.
pub fn run(name: &str, start: impl FnOnce(WebSecurity) -> SocketAddr) -> Result<(), Violation> {
    let rule = RULES.iter().find(|rule| rule.name == name);
    let rule = rule.ok_or_else(|| Violation::new(format!("there is no rule {name}")))?;
    (rule.check)(&Subject::start(start, PATIENCE))
}

/// List of all rules.
pub const RULES: &[Rule] = crate::__each_adapter_rule!(__adapter_rule_list());

/// Creates one test for every rule. The argument is a `fn(WebSecurity) -> SocketAddr` that starts
/// the application of [the kit](crate::adapter) and returns the address that it listens on. Append
/// `, http2` for a test of HTTP/2 as well.
#[macro_export]
macro_rules! adapter_kit {
    ($start:path) => {
        $crate::__each_adapter_rule!(__adapter_rule_tests($start));
    };
    ($start:path, http2) => {
        $crate::adapter_kit!($start);

        #[test]
        fn http2_arrives_as_sent() -> ::std::result::Result<(), $crate::conformance::Violation> {
            $crate::adapter::http2::run($start)
        }
    };
}

/// Passes the list of rules to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_adapter_rule {
    ($then:ident $arguments:tt) => {
        $crate::$then! { $arguments
            answers::the_request_arrives_as_sent
            answers::the_peer_is_the_client
            answers::a_header_that_is_no_text_harms_nothing
            answers::cookies_of_others_do_not_matter
            answers::a_target_may_be_a_whole_address
            answers::methods_that_are_not_allowed_are_named
            answers::cookies_of_both_are_sent
            answers::looking_at_a_link_is_not_following_it
            answers::a_form_of_another_site_sets_no_cookie
            bodies::a_long_body_is_refused
            bodies::a_body_without_end_is_refused_before_it
            bodies::a_long_body_is_handed_on_whole
            bodies::a_form_may_bring_the_csrf_token
            bodies::the_frameworks_forms_work_behind_it
            bodies::the_token_of_an_upload_is_found_in_its_first_field
            bodies::an_oversized_body_is_answered
            connections::a_connection_is_used_again
            connections::a_client_that_goes_away_harms_nobody
            connections::a_slow_client_holds_nobody_up
            connections::one_session_may_ask_many_times_at_once
            failures::a_panic_tells_nothing
            failures::a_panic_leaves_the_session_as_it_was
            failures::a_failing_store_tells_nothing
            failures::a_failing_store_is_not_nobody
            guards::strangers_are_asked_to_sign_in
            guards::strangers_get_no_websocket
            guards::a_missing_role_is_refused
            guards::one_request_is_from_one_person
            guards::a_developer_is_told_why
            guards::asking_for_anybody_leaves_nothing_behind
            guards::the_session_keeps_what_is_written
            guards::a_handler_signs_in_and_out
            guards::a_handler_asks_for_the_second_factor
            likeness::answers_are_those_of_the_library
            likeness::refusals_are_those_of_the_library
            likeness::cookies_are_those_of_the_library
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_rule_list {
    (() $($group:ident :: $rule:ident)*) => {
        &[$(Rule {
            group: stringify!($group),
            name: stringify!($rule),
            check: $group::$rule,
        }),*]
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __adapter_rule_tests {
    (($start:path) $($group:ident :: $rule:ident)*) => {
        $(
            #[test]
            fn $rule() -> ::std::result::Result<(), $crate::conformance::Violation> {
                $crate::adapter::run(stringify!($rule), $start)
            }
        )*
    };
}
