//! Complete sign-in system on SQLite, and on axum, Rocket or actix-web: the program that `cargo
//! run` starts, and a template to copy from.
//!
//! Read [`on_axum`] or the module of your framework for the routes and handlers, [`policies`] for
//! the access rules, [`settings`] for the configuration of accounts, and the files in `pages` for
//! the content.

mod app;
mod database;
mod first_start;
mod framework;
mod greeting;
mod mails;
#[cfg(feature = "actix")]
mod on_actix;
mod on_axum;
#[cfg(feature = "rocket")]
mod on_rocket;
mod options;
mod outbox;
mod pages;
mod policies;
mod private_file;
mod screen;
mod settings;
mod signing_key;

use std::error::Error;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use fs_core::port::SmsSender;
use fs_http::WebSecurity;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use app::App;
use greeting::Greeting;
use mails::Mails;
use options::{Options, Task};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let coloured = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(coloured);
    // By default, a log that cannot be written, for example on a full disk, causes a panic.
    log.with_writer(std::io::stderr).log_internal_errors(false).init();
    let options = Options::parse();
    if let Some(Task::Policies) = options.task {
        print!("{}", settings::policies());
        return ExitCode::SUCCESS;
    }
    match run(&options).await {
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
    let mails = Mails::choose(options.smtp_url.as_ref(), address.ip(), &base_url)?;
    let app = App { outbox: mails.outbox };

    let sms = app.outbox.clone().map(|outbox| Arc::new(outbox) as Arc<dyn SmsSender>);
    let bell = OutboxBell::default();
    let silence = Duration::from_secs(options.silence.into());
    let mut http = settings::http_config(&base_url, app.outbox.is_some());
    http.body_timeout = Some(silence);
    let config = settings::config(key, &base_url, &options.mail_from, sms.is_some());
    let mut ports = fs_services::ports(store, mails.mailer, &bell)?;
    ports.sms = sms;
    let security = WebSecurity::new(config, http, ports, settings::hooks(app.outbox.is_some()))?;
    let password = first_start::prepare(security.core()).await?;
    let worker = OutboxWorker::start(security.core().clone(), &bell);

    let greeting = Greeting {
        here: reached_at(address),
        base_url,
        database: options.database.clone(),
        has_outbox: app.outbox.is_some(),
        password,
    };
    let greet = move || println!("{greeting}");
    let stopped = fs_services::stop_signal()?;
    options.framework.serve(listener, app, &security, silence, greet, stopped).await?;
    // Limits the wait for a mail server that does not answer. Mails that were not accepted are sent
    // at the next start.
    let _ = tokio::time::timeout(Duration::from_secs(5), worker.stop()).await;
    Ok(())
}

/// Returns the URL at which this machine reaches the address. Replaces an unspecified address such
/// as 0.0.0.0, which links cannot use.
fn reached_at(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
}
