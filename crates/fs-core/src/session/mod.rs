//! The session of a browser, and its encryption into a cookie.

mod seal;
mod visit;

pub use seal::{SealError, Sealer};
pub use visit::{CrumbState, Flash, Visit, VisitSignIn};
