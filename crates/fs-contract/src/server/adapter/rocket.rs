//! The contract's routes on Rocket.

use std::io::{self, Cursor};
use std::net::{Ipv4Addr, SocketAddr};

use fs_http::{Exchange, WebSecurity};
use fs_rocket::{Answer, Auth, SecurityFairing, require};
use rocket::catcher::{self, Catcher};
use rocket::config::{Config, LogLevel, Shutdown};
use rocket::data::{Data, ToByteUnit};
use rocket::fairing::AdHoc;
use rocket::http::{Method, Status};
use rocket::request::FromRequest;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Request, Response, async_trait};
use tokio::sync::oneshot;

use super::Stopped;
use crate::server::routes::{echo, name_of, protected, show};

pub(super) async fn start(security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
    let mut config = Config { port: 0, log_level: LogLevel::Off, ..Config::debug_default() };
    config.shutdown = Shutdown { ctrlc: false, ..Shutdown::default() };
    config.shutdown.signals.clear();
    let (tell, told) = oneshot::channel();
    let listens = AdHoc::on_liftoff("listens", |rocket| {
        let port = rocket.config().port;
        Box::pin(async move { _ = tell.send(port) })
    });
    let mut rocket = rocket::custom(config).attach(SecurityFairing::new(security)).attach(listens);
    for (path, requirement) in protected() {
        let route = |method| Route::new(method, path, Page(name_of(path)));
        let routes = [Method::Get, Method::Post].map(route).to_vec();
        rocket = rocket.mount("/", require(requirement, routes));
    }
    let every = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    rocket = rocket.mount("/", every.map(|method| Route::new(method, "/echo", Echo)));
    rocket = rocket.register("/", vec![Catcher::new(404, Missing)]);
    let rocket = rocket.ignite().await.map_err(io::Error::other)?;
    let shutdown = rocket.shutdown();
    tokio::spawn(async move {
        stopped.await;
        shutdown.notify();
    });
    tokio::spawn(rocket.launch());
    let port = told.await.map_err(io::Error::other)?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

#[derive(Clone)]
struct Page(&'static str);

#[derive(Clone)]
struct Echo;

/// Catcher without Rocket's own JSON error body, which the contract's other applications do not
/// have.
#[derive(Clone)]
struct Missing;

#[async_trait]
impl catcher::Handler for Missing {
    async fn handle<'r>(&self, status: Status, _: &'r Request<'_>) -> catcher::Result<'r> {
        let body = "Not Found\n";
        Ok(Response::build().status(status).sized_body(body.len(), Cursor::new(body)).finalize())
    }
}

#[async_trait]
impl Handler for Page {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        match exchange_of(request).await {
            Some(exchange) => Outcome::from(request, Answer(show(self.0, &exchange).await)),
            None => Outcome::Error(Status::InternalServerError),
        }
    }
}

#[async_trait]
impl Handler for Echo {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let body = data.open(1.mebibytes()).into_bytes().await;
        match (exchange_of(request).await, body) {
            (Some(exchange), Ok(body)) => {
                Outcome::from(request, Answer(echo(&exchange, &body).await))
            }
            _ => Outcome::Error(Status::InternalServerError),
        }
    }
}

async fn exchange_of(request: &Request<'_>) -> Option<Exchange> {
    Auth::from_request(request).await.succeeded().map(|auth| auth.0)
}
