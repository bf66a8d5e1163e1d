//! Test of the program over HTTP, from registration to sign-out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

#[path = "../../journey.rs"]
mod journey;

#[allow(dead_code, reason = "others use the rest")]
#[path = "../../half_open.rs"]
mod half_open;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use fs_rocket::WebSecurity;
use fs_testkit::outbox::MemoryMailer;
use fs_testkit::site::Setup;
use rocket::config::{Config, LogLevel};
use rocket::fairing::AdHoc;
use tokio::sync::oneshot;

use super::{accounts, app};

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn from_registering_to_signing_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.db");
    let accounts = accounts(file.to_str().unwrap()).await.unwrap().signing_key(KEY);
    let mailer = MemoryMailer::default();
    let security = accounts.mailer(mailer.clone()).http().insecure_cookies().start().unwrap();
    let address = start(&security).await;
    journey::from_registering_to_signing_out(&security, &mailer, address).await;
}

async fn start(security: &WebSecurity) -> SocketAddr {
    let (tell, told) = oneshot::channel();
    let listens = AdHoc::on_liftoff("listens", |rocket| {
        let port = rocket.config().port;
        Box::pin(async move { tell.send(port).unwrap() })
    });
    let config = Config { port: 0, log_level: LogLevel::Off, ..Config::debug_default() };
    tokio::spawn(app(security).configure(config).attach(listens).launch());
    (Ipv4Addr::LOCALHOST, told.await.unwrap()).into()
}

/// Tests a stalled body only: Rocket has no deadline for heads, so a proxy has to provide it.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_body_is_disconnected() {
    let mut setup = Setup::standard();
    setup.http.body_timeout = Some(Duration::from_millis(200));
    let address = start(&setup.build().web).await;
    half_open::is_closed(address, half_open::HALF_A_BODY);
}

#[test]
fn the_readme_of_the_adapter_shows_the_program() {
    let readme = include_str!("../../../crates/fs-rocket/README.md");
    journey::shows(readme, include_str!("main.rs"));
}
