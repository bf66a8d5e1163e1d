//! Measures what a protected request costs, in fs and in other libraries.
//!
//! Each [`Kind`] is one measured operation: a request to a server without sockets, or a token. A
//! process measures one kind. `cargo xtask bench` starts a process for each kind, lets them take
//! turns, and prints the tables of docs/benchmarks.md.

mod accounts;
mod command_line;
mod create;
mod floor;
mod kind;
mod on_actix;
mod on_axum;
mod on_rocket;
mod site;
mod subject;
mod tokens;

pub use command_line::run;
pub use kind::Kind;

/// Result with any error. Errors are only shown to the person who runs the program.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
