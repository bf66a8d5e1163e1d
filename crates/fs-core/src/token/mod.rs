//! Signed, timed tokens, with one type for each purpose.
//!
//! Tokens are not stored. A signed token contains its user, its creation time and, if needed, the
//! data to which it is bound. Only someone with the signing keys can create a token. A token of one
//! purpose never verifies as one of another purpose.
//!
//! | type | meaning | ends with |
//! | --- | --- | --- |
//! | [`AuthToken`] | the holder may act as the user; in the itsdangerous format alone | the (token) uniquifier |
//! | [`ConfirmToken`] | the holder reads the mail of this address | the uniquifier, the address |
//! | [`ResetToken`] | the holder may set a password | the uniquifier, and the address or the stored hash |
//! | [`SignInLinkToken`] | the holder reads the user's mail | the uniquifier |
//! | [`SetupStateToken`] | the holder sets up a way to sign in | the uniquifier, its single use |
//! | [`DeviceToken`] | this device needs no second factor | the uniquifier, the second factor |
//! | [`RememberToken`] | this browser was asked to remember the user | its use and the credential record, or the uniquifier |
//!
//! Each token also expires by age. The caller must check whether a token was used before and
//! whether its user still exists.
//!
//! There are two formats, see [`TokenFormat`]: our own, and that of itsdangerous, which
//! Flask-Security 4.1 reads and writes.

mod auth;
mod binding;
mod codec;
mod confirm;
mod device;
pub mod itsdangerous;
mod keys;
pub(crate) mod native;
mod remember;
mod remember_signer;
mod reset;
mod setup_state;
mod sign_in_link;
mod signer;
mod timed;
mod undo;

pub use auth::AuthToken;
pub use binding::BindingSalt;
pub(crate) use codec::Codec;
pub use confirm::ConfirmToken;
pub use device::DeviceToken;
pub use keys::{NoSigningKey, SigningKeys, TokenFormat};
pub use remember::RememberToken;
pub use reset::ResetToken;
pub use setup_state::SetupStateToken;
pub use sign_in_link::SignInLinkToken;
pub use signer::{Salts, SaltsCollide, TokenSigner};
pub(crate) use timed::keyed;
pub use timed::{Opened, TokenProblem};
pub use undo::{PasswordUndoToken, UndoToken};
