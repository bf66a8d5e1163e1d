//! Accounts on actix-web and SQLite: pages, a JSON API, mails, and four pages of the application.

use std::{net::TcpListener, time::Duration};

use actix_web::dev::Server;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use fs_actix::{Auth, CurrentUser, Protected, SecurityMiddleware, require};
use fs_actix::{Builder, Failure, Requirement, WebSecurity};
use fs_store_sqlx::SqlxStore;

fs_actix::policy! {
    Editor = any_role("admin", "editor");
}

/// Greets everybody. The session counts the visits.
async fn home(user: Option<CurrentUser>, auth: Auth) -> String {
    let visits = auth.with_session(|session| {
        let visits = session.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        session.insert("visits", visits.into());
        visits
    });
    let name = user.map_or("stranger".to_owned(), |user| user.email.clone());
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

/// Shows a page for auditors. The whole scope is guarded, see below.
async fn year() -> &'static str {
    "The year's report."
}

/// Registers the pages above. The middleware answers those of fs, such as `/login` and `/register`.
fn pages(app: &mut ServiceConfig) {
    let auditors = Requirement::signed_in().all_roles(["auditor"]);
    app.route("/", web::get().to(home))
        .route("/profile", web::get().to(profile))
        .route("/editors", web::get().to(editors))
        .service(
            web::scope("/reports").wrap(require(auditors)).route("/year", web::get().to(year)),
        );
}

/// Creates accounts in a SQLite file, with mails printed to the terminal.
async fn accounts(file: &str) -> Result<Builder, Failure> {
    let store = SqlxStore::sqlite(file).await?;
    store.migrate().await?;
    Ok(fs_actix::builder(store).base_url("http://127.0.0.1:8000"))
}

/// Serves until the process is stopped. `silence` is the maximum time for a client to send the head
/// of a request.
fn serve(
    security: WebSecurity,
    listener: TcpListener,
    silence: Duration,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new().configure(pages).wrap(SecurityMiddleware::new(&security))
    });
    let server = server.client_request_timeout(silence).keep_alive(silence);
    Ok(server.max_connections(900).listen(listener)?.run())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let accounts = accounts("accounts.db").await?.signing_key_from_env("SIGNING_KEY");
    // `insecure_cookies`: the example uses plain HTTP, on this machine only.
    let security = accounts.http().insecure_cookies().start()?;
    let listener = TcpListener::bind("127.0.0.1:8000")?;
    serve(security.clone(), listener, Duration::from_secs(30))?.await?;
    security.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests;
