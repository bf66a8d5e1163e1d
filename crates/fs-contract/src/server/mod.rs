//! The contract server: the real library on a real adapter, with the contract's routes and the
//! control plane that drives it.
//!
//! Hashing runs with the cheapest parameters, and the clock stands still until it is told to move.
//! Both exist in this executable alone.

mod app;
mod configure;
mod control;
mod fixtures;
mod operations;
mod outbox;
mod routes;
mod stores;

pub use app::serve;
pub use stores::StoreKind;
