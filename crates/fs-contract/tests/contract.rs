//! Tests of the whole contract, on every adapter and on every store.
//!
//! Scenarios of features that do not exist yet are *unsupported*, never passed. The table that each
//! test prints shows their number.

#![expect(clippy::expect_used, reason = "a test may panic")]

use fs_contract::server::{Adapter, StoreKind};
use fs_contract::{Deviations, Options, replay_on};

/// Minimum number of scenarios that pass. A feature that goes missing would otherwise only count as
/// *unsupported*.
const PASSED: usize = 625;

fn replay(adapter: Adapter, store: StoreKind) {
    let deviations = Deviations::shipped().expect("deviations");
    let options = Options { deviations, ..Options::default() };
    let report = replay_on(adapter, store, &options).expect("a replay");
    println!("{report}");
    assert!(report.is_success(), "{report}");
    assert!(report.counts().passed >= PASSED, "fewer scenarios passed than did before");
}

#[test]
fn axum_on_memory() {
    replay(Adapter::Axum, StoreKind::Memory);
}

#[test]
fn rocket_on_memory() {
    replay(Adapter::Rocket, StoreKind::Memory);
}

#[test]
fn actix_on_memory() {
    replay(Adapter::Actix, StoreKind::Memory);
}

#[test]
fn hyper_on_memory() {
    replay(Adapter::Hyper, StoreKind::Memory);
}

#[test]
fn axum_on_sqlite() {
    replay(Adapter::Axum, StoreKind::Sqlite);
}

#[test]
fn axum_on_postgres() {
    replay(Adapter::Axum, StoreKind::Postgres);
}

#[test]
fn rocket_on_sqlite() {
    replay(Adapter::Rocket, StoreKind::Sqlite);
}

#[test]
fn rocket_on_postgres() {
    replay(Adapter::Rocket, StoreKind::Postgres);
}

#[test]
fn actix_on_sqlite() {
    replay(Adapter::Actix, StoreKind::Sqlite);
}

#[test]
fn actix_on_postgres() {
    replay(Adapter::Actix, StoreKind::Postgres);
}

#[test]
fn hyper_on_sqlite() {
    replay(Adapter::Hyper, StoreKind::Sqlite);
}

#[test]
fn hyper_on_postgres() {
    replay(Adapter::Hyper, StoreKind::Postgres);
}
