//! What lasts over a restart of the demo.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "support/client.rs"]
mod client;
#[path = "support/demo.rs"]
mod demo;
#[path = "support/http.rs"]
mod http;

use client::Client;
use demo::Demo;

#[test]
fn who_is_signed_in_stays_so_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(folder.path(), &[]);
    let password = demo.password.clone().unwrap();
    let mut admin = Client::default();
    admin.sign_in(&demo, "admin@example.com", &password);
    demo.kill();

    let demo = Demo::start(folder.path(), &[]);
    assert_eq!(demo.password, None, "a password is shown once");
    assert_eq!(admin.get(&demo, "/profile").status, 200);
}
