//! Browser for the browser tests: finds it, or installs it on a CI machine.

use std::path::{Path, PathBuf};

use crate::process::Progress;
use crate::{Result, machine};

/// Environment variable in which the tests look for the browser.
pub(crate) const VARIABLE: &str = "FS_TEST_CHROMIUM";

/// Finds the browser's program. Uses the one in the environment variable, else one on the path. On
/// a Debian CI machine as root, installs it otherwise.
///
/// # Errors
///
/// Returns an error with a short reason if no browser is found and none can be installed.
pub(crate) fn find(log: &Path, progress: &mut Progress) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        let there = named.is_file();
        return there.then_some(named).ok_or_else(|| format!("{VARIABLE} names no file").into());
    }
    if on_path().is_none() && machine::is_ci() && machine::is_debian_root() {
        machine::install(&["chromium", "chromium-driver"], log, progress)?;
    }
    on_path().ok_or_else(|| "no chromium".into())
}

fn on_path() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().find_map(|name| machine::program(name))
}
