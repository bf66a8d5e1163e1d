//! Wire contract of fs, and its replayer.
//!
//! `corpus/` holds the responses of Flask-Security 4.1, request by request; `corpus/README.md`
//! describes the format. This crate plays the same requests against a *contract server*, converts
//! its responses to the same format and reports the differences.
//!
//! - [`Corpus`] holds the recordings, and [`Deviations`] the intended differences.
//! - [`Transport`] carries requests to the server: [`Http1`] over TCP, or your own that calls an
//!   application in process.
//! - [`replay_all`] plays everything and returns a [`Report`]. [`replay_on`] also starts the
//!   server, for any adapter that implements [`server::ContractServer`].
//!
//! ```no_run
//! use fs_contract::{Corpus, Deviations, Http1, Options, replay_all};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let corpus = Corpus::shipped()?;
//! let options = Options { deviations: Deviations::shipped()?, ..Options::default() };
//! let mut server = Http1::new("http://127.0.0.1:8999")?;
//! let report = replay_all(&corpus, &mut server, &options);
//! println!("{report}");
//! assert!(report.is_success());
//! # Ok(())
//! # }
//! ```

mod capture;
mod compare;
pub mod control;
mod corpus;
mod deviations;
mod difference;
mod glob;
mod http1;
mod jar;
mod normal;
mod outgoing;
mod play;
mod replay;
mod replay_on;
mod report;
pub mod server;
mod step;
mod totp;
mod transport;
mod variables;

#[cfg(test)]
mod canned;
#[cfg(test)]
mod selftest;

pub use capture::Capture;
pub use corpus::{Corpus, CorpusError, File};
pub use deviations::{Deviation, Deviations, DeviationsError};
pub use http1::Http1;
pub use play::START;
pub use replay::{Options, SessionCookie, replay_all};
pub use replay_on::replay_on;
pub use report::{Counts, FileReport, Report, ScenarioReport, Verdict};
pub use step::{Action, Adjustment, Body, OneOrMany, Pairs, Quirk, Request, Scenario, Step};
pub use transport::{HttpAnswer, HttpRequest, Transport, TransportError};
