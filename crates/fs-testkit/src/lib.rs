//! Tools for tests of fs, of its backends and of applications.
//!
//! | module | contents |
//! | --- | --- |
//! | `adapter` | a test suite for adapters, one test per rule (feature `adapter`; `http2` for HTTP/2) |
//! | [`calls`] | a record of port calls, with fault injection |
//! | [`clock`] | a clock that tests advance |
//! | [`conformance`] | a test suite for stores, with one test per rule |
//! | [`entropy`] | deterministic randomness |
//! | [`events`] | a log of events |
//! | `mail_server` | a mail server on a socket, with and without TLS (feature `mail-server`) |
//! | `log` | the log of a thread, to search for secrets (feature `log`) |
//! | [`outbox`] | a mailer that keeps mails in memory |
//! | `site` | a whole site in memory, and browsers that visit it (feature `site`) |
//! | `visitor` | an HTTP client with cookies that talks to a server over TCP (feature `site`) |

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
