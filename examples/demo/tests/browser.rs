//! Tests of the demo in a real browser: accounts, then second factors and codes.
//!
//! They need Chromium and its driver: `FS_TEST_CHROMIUM` names the browser. Screenshots of every
//! page are written to `target/screenshots`; on axum only, because the pages are the same on all
//! frameworks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "support/demo.rs"]
mod demo;
#[path = "support/frameworks.rs"]
#[macro_use]
mod frameworks;
#[path = "support/http.rs"]
mod http;
#[path = "support/visitor.rs"]
mod visitor;
#[path = "support/webdriver.rs"]
mod webdriver;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use demo::Demo;
use fs_core::port::Clock;
use fs_core::totp::{TotpRules, TotpSecret};
use fs_services::system::SystemClock;
use visitor::Visitor;
use webdriver::Driver;

const PASSWORD: &str = "seven otters hold hands";
const NEW_PASSWORD: &str = "eight otters sleep on waves";

/// Returns the path of the browser. If none is configured, reports that and returns `None`.
fn chromium() -> Option<PathBuf> {
    let chromium = std::env::var_os("FS_TEST_CHROMIUM").map(PathBuf::from);
    if chromium.is_none() {
        // Writes past the test runner, which hides the output of tests that pass.
        let _ = writeln!(std::io::stderr(), "NOT RUN: browser test, FS_TEST_CHROMIUM is not set");
    }
    chromium
}

on_each_framework!(
    from_registering_to_signing_out_everywhere,
    from_a_second_step_to_a_sign_in_without_password
);

fn from_registering_to_signing_out_everywhere(framework: &str) {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_on(framework, folder.path(), &[]);
    let driver = Driver::start(&chromium);
    let person = Visitor::new(&driver, &demo);
    let other = Visitor::new(&driver, &demo);
    let administrator = Visitor::new(&driver, &demo);

    // An unauthenticated user sees the public page and is sent to the sign-in page.
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

    // Registration, with mistakes first.
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

    // An account with an unconfirmed address cannot sign in.
    person.sign_in("ann@example.com", PASSWORD);
    person.reads("If the account is new, follow the link in our mail first.");
    person.looks("sign-in-unconfirmed");
    person.go("/profile");
    person.browser.wait_for_url("/login?next=");

    // The mail is read as HTML, and its button followed.
    person.browser.open_until(&person.url("/outbox"), "//a[contains(., 'ann@example.com')]");
    person.looks("outbox");
    person.browser.click("//a[contains(., 'ann@example.com')]");
    person.looks("outbox-mail");
    person.browser.enter_frame("//iframe");
    person.browser.follow("Confirm my address");
    person.browser.leave_frame();
    person.looks("confirm");
    person.browser.press("Confirm my address");
    person.reads("confirmed");
    person.looks("confirmed");

    // Signed in, in two browsers. The editors' page is still forbidden.
    person.sign_in("ann@example.com", PASSWORD);
    person.reads("Hello, ann@example.com");
    person.looks("home-member");
    other.sign_in("ann@example.com", PASSWORD);
    other.reads("Hello, ann@example.com");
    other.go("/profile");
    other.reads("Where you are signed in");
    other.looks("profile");
    person.go("/editors");
    person.reads("This is not open to you");
    person.looks("forbidden");

    // An administrator grants the role.
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

    // The vault opens right after the sign-in.
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
    other.reads("We could not sign you in with that.");
    other.looks("sign-in-refused");
    other.go("/profile");
    other.browser.wait_for_url("/login?next=");

    // A forgotten password is reset by mail.
    other.go("/reset");
    other.looks("forgot-password");
    other.browser.fill("Email address", "ann@example.com");
    other.browser.press("Send the link");
    // Leaving the page earlier would end the request.
    other.reads("you will find a mail from us");
    other.looks("reset-sent");
    let mail = "//a[contains(., 'Choose a new password')]";
    other.browser.open_until(&other.url("/outbox"), mail);
    other.browser.click(mail);
    other.browser.click("//pre//a");
    other.looks("reset-password");

    // After signing out, the user is unauthenticated.
    person.go("/");
    person.browser.press("Sign out");
    person.reads("Nobody is signed in");
    person.go("/profile");
    person.browser.wait_for_url("/login?next=");
}

/// Returns the current code of an authenticator app.
fn app_code(key: &TotpSecret) -> String {
    TotpRules::default().code_at(key, SystemClock.now()).expose().to_owned()
}

/// Returns the next code of an authenticator app, which is accepted already. The current one may be
/// spent.
fn next_code(key: &TotpSecret) -> String {
    let soon = SystemClock.now().plus(Duration::from_secs(30));
    TotpRules::default().code_at(key, soon).expose().to_owned()
}

fn from_a_second_step_to_a_sign_in_without_password(framework: &str) {
    const EMAIL: &str = "admin@example.com";
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start_on(framework, folder.path(), &[]);
    let driver = Driver::start(&chromium);
    let person = Visitor::new(&driver, &demo);
    let reader = Visitor::new(&driver, &demo);
    let password = demo.password.as_deref().unwrap();

    // An authenticator app is set up with the key that the page shows.
    person.sign_in(EMAIL, password);
    person.browser.follow("Security");
    person.reads("Off: whoever has the password is in.");
    person.looks("security-off");
    person.browser.click("//a[@aria-label='Set up: Second step']");
    person.looks("second-step-choice");
    person.browser.click("//input[@value='authenticator']");
    person.browser.press("Continue");
    person.reads("Scan this with your authenticator app");
    person.looks("second-step-key");
    assert!(person.browser.has("//img[@class='qr' and starts-with(@src, 'data:image/')]"));
    let key = TotpSecret::from_base32(&person.browser.text_of("//p[@class='key']/code")).unwrap();
    person.browser.fill("Code", "000000");
    person.browser.press("Continue");
    person.reads("This code is not right");
    person.looks("second-step-wrong");
    person.browser.fill("Code", &app_code(&key));
    person.browser.press("Continue");

    // Recovery codes are created next, and shown once.
    person.reads("none at the moment");
    person.looks("recovery-codes-none");
    person.browser.press("Make codes");
    person.reads("we cannot show them again");
    person.looks("recovery-codes");
    let recovery_code = person.browser.text_of("//ol[@class='codes']/li[1]/code");
    let another = person.browser.text_of("//ol[@class='codes']/li[2]/code");
    person.browser.follow("I have kept them: go on");
    person.reads("8 left.");
    person.looks("security-on");
    person.go("/mf-recovery-codes");
    person.reads("8 left");
    assert!(!person.browser.text().contains(&recovery_code));
    person.looks("recovery-codes-left");

    // The password alone is no longer sufficient.
    person.sign_out();
    person.sign_in(EMAIL, password);
    person.browser.wait_for_url("/tf-validate");
    person.looks("second-step");
    reader.go("/profile");
    reader.browser.wait_for_url("/login?next=");
    // The code that set up the app is spent.
    person.browser.fill("Code", &next_code(&key));
    person.browser.press("Continue");
    person.reads("Hello, admin@example.com");

    // A recovery code replaces the app, once, and a mail reports it.
    for (code, right) in [(recovery_code.as_str(), true), (recovery_code.as_str(), false)] {
        person.sign_out();
        person.sign_in(EMAIL, password);
        person.browser.wait_for_url("/tf-validate");
        person.browser.follow("Use a recovery code");
        person.browser.wait_for_url("/mf-recovery");
        person.looks("recovery-code");
        person.browser.fill("Recovery code", code);
        person.browser.click("//form[@name='mf_recovery_form']//button");
        person.reads(match right {
            true => "Recovery codes that are left: 7.",
            false => "This recovery code is not right",
        });
        if right {
            person.looks("recovery-code-used");
        } else {
            person.looks("recovery-code-wrong");
        }
    }
    let mail = "//a[contains(., 'A recovery code was used')]";
    reader.browser.open_until(&reader.url("/outbox"), mail);
    reader.browser.click(mail);
    reader.looks("outbox-recovery-code");

    // The second factor is switched off.
    person.browser.fill("Recovery code", &another);
    person.browser.click("//form[@name='mf_recovery_form']//button");
    person.reads("Recovery codes that are left: 6.");
    person.go("/tf-setup");
    person.browser.click("//input[@value='disable']");
    person.browser.press("Continue");
    person.reads("Your second step is switched off.");
    person.reads("Off: whoever has the password is in.");

    // A phone is added as a sign-in method; its codes are shown in the outbox.
    person.browser.click("//a[@aria-label='Set up: Sign-in with a code']");
    person.looks("sign-in-methods");
    person.browser.click("//input[@value='sms']");
    person.browser.fill("Telephone number, for text messages optional", "+14155550123");
    person.browser.press("Set up");
    reader.browser.open_until(&reader.url("/outbox"), "//a[contains(., 'Text message')]");
    reader.looks("outbox-messages");
    reader.browser.click("//a[contains(., 'Text message')]");
    reader.looks("outbox-text-message");
    person.looks("sign-in-method-code");
    person.browser.fill("Code", &digits(&reader.browser.text_of("//pre")));
    person.browser.press("Confirm");
    person.reads("In place of the password");
    person.looks("security-methods");

    // Sign-in by a mailed code, without the password.
    person.sign_out();
    person.go("/login");
    person.browser.follow("Sign in with a code");
    person.looks("code-sign-in");
    person.browser.fill("Email address, name or number", EMAIL);
    person.browser.click("//input[@value='email']");
    person.browser.press("Send the code");
    person.reads("A code is on its way");
    person.looks("code-sign-in-sent");
    let mail = "//a[contains(., 'Your code')]";
    reader.browser.open_until(&reader.url("/outbox"), mail);
    reader.browser.click(mail);
    reader.looks("outbox-code");
    person.browser.fill("Code", &digits(&reader.browser.text_of("//pre")));
    person.browser.press("Sign in");
    person.reads("Hello, admin@example.com");
}

/// Returns the six digits in a message.
fn digits(message: &str) -> String {
    let mut words = message.split(|letter: char| !letter.is_ascii_digit());
    words.find(|word| word.len() == 6).expect("the message holds a code").to_owned()
}
