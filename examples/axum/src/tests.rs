//! Test of the program over HTTP, from registration to sign-out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

#[path = "../../journey.rs"]
mod journey;

#[path = "../../half_open.rs"]
mod half_open;

use std::time::Duration;

use fs_testkit::outbox::MemoryMailer;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn from_registering_to_signing_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.db");
    let accounts = accounts(file.to_str().unwrap()).await.unwrap().signing_key(KEY);
    let mailer = MemoryMailer::default();
    let security = accounts.mailer(mailer.clone()).http().insecure_cookies().start().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits::default();
    tokio::spawn(fs_axum::serve(listener, app(&security), limits, std::future::pending()));
    journey::from_registering_to_signing_out(&security, &mailer, address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_disconnected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.db");
    let accounts = accounts(file.to_str().unwrap()).await.unwrap().signing_key(KEY);
    let mailer = MemoryMailer::default();
    let security = accounts.mailer(mailer.clone()).http().insecure_cookies().start().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut limits = Limits::default();
    limits.silence = Duration::from_millis(200);
    tokio::spawn(fs_axum::serve(listener, app(&security), limits, std::future::pending()));
    for begun in [half_open::SILENT, half_open::HALF_A_HEAD, half_open::HALF_A_BODY] {
        half_open::is_closed(address, begun);
    }
    half_open::is_closed_if_nothing_is_read(address, "/login");
}

#[test]
fn the_readme_of_the_adapter_shows_the_program() {
    let readme = include_str!("../../../crates/fs-axum/README.md");
    journey::shows(readme, include_str!("main.rs"));
}
