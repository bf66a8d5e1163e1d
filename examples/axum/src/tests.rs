//! A person's way through the program, over HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../../journey.rs"]
mod journey;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn from_registering_to_signing_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts.db");
    let key = "0123456789abcdef0123456789abcdef".to_owned();
    let security = accounts(file.to_str().unwrap(), key, &OutboxBell::default()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app(&security).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, app).into_future());
    journey::from_registering_to_signing_out(&security, address).await;
}

#[test]
fn the_readme_of_the_adapter_shows_the_program() {
    let readme = include_str!("../../../crates/fs-axum/README.md");
    journey::shows(readme, include_str!("main.rs"));
}
