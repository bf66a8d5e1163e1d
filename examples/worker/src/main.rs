//! Server for one account on port 7000 of this machine.

use std::error::Error;
use std::sync::Arc;

use fs_core::flow::NewAccount;
use fs_core::secret::Secret;
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
    let builder = fs_services::builder(MemoryStore::new()).config(config(Secret::from("")));
    let mails = PlainMails { from: "no-reply@localhost".to_owned() };
    let security = builder.signing_key_from_env("SIGNING_KEY").start(Arc::new(mails))?;

    let mut account = NewAccount::new(email);
    account.password = Some(Secret::from(password));
    security.admin().create_user(&security.context(), account).await?;

    let listener = TcpListener::bind("127.0.0.1:7000").await?;
    let stopped = fs_services::stop_signal()?;
    serve(listener, security.clone(), Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}
