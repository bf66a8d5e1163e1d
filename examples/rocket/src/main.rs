//! Accounts on Rocket and SQLite: pages, JSON API, mails, and four pages of one's own.

use std::{error::Error, sync::Arc};

use fs_core::{Config, authz::Requirement};
use fs_http::{Hooks, HttpConfig, WebSecurity};
use fs_rocket::{CurrentUser, Protected, SecurityFairing, Session, require};
use fs_services::console_mailer::ConsoleMailer;
use fs_services::outbox_worker::{OutboxBell, OutboxWorker};
use fs_store_sqlx::SqlxStore;
use rocket::{Build, Rocket, get, routes};

fs_core::policy! {
    Editor = any_role("admin", "editor");
}

/// For everybody: the session counts the visits.
#[get("/")]
fn home(user: Option<CurrentUser>, session: Session) -> String {
    let visits = session.session(|visit| {
        let visits = visit.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        visit.insert("visits", visits.into());
        visits
    });
    let name = user.map_or("stranger".to_owned(), |user| user.email.clone());
    format!("Hello, {name}. Visit number {visits}.")
}

/// For who is signed in; others are sent to the sign-in page, and back.
#[get("/profile")]
fn profile(user: CurrentUser) -> String {
    format!("Your roles: {:?}", user.roles)
}

/// For who may edit, by type.
#[get("/editors")]
fn editors(_user: Protected<Editor>) -> &'static str {
    "Come in."
}

/// For auditors, see below: the whole group is guarded.
#[get("/year")]
fn year() -> &'static str {
    "The year's report."
}

/// The pages above. Those of fs, such as `/login` and `/register`, are answered by the fairing.
fn app(security: &WebSecurity) -> Rocket<Build> {
    let auditors = Requirement::signed_in().all_roles(["auditor"]);
    rocket::build()
        .attach(SecurityFairing::new(security))
        .mount("/", routes![home, profile, editors])
        .mount("/reports", require(auditors, routes![year]))
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

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::var("SIGNING_KEY")?; // 32 bytes or more
    let bell = OutboxBell::default();
    let security = accounts("accounts.db", key, &bell).await?;
    let worker = OutboxWorker::start(security.core().clone(), &bell);
    app(&security).launch().await?;
    worker.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests;
