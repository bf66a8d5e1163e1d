//! Counts the allocations of one kind of operation, in all threads of the process.

use std::alloc::System;
use std::process::ExitCode;

use fs_benches::Outcome;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns the number of allocations and reallocations since the process started.
fn allocations() -> Outcome<u64> {
    let stats = ALLOCATOR.stats();
    Ok(u64::try_from(stats.allocations + stats.reallocations)?)
}

fn main() -> ExitCode {
    fs_benches::run(allocations)
}
