//! Test of the page and its script in a real browser.
//!
//! It needs Chromium and its driver: `FS_TEST_CHROMIUM` names the browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[allow(dead_code, reason = "shared with the demo, which needs more of it")]
#[path = "../../demo/tests/support/http.rs"]
mod http;
#[path = "support/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with the demo, which needs more of it")]
#[path = "../../demo/tests/support/webdriver.rs"]
mod webdriver;

use std::io::Write;
use std::path::PathBuf;

use server::{ANN, NEW_PASSWORD, PASSWORD, Server};
use webdriver::{Browser, Driver};

fn sign_in(browser: &Browser, password: &str) {
    browser.fill("Email address", ANN);
    browser.fill("Password", password);
    browser.press("Sign in");
}

#[test]
fn from_registering_to_signing_out() {
    let Some(chromium) = std::env::var_os("FS_TEST_CHROMIUM").map(PathBuf::from) else {
        // Writes past the test runner, which hides the output of tests that pass.
        _ = writeln!(std::io::stderr(), "NOT RUN: browser test, FS_TEST_CHROMIUM is not set");
        return;
    };
    let server = Server::start();
    let driver = Driver::start(&chromium);
    let browser = driver.open();
    browser.open(&server.url("/"));
    browser.wait_for("Create an account");

    browser.fill("Your email address", ANN);
    browser.fill("A password", "otter");
    browser.press("Create account");
    browser.wait_for("Use 15 to 128 characters");
    browser.fill("A password", PASSWORD);
    browser.press("Create account");
    browser.wait_for("We sent a link to ann@example.com");
    browser.open(&server.url(&server.mailed_link()));
    browser.press("Confirm my address");
    browser.wait_for("Your address is confirmed");
    assert_eq!(browser.url(), server.url("/"), "nothing is left in the address");

    sign_in(&browser, "wrong");
    browser.wait_for("Check both fields.");
    sign_in(&browser, PASSWORD);
    browser.wait_for("Change your password");
    assert_eq!(browser.text_of("//h2[@id='who']"), ANN);
    browser.press("Show the report");
    browser.wait_for("Your account may not do that");

    browser.fill("Current password", PASSWORD);
    browser.fill("New password", NEW_PASSWORD);
    browser.fill("New password again", PASSWORD);
    browser.press("Change password");
    browser.wait_for("The two passwords differ");
    browser.fill("New password again", NEW_PASSWORD);
    browser.press("Change password");
    browser.wait_for("Your password is changed");
    // A reloaded page knows the signed-in user.
    browser.open(&server.url("/"));
    browser.wait_for(ANN);
    browser.press("Sign out");
    browser.wait_for("You are signed out");
    sign_in(&browser, NEW_PASSWORD);
    browser.wait_for("Change your password");
}
