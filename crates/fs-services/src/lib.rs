//! Implementations of the ports of `fs-core`: mail, SMS, password hashing, clock, randomness and
//! events.
//!
//! | module | port | feature |
//! | --- | --- | --- |
//! | [`hash_pool`] | `HashPool`: threads that hash passwords | |
//! | [`calibrate`] | measures how expensive a hash may be on this machine | |
//! | [`system`] | `Clock` and `Entropy`: of the operating system | |
//! | [`event_stream`] | `EventSink`: events as asynchronous streams | |
//! | [`outbox_worker`] | `OutboxWaker`, and the task that delivers mails | |
//! | [`console_mailer`] | `Mailer`: to the terminal, for development | |
//! | [`smtp`] | `Mailer`: to a mail server | `smtp` (on by default) |
//! | [`sms`] | `SmsSender`: to the terminal, to Twilio, to a webhook | `sms` for the last two |
//! | `breach` | `BreachChecker`: Have I Been Pwned | `breach` |
//!
//! [`builder`] is all that a program on one machine needs: it checks a configuration, fills in the
//! ports and starts the background tasks. [`ports`] fills in the ports only. [`stop_signal`]
//! completes when the process is asked to stop. This crate does not
//! depend on a web framework or a database.

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
mod stop_signal;
pub mod system;
#[cfg(any(feature = "breach", feature = "sms"))]
mod tls;

pub use builder::{Builder, StartError, Started, builder};
pub use failure::Failure;
#[cfg(feature = "http")]
pub use http_builder::HttpBuilder;
pub use ports::ports;
pub use stop_signal::stop_signal;
