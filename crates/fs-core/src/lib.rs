//! Accounts, sign-in, recovery, roles and tokens, without IO.
//!
//! `fs-core` makes decisions and performs no IO. Time, randomness, the database, mails and the
//! hashing threads are accessed through the traits in [`port`]. Every decision that depends on
//! facts alone is a pure function of them and covered by property tests.
//!
//! | module | contents |
//! | --- | --- |
//! | [`model`] | users, roles, permissions and their identifiers |
//! | [`password`] | hashing schemes, rules for passwords |
//! | [`identity`] | normalized mail addresses, usernames and telephone numbers |
//! | [`reading`] | normalization of user input, which an application can replace |
//! | [`token`] | signed, timed tokens, one type for each purpose |
//! | [`totp`] | codes from authenticator apps, and their secrets |
//! | [`recovery_code`] | codes for users who lost their second factor |
//! | [`limit`] | rate limits for passwords, codes and messages |
//! | [`csrf`] | CSRF tokens |
//! | [`freshness`] | whether a sign-in is recent enough |
//! | [`redirect`] | validation of redirect targets |
//! | [`event`] | events, as one typed enum |
//! | [`message`] | messages to users: keys, severities, texts |
//! | [`port`] | traits for external services: store, mailer, clock, randomness, hashing threads |

pub mod authn;
pub mod authz;
pub mod config;
mod context;
pub mod csrf;
pub mod event;
pub mod flow;
pub mod freshness;
pub mod identity;
pub mod limit;
pub mod message;
pub mod model;
pub mod password;
pub mod port;
pub mod reading;
pub mod recovery_code;
pub mod redirect;
pub mod second_factor;
pub mod secret;
pub mod security;
pub mod session;
pub mod timestamp;
pub mod token;
pub mod totp;
mod unknown_name;
mod value_cipher;

pub use config::{Config, ExtraField, FieldCheck, FieldChoice, InputKind};
pub use context::Context;
pub use security::{Ports, Security};
pub use timestamp::{CLOCK_LEEWAY, Timestamp, span_text};
pub use unknown_name::UnknownName;
