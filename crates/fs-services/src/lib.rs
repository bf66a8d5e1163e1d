//! The outside world of fs: what stands behind the ports of `fs-core` in a running program.
//!
//! | room | port | feature |
//! | --- | --- | --- |
//! | [`hash_pool`] | `HashPool`: threads that hash passwords | |
//! | [`calibrate`] | how much work a hash should be on this machine | |
//! | [`system`] | `Clock` and `Entropy`: the machine's own | |
//! | [`event_stream`] | `EventSink`: events as a stream for whoever listens | |
//! | [`outbox_worker`] | `OutboxWaker`, and the task that delivers mails | |
//! | [`console_mailer`] | `Mailer`: to the terminal, for development | |
//! | [`smtp`] | `Mailer`: to a mail server | `smtp` (on unless turned off) |
//! | [`sms`] | `SmsSender`: to the terminal, to Twilio, to a webhook | `sms` for the last two |
//! | `breach` | `BreachChecker`: Have I Been Pwned | `breach` |
//!
//! [`builder`] checks a configuration, fills in the ports and starts what runs in the background: all that a
//! program on one machine needs. [`ports`] fills in the ports alone. Nothing here depends on a web
//! framework or a database.

#[cfg(feature = "breach")]
pub mod breach;
mod builder;
pub mod calibrate;
pub mod console_mailer;
pub mod event_stream;
mod failure;
pub mod hash_pool;
#[cfg(feature = "http")]
mod http_builder;
pub mod outbox_worker;
mod ports;
pub mod sms;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod system;
#[cfg(any(feature = "breach", feature = "sms"))]
mod tls;

pub use builder::{Builder, StartError, Started, builder};
pub use failure::Failure;
#[cfg(feature = "http")]
pub use http_builder::HttpBuilder;
pub use ports::ports;
