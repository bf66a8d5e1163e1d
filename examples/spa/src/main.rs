//! Server of the page on port 8000 of this machine.

use fs_axum::{Failure, Limits, Secret};
use fs_store_sqlx::SqlxStore;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let store = SqlxStore::sqlite("accounts.sqlite3").await?;
    store.migrate().await?;
    // The key in the environment replaces this one.
    let config = spa::config(Secret::from(""), "http://127.0.0.1:8000".to_owned());
    let builder = fs_axum::builder(store).config(config).signing_key_from_env("SIGNING_KEY");
    let security = builder.http().config(spa::insecure_http()).start()?;

    let listener = TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = fs_axum::stop_signal()?;
    fs_axum::serve(listener, spa::app(&security), Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}
