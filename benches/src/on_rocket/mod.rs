//! Requests to a Rocket application, without a socket.

mod ours;
mod peer;

use rocket::config::LogLevel;
use rocket::http::{Cookie, Header, Status};
use rocket::local::asynchronous::Client;
use rocket::{Build, Config, Rocket, get, routes};
use tokio::runtime::{Builder, Runtime};

pub(crate) use ours::role;
pub(crate) use peer::cookie;

use crate::Outcome;
use crate::accounts::EMAIL;
use crate::subject::{Subject, check_page, check_refusal};

/// Application with one page that is requested.
struct Page {
    runtime: Runtime,
    client: Client,
    cookie: Option<String>,
}

impl Subject for Page {
    fn perform(&mut self) -> Outcome<()> {
        let answer = request(&self.client, self.cookie.as_deref());
        let (status, body) = self.runtime.block_on(answer);
        check_page(status.code, &body)
    }
}

#[get("/page")]
fn open_page() -> String {
    EMAIL.to_owned()
}

/// Creates a subject whose page anybody can open.
pub(crate) fn bare() -> Outcome<Box<dyn Subject>> {
    let runtime = runtime()?;
    let client = runtime.block_on(client(rocket().mount("/", routes![open_page])))?;
    Ok(Box::new(Page { runtime, client, cookie: None }))
}

fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// Returns an application with a key for encrypted cookies, which does not log.
fn rocket() -> Rocket<Build> {
    let config = Config { log_level: LogLevel::Off, ..Config::release_default() };
    let figment = rocket::figment::Figment::from(config);
    rocket::custom(figment.merge(("secret_key", [7_u8; 32].as_slice())))
}

/// Returns a client that does not remember cookies.
async fn client(rocket: Rocket<Build>) -> Outcome<Client> {
    Client::untracked(rocket).await.map_err(|error| format!("Rocket: {error}").into())
}

/// Creates a subject whose page must refuse requests without a cookie.
fn protected_page(runtime: Runtime, client: Client, cookie: String) -> Outcome<Box<dyn Subject>> {
    let (status, _) = runtime.block_on(request(&client, None));
    check_refusal(status.code)?;
    Ok(Box::new(Page { runtime, client, cookie: Some(cookie) }))
}

async fn request(client: &Client, cookie: Option<&str>) -> (Status, Vec<u8>) {
    let mut request = client.get("/page");
    if let Some(cookie) = cookie {
        request.add_header(Header::new("Cookie", cookie.to_owned()));
        // Rocket does this when it reads a request from a socket, and the local client does not.
        if let Ok(cookie) = Cookie::parse_encoded(cookie) {
            request = request.cookie(cookie);
        }
    }
    let answer = request.dispatch().await;
    (answer.status(), answer.into_bytes().await.unwrap_or_default())
}
