//! Accounts on axum and SQLite: pages, JSON API, mails, and four pages of one's own.

use std::{error::Error, sync::Arc};

use axum::{Router, routing::get};
use fs_axum::{CurrentUser, Limits, MaybeUser, Protected, Session, WithSecurity, require};
use fs_core::{Config, authz::Requirement};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_store_sqlx::SqlxStore;

fs_core::policy! {
    Editor = any_role("admin", "editor");
}

/// For everybody: the session counts the visits.
async fn home(MaybeUser(caller): MaybeUser, session: Session) -> String {
    let visits = session.session(|visit| {
        let visits = visit.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        visit.insert("visits", visits.into());
        visits
    });
    let name = caller.map_or("stranger".to_owned(), |caller| caller.user.email.clone());
    format!("Hello, {name}. Visit number {visits}.")
}

/// For who is signed in; others are sent to the sign-in page, and back.
async fn profile(user: CurrentUser) -> String {
    format!("Your roles: {:?}", user.roles)
}

/// For who may edit, by type.
async fn editors(_user: Protected<Editor>) -> &'static str {
    "Come in."
}

/// For auditors, see below: the whole group is guarded.
async fn year() -> &'static str {
    "The year's report."
}

/// The pages above. Those of fs, such as `/login` and `/register`, are answered around them.
fn app(security: &WebSecurity) -> Router {
    let auditors = Requirement::signed_in().all_roles(["auditor"]);
    let reports = Router::new().route("/year", get(year)).route_layer(require(auditors));
    Router::new()
        .route("/", get(home))
        .route("/profile", get(profile))
        .route("/editors", get(editors))
        .nest("/reports", reports)
        .with_security(security)
}

/// Accounts in a file of SQLite, and mails to the terminal.
async fn accounts(
    file: &str,
    key: String,
    bell: &OutboxBell,
) -> Result<WebSecurity, Box<dyn Error>> {
    let store = SqlxStore::sqlite(file).await?;
    store.migrate().await?;
    let ports = fs_services::ports(Arc::new(store), Arc::new(ConsoleMailer::default()), bell)?;
    let config = Config::new(key, "http://127.0.0.1:8000");
    // `insecure_cookies`: without TLS, on this machine alone.
    let http = HttpConfig::default().insecure_cookies();
    Ok(WebSecurity::new(config, http, ports, Hooks::default())?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::var("SIGNING_KEY")?; // 32 bytes or more
    let bell = OutboxBell::default();
    let security = accounts("accounts.db", key, &bell).await?;
    let worker = OutboxWorker::start(security.core().clone(), &bell);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = async { _ = tokio::signal::ctrl_c().await };
    // Not `axum::serve`, which waits for ever for clients that do not go on.
    fs_axum::serve(listener, app(&security), Limits::default(), stopped).await;
    worker.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests;
