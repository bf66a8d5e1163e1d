//! Server of notes on port 8000 of this machine.

use example_hyper::{Limits, Notes, serve};
use fs_services::Failure;
use fs_store_sqlx::SqlxStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let store = SqlxStore::sqlite("accounts.sqlite3").await?;
    store.migrate().await?;
    let builder = fs_services::builder(store).signing_key_from_env("SIGNING_KEY");
    // `insecure_cookies`: the example uses plain HTTP, on this machine only.
    let builder = builder.base_url("http://127.0.0.1:8000").http().insecure_cookies();
    let security = builder.start()?;

    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = fs_services::stop_signal()?;
    serve(listener, security.clone(), Notes::default(), Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}
