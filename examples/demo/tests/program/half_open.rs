//! Test that a client that stalls within a request is disconnected.

#[path = "../../../half_open.rs"]
mod clients;

use std::net::SocketAddr;

use crate::demo::Demo;
use clients::{HALF_A_BODY, HALF_A_HEAD, SILENT, is_closed};

on_each_framework!(a_silent_client_is_disconnected);

fn a_silent_client_is_disconnected(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--database", "memory", "--silence", "1"];
    let demo = Demo::start_on(framework, folder.path(), &arguments);
    let address = SocketAddr::from(([127, 0, 0, 1], demo.port()));
    is_closed(address, HALF_A_BODY);
    // Rocket has no deadline for heads; a proxy has to provide it.
    if framework != "rocket" {
        is_closed(address, SILENT);
        is_closed(address, HALF_A_HEAD);
    }
}
