//! The whole contract, on every adapter, and over every store.
//!
//! Scenarios of features that do not exist yet are *unsupported*, never passed; the table that
//! each test prints says how many.

#![expect(clippy::expect_used, reason = "a test may panic")]

use fs_contract::server::{Adapter, StoreKind};
use fs_contract::{Deviations, Options, Report, replay_on};

/// How many scenarios passed when this was written: a feature that goes missing is not
/// *unsupported*.
const PASSED: usize = 625;

fn replay(adapter: Adapter, store: StoreKind) {
    let report = replay_only(adapter, store, None);
    assert!(report.is_success(), "{report}");
    assert!(report.counts().passed >= PASSED, "fewer scenarios passed than did before");
}

fn replay_only(adapter: Adapter, store: StoreKind, only: Option<String>) -> Report {
    let deviations = Deviations::shipped().expect("deviations");
    let options = Options { only, deviations, ..Options::default() };
    let report = replay_on(adapter, store, &options).expect("a replay");
    println!("{report}");
    report
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

/// What behaves alike is proven above; this is that every adapter starts on every store.
fn journeys_of_the_others(store: StoreKind) {
    for adapter in [Adapter::Rocket, Adapter::Actix, Adapter::Hyper] {
        let only = Some("journeys/*".to_owned());
        let report = replay_only(adapter, store, only);
        assert!(report.is_success() && report.counts().passed > 0, "{report}");
    }
}

#[test]
fn the_others_on_sqlite() {
    journeys_of_the_others(StoreKind::Sqlite);
}

#[test]
fn the_others_on_postgres() {
    journeys_of_the_others(StoreKind::Postgres);
}
