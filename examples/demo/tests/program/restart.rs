//! Test of the data that survives a restart of the demo.

use crate::client::Client;
use crate::demo::Demo;

on_each_framework!(a_session_survives_a_restart);

fn a_session_survives_a_restart(framework: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Demo::start_on(framework, folder.path(), &[]);
    let password = demo.password.clone().unwrap();
    let mut admin = Client::default();
    admin.sign_in(&demo, "admin@example.com", &password);
    demo.kill();

    let demo = Demo::start_on(framework, folder.path(), &[]);
    assert_eq!(demo.password, None, "a password is shown once");
    assert_eq!(admin.get(&demo, "/profile").status, 200);
}
