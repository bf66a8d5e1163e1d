//! Codes from an authenticator app, or sent by mail or SMS: time-based one-time passwords.
//!
//! Everybody who has a [`TotpSecret`] can compute the code of a [`Step`], a span of thirty
//! seconds (RFC 6238 over RFC 4226, with SHA-1 as all apps understand it). [`TotpRules`] makes
//! and checks codes, a [`Wallet`] seals secrets for the database, [`Provisioning`] hands them to
//! an app.
//!
//! A code is good for a few steps around its own, and everybody who saw it can type it. So a step
//! must be accepted once: put the [`spent`] mark of the step that [`TotpRules::check`] gives into
//! a [`Change::Spend`](crate::port::Change::Spend) of the batch that the code pays for. How many
//! codes may be tried is for [`limit`](crate::limit).

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
