//! Time-based one-time passwords, from an authenticator app or sent by mail or text message.
//!
//! Anyone who has a [`TotpSecret`] can compute the code of a [`Step`], a time step of thirty
//! seconds (RFC 6238 over RFC 4226, with SHA-1, which all apps support). [`TotpRules`] generates
//! and checks codes, a [`Wallet`] encrypts secrets for the database, and [`Provisioning`] passes
//! them to an app.
//!
//! A code is valid for a few steps around its own, so someone who saw it could replay it. A step
//! must therefore be accepted only once: pass the step that [`TotpRules::check`] returns to
//! [`spent`], and add the result as a [`Change::Spend`](crate::port::Change::Spend) to the batch
//! that the code permits. [`limit`](crate::limit) restricts the number of attempts.

mod app_wallet;
mod code;
mod provisioning;
mod secret;
mod wallet;

pub use code::{Step, TotpRules, TotpRulesError, Window, spent};
pub(crate) use code::{sent, sent_once};
pub use provisioning::Provisioning;
pub use secret::{NotATotpSecret, TotpSecret};
pub use wallet::{Wallet, WalletFormat, WalletKeyError, WalletProblem};
