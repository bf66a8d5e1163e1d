//! Serves the page on port 8000 of this machine.

use std::error::Error;
use std::sync::Arc;

use fs_axum::Limits;
use fs_core::secret::Secret;
use fs_http::{Hooks, WebSecurity};
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_store_sqlx::SqlxStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqlxStore::sqlite("accounts.sqlite3").await?;
    store.migrate().await?;
    let bell = OutboxBell::default();
    let ports = fs_services::ports(Arc::new(store), Arc::new(ConsoleMailer::default()), &bell)?;
    let key = Secret::from(std::env::var("SIGNING_KEY")?);
    let config = spa::config(key, "http://127.0.0.1:8000".to_owned());
    let security = WebSecurity::new(config, spa::insecure_http(), ports, Hooks::default())?;
    let outbox = OutboxWorker::start(security.core().clone(), &bell);

    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = async { _ = tokio::signal::ctrl_c().await };
    fs_axum::serve(listener, spa::app(&security), Limits::default(), stopped).await;
    outbox.stop().await;
    Ok(())
}
