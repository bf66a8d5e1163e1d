//! Accounts on axum and SQLite: pages, JSON API, mails, and four pages of one's own.

use axum::{Router, routing::get};
use fs_axum::{Auth, CurrentUser, Limits, MaybeUser, Protected, WithSecurity, require};
use fs_axum::{Builder, Failure, Requirement, WebSecurity};
use fs_store_sqlx::SqlxStore;

fs_axum::policy! {
    Editor = any_role("admin", "editor");
}

/// For everybody: the session counts the visits.
async fn home(MaybeUser(caller): MaybeUser, auth: Auth) -> String {
    let visits = auth.with_session(|session| {
        let visits = session.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        session.insert("visits", visits.into());
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
async fn accounts(file: &str) -> Result<Builder, Failure> {
    let store = SqlxStore::sqlite(file).await?;
    store.migrate().await?;
    Ok(fs_axum::builder(store).base_url("http://127.0.0.1:8000"))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let accounts = accounts("accounts.db").await?.signing_key_from_env("SIGNING_KEY");
    // `insecure_cookies`: without TLS, on this machine alone.
    let security = accounts.http().insecure_cookies().start()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = async { _ = tokio::signal::ctrl_c().await };
    // Not `axum::serve`, which waits for ever for clients that do not go on.
    fs_axum::serve(listener, app(&security), Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests;
