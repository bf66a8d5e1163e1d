//! Accounts on Rocket and SQLite: pages, a JSON API, mails, and four pages of the application.

use fs_rocket::{Auth, CurrentUser, Protected, SecurityFairing, require};
use fs_rocket::{Builder, Failure, Requirement, WebSecurity};
use fs_store_sqlx::SqlxStore;
use rocket::{Build, Rocket, get, routes};

fs_rocket::policy! {
    Editor = any_role("admin", "editor");
}

/// Greets everybody. The session counts the visits.
#[get("/")]
fn home(user: Option<CurrentUser>, auth: Auth) -> String {
    let visits = auth.with_session(|session| {
        let visits = session.get("visits").and_then(|value| value.as_u64()).unwrap_or(0) + 1;
        session.insert("visits", visits.into());
        visits
    });
    let name = user.map_or("stranger".to_owned(), |user| user.email.clone());
    format!("Hello, {name}. Visit number {visits}.")
}

/// Requires a signed-in user. Others are sent to the sign-in page, and back afterwards.
#[get("/profile")]
fn profile(user: CurrentUser) -> String {
    format!("Your roles: {:?}", user.roles)
}

/// Requires an editor, by the type of the argument.
#[get("/editors")]
fn editors(_user: Protected<Editor>) -> &'static str {
    "Come in."
}

/// Shows a page for auditors. The whole group is guarded, see below.
#[get("/year")]
fn year() -> &'static str {
    "The year's report."
}

/// Mounts the pages above. The fairing answers those of fs, such as `/login` and `/register`.
fn app(security: &WebSecurity) -> Rocket<Build> {
    let auditors = Requirement::signed_in().all_roles(["auditor"]);
    rocket::build()
        .attach(SecurityFairing::new(security))
        .mount("/", routes![home, profile, editors])
        .mount("/reports", require(auditors, routes![year]))
}

/// Creates accounts in a SQLite file, with mails printed to the terminal.
async fn accounts(file: &str) -> Result<Builder, Failure> {
    let store = SqlxStore::sqlite(file).await?;
    store.migrate().await?;
    Ok(fs_rocket::builder(store).base_url("http://127.0.0.1:8000"))
}

#[rocket::main]
async fn main() -> Result<(), Failure> {
    let accounts = accounts("accounts.db").await?.signing_key_from_env("SIGNING_KEY");
    // `insecure_cookies`: the example uses plain HTTP, on this machine only.
    let security = accounts.http().insecure_cookies().start()?;
    app(&security).launch().await?;
    security.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests;
