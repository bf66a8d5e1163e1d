//! Something that can be measured.

use crate::Outcome;
use crate::accounts::EMAIL;

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
