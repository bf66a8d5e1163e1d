//! Tests of the demo as a program: its output, its data, its mails and its shutdown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "../support/client.rs"]
mod client;
#[path = "../../src/policies.rs"]
mod declared;
#[path = "../support/demo.rs"]
mod demo;
#[path = "../support/frameworks.rs"]
#[macro_use]
mod frameworks;
#[path = "../support/http.rs"]
mod http;

mod half_open;
mod json;
#[cfg(unix)]
mod outbox;
mod policies;
mod readme;
mod restart;
#[cfg(unix)]
mod stop;
