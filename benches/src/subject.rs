//! Something that can be measured.

use crate::accounts::EMAIL;
use crate::{Kind, Outcome, on_actix, on_axum, on_rocket, tokens};

/// Something that performs the same operation again and again.
pub(crate) trait Subject {
    /// Performs the operation once.
    ///
    /// # Errors
    ///
    /// Returns an error if the operation did not succeed, for instance if a page was refused.
    fn perform(&mut self) -> Outcome<()>;
}

/// Checks whether a page shows the user.
///
/// # Errors
///
/// Returns an error if the status is not 200 or the body is not the user's address.
pub(crate) fn check_page(status: u16, body: &[u8]) -> Outcome<()> {
    match status == 200 && body == EMAIL.as_bytes() {
        true => Ok(()),
        false => Err(format!("the page answered {status} and does not show the user").into()),
    }
}

/// Checks whether a page was refused to a request without credentials.
///
/// # Errors
///
/// Returns an error if the status is neither 401 nor 403, nor a redirect to the sign-in page.
pub(crate) fn check_refusal(status: u16) -> Outcome<()> {
    match status {
        302 | 401 | 403 => Ok(()),
        _ => Err(format!("the page answered {status} to a stranger").into()),
    }
}

/// Creates the subject of a kind.
pub(crate) fn create(kind: Kind) -> Outcome<Box<dyn Subject>> {
    match kind {
        Kind::AxumBare => on_axum::bare(),
        Kind::AxumAnonymous => on_axum::anonymous(),
        Kind::AxumUnused => on_axum::unused_session(),
        Kind::AxumRole => on_axum::role(),
        Kind::AxumToken => on_axum::token(),
        Kind::AxumSqlite => on_axum::sqlite(),
        Kind::AxumLogin => on_axum::axum_login(),
        Kind::ActixBare => on_actix::bare(),
        Kind::ActixRole => on_actix::role(),
        Kind::ActixIdentity => on_actix::identity(),
        Kind::RocketBare => on_rocket::bare(),
        Kind::RocketRole => on_rocket::role(),
        Kind::RocketCookie => on_rocket::cookie(),
        Kind::Floor => tokens::floor(),
        Kind::LinkVerify => tokens::link_verify(),
        Kind::LinkIssue => tokens::link_issue(),
        Kind::ItsdangerousVerify => tokens::itsdangerous_verify(),
        Kind::ItsdangerousIssue => tokens::itsdangerous_issue(),
    }
}
