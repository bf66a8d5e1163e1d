//! Prints which Argon2 parameters this machine can afford: `cargo xtask calibrate`.

use std::process::ExitCode;
use std::time::Duration;

use fs_services::calibrate::calibrate;

fn main() -> ExitCode {
    let numbers: Vec<u32> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [millis, mib] = numbers.as_slice() else {
        eprintln!("say how many milliseconds a hash may take, and how many MiB");
        return ExitCode::FAILURE;
    };
    let target = Duration::from_millis(u64::from(*millis));
    println!("{}", calibrate(target, mib.saturating_mul(1024)));
    ExitCode::SUCCESS
}
