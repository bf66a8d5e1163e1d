//! A complete sign-in system on axum and SQLite: what `cargo run` starts, and what to copy from.
//!
//! Read [`app`] for the routes, [`policies`] for who may see what, [`settings`] for how accounts
//! behave, and one of the files in `pages` for what a handler looks like.

mod app;
mod database;
mod first_start;
mod mails;
mod options;
mod outbox;
mod pages;
mod policies;
mod private_file;
mod screen;
mod settings;
mod signing_key;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use fs_core::Ports;
use fs_core::port::SmsSender;
use fs_http::WebSecurity;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use app::App;
use mails::Mails;
use options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The demo cannot run: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.map_err(|error| format!("listening on {}: {error}", options.listen))?;
    let address = listener.local_addr()?;
    let base_url = options.base_url.clone().unwrap_or_else(|| reached_at(address));

    let store = options.database.open().await;
    let store = store.map_err(|error| format!("--database {}: {error}", options.database))?;
    let key_file = options.key_file.clone().or_else(|| options.database.key_file());
    let key = signing_key::signing_key(key_file.as_deref())?;
    let mails = Mails::choose(options.smtp_url.as_ref(), address.ip())?;
    let app = App { outbox: mails.outbox };

    let sms = app.outbox.clone().map(|outbox| Arc::new(outbox) as Arc<dyn SmsSender>);
    let bell = OutboxBell::default();
    let security = WebSecurity::new(
        settings::config(key, &base_url, &options.mail_from, sms.is_some()),
        settings::http_config(&base_url),
        Ports { sms, ..fs_services::ports(store, mails.mailer, &bell)? },
        settings::hooks(app.outbox.is_some()),
    )?;
    let password = first_start::prepare(security.core()).await?;
    let worker = OutboxWorker::start(security.core().clone(), &bell);

    println!("The demo listens on {base_url}\n");
    println!("  Database   {}", options.database);
    if app.outbox.is_some() {
        println!("  Messages   {base_url}/outbox");
    }
    println!("  Sign in    {}", first_start::ADMINISTRATOR);
    match &password {
        // Nobody could sign in otherwise. It is in no log: this is the terminal.
        Some(password) => println!("  Password   {} (made now, shown once)", password.expose()),
        None => println!("  Password   as it was printed at the first start, or reset it"),
    }

    let app = app::router(app, &security);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(asked_to_stop())
        .await?;
    // A mail server that does not answer does not keep us: what it has not taken is sent at the
    // next start.
    let _ = tokio::time::timeout(Duration::from_secs(5), worker.stop()).await;
    Ok(())
}

/// Where this machine reaches the address: one that stands for all of them is none to link to.
fn reached_at(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
}

/// Waits for Ctrl-C, or the signal with which an operating system ends a program.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
