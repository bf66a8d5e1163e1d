//! Measures the CPU time of one kind of operation, over all threads of the process.

use std::process::ExitCode;

use cpu_time::ProcessTime;
use fs_benches::Outcome;

fn cpu_nanoseconds() -> Outcome<u64> {
    Ok(u64::try_from(ProcessTime::try_now()?.as_duration().as_nanos())?)
}

fn main() -> ExitCode {
    fs_benches::run(cpu_nanoseconds)
}
