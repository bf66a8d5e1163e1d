//! What a browser's session knows, and how it is sealed into its cookie.

mod seal;
mod visit;

pub use seal::{SealError, Sealer};
pub use visit::{CrumbState, Flash, Visit, VisitSignIn};
