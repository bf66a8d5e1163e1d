//! A person, a second person and an administrator use the demo in a real browser.
//!
//! Needs Chromium and its driver: `FS_TEST_CHROMIUM` names the browser. Pictures of every page are
//! left in `target/screenshots`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/http.rs"]
mod http;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::io::Write;
use std::path::{Path, PathBuf};

use demo::Demo;
use webdriver::{Browser, Driver};

const PASSWORD: &str = "seven otters hold hands";
const NEW_PASSWORD: &str = "eight otters sleep on waves";

#[test]
fn from_registering_to_signing_out_everywhere() {
    let Some(chromium) = std::env::var_os("FS_TEST_CHROMIUM").map(PathBuf::from) else {
        // Past the runner, which shows nothing of a test that passes.
        let _ = writeln!(std::io::stderr(), "NOT RUN: browser test, FS_TEST_CHROMIUM is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &[]);
    let driver = Driver::start(&chromium);
    let person = Visitor::new(&driver, &demo);
    let other = Visitor::new(&driver, &demo);
    let administrator = Visitor::new(&driver, &demo);

    // Strangers are sent to sign in, and see what there is.
    person.go("/");
    person.looks("home-stranger");
    person.go("/nothing/here");
    person.reads("There is no such page");
    person.looks("missing");
    person.go("/outbox");
    person.looks("outbox-empty");
    person.go("/editors");
    person.browser.wait_for_url("/login?next=");
    person.looks("sign-in");

    // Registering, with mistakes first.
    person.browser.follow("Create an account");
    person.looks("register");
    person.browser.fill("Email address", "ann@example.com");
    person.browser.fill("Password", "ann@example.com");
    person.browser.press("Create account");
    person.looks("register-mistakes");
    person.browser.fill("Password", PASSWORD);
    person.browser.press("Create account");
    person.reads("ann@example.com");
    person.looks("registered");

    // An account whose address is not proven lets nobody in.
    person.sign_in("ann@example.com", PASSWORD);
    person.looks("sign-in-unconfirmed");
    person.go("/profile");
    person.browser.wait_for_url("/login?next=");

    // The mail is read, as HTML, and its button followed.
    person.browser.open_until(&person.url("/outbox"), "//a[contains(., 'ann@example.com')]");
    person.looks("outbox");
    person.browser.click("//a[contains(., 'ann@example.com')]");
    person.looks("outbox-mail");
    person.browser.enter_frame("//iframe");
    person.browser.follow("Confirm my address");
    person.browser.leave_frame();
    person.reads("confirmed");
    person.looks("confirmed");

    // Signed in, in two browsers; editors' pages are not open.
    person.sign_in("ann@example.com", PASSWORD);
    person.reads("Hello, ann@example.com");
    person.looks("home-member");
    other.sign_in("ann@example.com", PASSWORD);
    other.go("/profile");
    other.reads("Where you are signed in");
    other.looks("profile");
    person.go("/editors");
    person.reads("This is not open to you");
    person.looks("forbidden");

    // An administrator opens them.
    administrator.sign_in("admin@example.com", demo.password.as_deref().unwrap());
    administrator.reads("Hello, admin@example.com");
    administrator.go("/admin");
    administrator.looks("users");
    administrator
        .browser
        .click("//li[contains(., 'ann@example.com')]//button[normalize-space()='Grant editor']");
    administrator.reads("The role editor was given.");
    administrator.looks("users-granted");
    person.go("/editors");
    person.reads("You hold one of the roles");
    person.looks("editors");

    // Fresh from the sign-in, the vault opens.
    person.go("/vault");
    person.reads("You typed your password");
    person.go("/verify");
    person.looks("verify");

    // A new password ends the other browser's session.
    person.go("/profile");
    person.browser.follow("Change the password");
    person.looks("change-password");
    person.browser.fill("Current password", PASSWORD);
    person.browser.fill("New password", NEW_PASSWORD);
    person.browser.fill("The new password again", NEW_PASSWORD);
    person.browser.press("Change password");
    person.reads("Your password is changed.");
    person.looks("password-changed");
    other.go("/profile");
    other.browser.wait_for_url("/login?next=");
    other.sign_in("ann@example.com", PASSWORD);
    other.looks("sign-in-refused");
    other.go("/profile");
    other.browser.wait_for_url("/login?next=");

    // A forgotten password is reset by mail.
    other.go("/reset");
    other.looks("forgot-password");
    other.browser.fill("Email address", "ann@example.com");
    other.browser.press("Send the link");
    other.looks("reset-sent");
    let mail = "//a[contains(., 'Choose a new password')]";
    other.browser.open_until(&other.url("/outbox"), mail);
    other.browser.click(mail);
    other.browser.click("//pre//a");
    other.looks("reset-password");

    // Signing out leaves a stranger.
    person.go("/");
    person.browser.press("Sign out");
    person.reads("Nobody is signed in");
    person.go("/profile");
    person.browser.wait_for_url("/login?next=");
}

/// Somebody with a browser of their own.
struct Visitor {
    browser: Browser,
    home: String,
}

impl Visitor {
    fn new(driver: &Driver, demo: &Demo) -> Self {
        Self { browser: driver.open(), home: demo.url.clone() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.home)
    }

    fn go(&self, path: &str) {
        self.browser.open(&self.url(path));
    }

    fn reads(&self, text: &str) {
        self.browser.wait_for(text);
    }

    fn sign_in(&self, email: &str, password: &str) {
        self.go("/login");
        self.browser.fill("Email address", email);
        self.browser.fill("Password", password);
        self.browser.press("Sign in");
    }

    /// Takes pictures of the page, and sees to it that nothing hangs over its edge.
    fn looks(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        for (device, width) in [("phone", 390), ("desktop", 1280)] {
            for scheme in ["light", "dark"] {
                let picture = self.browser.picture(width, scheme);
                std::fs::write(folder.join(format!("{name}-{device}-{scheme}.png")), picture)
                    .unwrap();
            }
            assert_eq!(self.browser.overhang(), 0, "{name} is too wide for a {device}");
        }
    }
}
