//! The session of a browser, and its encryption into a cookie.

mod browser;
mod codec;
mod seal;

pub use browser::{CsrfCookieState, Flash, Session, SessionSignIn};
pub use seal::{SealError, Sealer};
