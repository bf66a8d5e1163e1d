//! What tests of fs, of its backends and of applications need.
//!
//! | module | holds |
//! | --- | --- |
//! | `adapter` | what every adapter must do, as one test for each rule (feature `adapter`; `http2` for that) |
//! | [`calls`] | every call of a port, in order, and a fault at any of them |
//! | [`clock`] | a clock that tests move |
//! | [`conformance`] | what every store must do, as one test for each rule |
//! | [`entropy`] | randomness that repeats |
//! | [`events`] | a log of events |
//! | `mail_server` | a mail server on a socket, with and without TLS (feature `mail-server`) |
//! | `log` | what a thread logs, to be searched for secrets (feature `log`) |
//! | [`outbox`] | a mailer that keeps what it is given |
//! | `site` | a whole site in memory, and browsers that visit it (feature `site`) |
//! | `visitor` | somebody with cookies who talks to a server over TCP (feature `site`) |

#[cfg(feature = "adapter")]
pub mod adapter;
pub mod calls;
pub mod clock;
pub mod conformance;
pub mod entropy;
pub mod events;
#[cfg(feature = "site")]
pub mod evictions;
#[cfg(feature = "log")]
pub mod log;
#[cfg(feature = "mail-server")]
pub mod mail_server;
pub mod outbox;
#[cfg(feature = "site")]
pub mod site;
#[cfg(feature = "site")]
pub mod visitor;
