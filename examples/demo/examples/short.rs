//! The program of the README: accounts with pages and a JSON API, and one protected page.

use std::{error::Error, sync::Arc};

use axum::{Router, routing::get};
use fs_axum::{CurrentUser, Limits, WithSecurity};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_services::{console_mailer::ConsoleMailer, outbox_worker as outbox};
use fs_store_sqlx::SqlxStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqlxStore::sqlite("accounts.db").await?;
    store.migrate().await?;
    let bell = outbox::OutboxBell::default();
    let ports = fs_services::ports(Arc::new(store), Arc::new(ConsoleMailer::default()), &bell)?;
    // The key has 32 bytes or more.
    let config = fs_core::Config::new(std::env::var("SIGNING_KEY")?, "http://127.0.0.1:8000");
    // `insecure_cookies`: without TLS, on this machine alone.
    let http = HttpConfig::default().insecure_cookies();
    let security = WebSecurity::new(config, http, ports, Hooks::default())?;
    let worker = outbox::OutboxWorker::start(security.core().clone(), &bell);

    let hello = |user: CurrentUser| async move { format!("Hello, {}", user.email) };
    let app = Router::new().route("/", get(hello)).with_security(&security);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = async { _ = tokio::signal::ctrl_c().await };
    fs_axum::serve(listener, app, Limits::default(), stopped).await;
    worker.stop().await;
    Ok(())
}
