//! The contract server: the real library on a real adapter, with the contract's routes and the
//! control plane that drives it.
//!
//! One address for both: connections that ask for `/__contract/…` go to the control plane, the
//! others byte for byte to the server of the present state, which each reset starts anew.
//!
//! Hashing runs with the cheapest parameters, and the clock stands still until it is told to move.
//! Both exist in this executable alone.

mod adapter;
mod configure;
mod control;
mod fixtures;
mod front;
mod operations;
mod outbox;
pub mod routes;
mod state;
mod stores;

pub use adapter::{Adapter, ContractServer, Stopped};
pub use front::serve;
pub use stores::StoreKind;
