//! Serves one account on port 7000 of this machine.

use std::error::Error;
use std::sync::Arc;

use fs_core::Security;
use fs_core::flow::NewAccount;
use fs_core::secret::Secret;
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_store_memory::MemoryStore;
use tokio::net::TcpListener;
use worker::{Limits, PlainMails, config, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init();
    let mut arguments = std::env::args().skip(1);
    let (Some(email), Some(password)) = (arguments.next(), arguments.next()) else {
        return Err("give an address and a password for the account".into());
    };
    let config = config(Secret::from(std::env::var("SIGNING_KEY")?));
    let bell = OutboxBell::default();
    let (store, mailer) = (Arc::new(MemoryStore::new()), Arc::new(ConsoleMailer::default()));
    let ports = fs_services::ports(store, mailer, &bell)?;
    let mails = PlainMails { from: "no-reply@localhost".to_owned() };
    let security = Security::new(config, ports, Arc::new(mails))?;
    let outbox = OutboxWorker::start(security.clone(), &bell);

    let password = Some(Secret::from(password));
    let account = NewAccount { email, password, ..NewAccount::default() };
    security.create_user(&security.context(), account).await?;

    let listener = TcpListener::bind("127.0.0.1:7000").await?;
    serve(listener, security, Limits::default(), async { _ = tokio::signal::ctrl_c().await }).await;
    outbox.stop().await;
    Ok(())
}
