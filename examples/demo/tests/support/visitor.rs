//! User of the demo in a browser.

use std::path::Path;

use crate::demo::Demo;
use crate::webdriver::{Browser, Driver};

/// User with a browser of their own.
pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    home: String,
    pictured: bool,
}

impl Visitor {
    pub(crate) fn new(driver: &Driver, demo: &Demo) -> Self {
        let pictured = demo.framework == "axum";
        Self { browser: driver.open(), home: demo.url.clone(), pictured }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.home)
    }

    pub(crate) fn go(&self, path: &str) {
        self.browser.open(&self.url(path));
    }

    pub(crate) fn reads(&self, text: &str) {
        self.browser.wait_for(text);
    }

    pub(crate) fn sign_in(&self, email: &str, password: &str) {
        self.go("/login");
        self.browser.fill("Email address", email);
        self.browser.fill("Password", password);
        self.browser.press("Sign in");
    }

    pub(crate) fn sign_out(&self) {
        self.go("/");
        self.browser.press("Sign out");
        self.reads("Nobody is signed in");
    }

    /// Takes screenshots of the page, and checks that nothing is wider than the screen.
    pub(crate) fn looks(&self, name: &str) {
        if !self.pictured {
            return;
        }
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
