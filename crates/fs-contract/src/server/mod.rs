//! Contract server: the real library on a real adapter, with the contract's routes and the control
//! plane that drives it.
//!
//! Both share one address. Connections that request `/__contract/…` go to the control plane. All
//! others are forwarded byte for byte to the server of the current state, which each reset
//! replaces.
//!
//! Hashing uses the cheapest parameters, and the clock stands still until it is moved. Both exist
//! only in this executable.

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
