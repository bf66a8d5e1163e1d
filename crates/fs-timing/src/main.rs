//! Measurement of whether response times reveal who has an account.
//!
//! - `cargo xtask timing`: every endpoint on every store.
//! - `cargo xtask timing --fairness`: how long others wait for one client's sign-ins.
//!
//! Each endpoint is requested for an address with an account, for one without, and as a control for
//! another one without, in random order. The request that follows is measured too. The times are
//! compared by their ranks (Mann-Whitney): AUC is the probability that the greater of two times is
//! that of the account. It is 0.5 if time reveals nothing.

mod client;
mod endpoint;
mod fairness;
mod measure;
mod site;
mod statistics;
mod store;
mod table;

use std::process::ExitCode;

use clap::Parser;

use store::StoreKind;

/// Result with any error. Errors are only shown to the person who runs the program.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures whether response times reveal who has an account.
#[derive(Parser)]
#[command(name = "cargo xtask timing", bin_name = "cargo xtask timing")]
struct Cli {
    /// Number of requests per endpoint for accounts, for unknown addresses, and for the control
    #[arg(long, default_value_t = 2_000)]
    pairs: usize,
    /// Store to measure on; may be given several times
    #[arg(long = "store", default_values = ["memory", "sqlite", "postgres"])]
    stores: Vec<StoreKind>,
    /// Only endpoints whose name begins with this text; may be given several times
    #[arg(long = "only")]
    only: Vec<String>,
    /// Seed of the random order
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave out the random waits, to measure the work alone
    #[arg(long)]
    without_waits: bool,
    /// Measure how long others wait for one client's sign-ins instead
    #[arg(long)]
    fairness: bool,
    /// With --fairness: number of sign-ins of others that are measured
    #[arg(long, default_value_t = 200)]
    sign_ins: usize,
    /// With --fairness: number of sign-ins that the one client has in progress
    #[arg(long, default_value_t = 100)]
    crowd: usize,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let measured = match cli.fairness {
        true => tokio::spawn(fairness::run(cli.sign_ins, cli.crowd)).await,
        false => {
            tokio::spawn(measure::run(
                cli.stores,
                cli.pairs,
                cli.only,
                cli.seed,
                !cli.without_waits,
            ))
            .await
        }
    };
    match measured {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::FAILURE,
        Ok(Err(error)) => failed(&*error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
