//! Signed, timed tokens: one type for each purpose.
//!
//! A token is not stored. It says who it is for, when it was made and, where that matters, what
//! it was made for, under a signature. Who holds the signing keys can make every token; who does
//! not, none. A token of one purpose never verifies as another.
//!
//! | type | says | ends with |
//! | --- | --- | --- |
//! | [`AuthToken`] | the holder may act as the user; in the itsdangerous format alone | the (token) uniquifier |
//! | [`ConfirmToken`] | the holder reads the mail of this address | the uniquifier, the address |
//! | [`ResetToken`] | the holder may set a password | the uniquifier, and the address or the stored hash |
//! | [`SignInLinkToken`] | the holder reads the user's mail | the uniquifier |
//! | [`SetupStateToken`] | the holder sets up a way to sign in | the uniquifier, its single use |
//! | [`DeviceToken`] | this device needs no second factor | the uniquifier, the second factor |
//! | [`RememberToken`] | this browser was asked to remember the user | its use and the credential record, or the uniquifier |
//!
//! Each ends by age as well. Whether a token was used before, and whether its user still exists,
//! is for the caller to ask.
//!
//! Two formats exist, see [`TokenFormat`]: our own, and the one of itsdangerous, which
//! Flask-Security 4.1 reads and writes.

mod auth;
mod binding;
mod confirm;
mod device;
pub mod itsdangerous;
pub(crate) mod native;
mod remember;
mod reset;
mod setup_state;
mod sign_in_link;
mod signer;
mod timed;
mod undo;

pub use auth::AuthToken;
pub use binding::BindingSalt;
pub use confirm::ConfirmToken;
pub use device::DeviceToken;
pub use remember::RememberToken;
pub use reset::ResetToken;
pub use setup_state::SetupStateToken;
pub use sign_in_link::SignInLinkToken;
pub(crate) use signer::Codec;
pub use signer::{NoSigningKey, Salts, SaltsCollide, SigningKeys, TokenFormat, TokenSigner};
pub(crate) use timed::keyed;
pub use timed::{Opened, TokenProblem};
pub use undo::UndoToken;
