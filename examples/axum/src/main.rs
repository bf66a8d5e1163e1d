//! Accounts on axum and SQLite: pages, a JSON API, mails, and four pages of the application.

use axum::{Router, routing::get};
use fs_axum::{Auth, CurrentUser, Limits, MaybeUser, Protected, WithSecurity, require};
use fs_axum::{Builder, Failure, Requirement, WebSecurity};
use fs_store_sqlx::SqlxStore;

fs_axum::policy! {
    Editor = any_role("admin", "editor");
}

/// Greets everybody. The session counts the visits.
async fn home(MaybeUser(caller): MaybeUser, auth: Auth) -> String {
    let visits = auth.with_session(|session| {
        let visits = session.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        session.insert("visits", visits.into());
        visits
    });
    let name = caller.map_or("stranger".to_owned(), |caller| caller.user.email.clone());
    format!("Hello, {name}. Visit number {visits}.")
}

/// Requires a signed-in user. Others are sent to the sign-in page, and back afterwards.
async fn profile(user: CurrentUser) -> String {
    format!("Your roles: {:?}", user.roles)
}

/// Requires an editor, by the type of the argument.
async fn editors(_user: Protected<Editor>) -> &'static str {
    "Come in."
}

/// Shows a page for auditors. The whole group is guarded, see below.
async fn year() -> &'static str {
    "The year's report."
}

/// Creates the router with the pages above. The layer answers those of fs, such as `/login` and
/// `/register`.
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

/// Creates accounts in a SQLite file, with mails printed to the terminal.
async fn accounts(file: &str) -> Result<Builder, Failure> {
    let store = SqlxStore::sqlite(file).await?;
    store.migrate().await?;
    Ok(fs_axum::builder(store).base_url("http://127.0.0.1:8000"))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let accounts = accounts("accounts.db").await?.signing_key_from_env("SIGNING_KEY");
    // `insecure_cookies`: the example uses plain HTTP, on this machine only.
    let security = accounts.http().insecure_cookies().start()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    let stopped = fs_axum::stop_signal()?;
    // `axum::serve` would wait forever for clients that stall.
    fs_axum::serve(listener, app(&security), Limits::default(), stopped).await;
    security.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests;
