//! Contract server: the library under test, driven over HTTP by the replayer.

use std::process::ExitCode;

use clap::Parser;
use fs_contract::server::{Adapter, StoreKind, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves the contract's routes with the library on an adapter and a store.
#[derive(Parser)]
struct Arguments {
    /// Framework that serves the application
    #[arg(long, value_enum, default_value = "axum")]
    adapter: Adapter,
    /// Store that keeps the users
    #[arg(long, value_enum, default_value = "memory")]
    store: StoreKind,
    /// Address to listen on; port 0 selects a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contract-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let listener = TcpListener::bind(&arguments.listen).await;
    let listener = listener.map_err(|error| format!("{}: {error}", arguments.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("listening on http://{address}");
    serve(listener, arguments.adapter, arguments.store, asked_to_stop()).await
}

/// Completes when the process receives a signal to stop.
async fn asked_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
