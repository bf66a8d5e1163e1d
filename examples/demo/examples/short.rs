//! Program of the README: accounts with pages and a JSON API, and one protected page.

use axum::{Router, routing::get};
use fs_axum::{CurrentUser, Failure, Limits, WithSecurity};
use fs_store_sqlx::SqlxStore;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let store = SqlxStore::sqlite("accounts.db").await?;
    store.migrate().await?;
    let security = fs_axum::builder(store).signing_key_from_env("SIGNING_KEY");
    let security = security.base_url("http://127.0.0.1:8000").http().insecure_cookies().start()?;

    let hello = async |user: CurrentUser| format!("Hello, {}", user.email);
    let app = Router::new().route("/", get(hello)).with_security(&security);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = fs_axum::stop_signal()?;
    fs_axum::serve(listener, app, Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}
