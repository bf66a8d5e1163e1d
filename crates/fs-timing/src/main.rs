//! Whether the time that a request takes tells who has an account.
//!
//! - `cargo xtask timing`: every endpoint on every store.
//! - `cargo xtask timing --fairness`: how long others wait for one client's sign-ins.
//!
//! Each endpoint is asked about an address with an account and one without, and as a control about
//! another one without, in random order, and so is the request that comes next. The two times are
//! compared by their ranks (Mann-Whitney): AUC is the chance that the greater of two is that of the
//! account, 0.5 if time tells nothing.

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

/// Any error: these are shown to a person and go no further.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures whether the time of a request tells who has an account.
#[derive(Parser)]
#[command(name = "cargo xtask timing", bin_name = "cargo xtask timing")]
struct Cli {
    /// How often each endpoint is asked about an account, about no account, and as the control.
    #[arg(long, default_value_t = 2_000)]
    pairs: usize,
    /// A store; may be given several times.
    #[arg(long = "store", default_values = ["memory", "sqlite", "postgres"])]
    stores: Vec<StoreKind>,
    /// Endpoints whose name begins so; may be given several times.
    #[arg(long = "only")]
    only: Vec<String>,
    /// The seed of the order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leaves the random waits out: what is measured then is the work alone.
    #[arg(long)]
    without_waits: bool,
    /// Measures how long others wait for one client's sign-ins instead.
    #[arg(long)]
    fairness: bool,
    /// With --fairness: how many sign-ins of others are measured.
    #[arg(long, default_value_t = 200)]
    sign_ins: usize,
    /// With --fairness: how many sign-ins the one client has under way.
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
