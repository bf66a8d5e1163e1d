//! Accounts, sign-in, recovery, roles and tokens, without IO.
//!
//! `fs-core` decides; it does not act. The time, randomness, the database, mails and the threads
//! that hash passwords come through the traits in [`port`]. Everything that can be decided from
//! facts alone is a plain function of those facts, so that it can be tested by properties.
//!
//! | room | holds |
//! | --- | --- |
//! | [`model`] | users, roles, permissions and their identifiers |
//! | [`password`] | hashing schemes, rules for passwords |
//! | [`identity`] | mail addresses, usernames, telephone numbers: one spelling each |
//! | [`reading`] | how what people type is read; an application can read it otherwise |
//! | [`token`] | signed, timed tokens, one type for each purpose |
//! | [`totp`] | codes from authenticator apps, and their secrets |
//! | [`recovery_code`] | for whoever has lost the second factor |
//! | [`limit`] | how often passwords and codes may be tried, how much is sent |
//! | [`csrf`] | proof that a request comes from a page of our own |
//! | [`freshness`] | whether a sign-in is recent enough |
//! | [`redirect`] | where a browser may be sent |
//! | [`event`] | what happened, as one typed enum |
//! | [`message`] | what is said to people: keys, severities, texts |
//! | [`port`] | what the outside implements: store, mailer, clock, randomness, hashing threads |

pub mod authn;
pub mod authz;
pub mod config;
pub mod csrf;
pub mod event;
mod extra_field;
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

pub use config::Config;
pub use extra_field::{ExtraField, FieldCheck, FieldChoice, InputKind};
pub use security::{Context, Ports, Security};
pub use timestamp::{CLOCK_LEEWAY, Timestamp, span_text};
