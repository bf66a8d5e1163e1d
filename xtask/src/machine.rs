//! Facts about this machine, and installation of packages.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::process::{self, Progress};

/// Checks whether this is a CI machine, on which nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false" && ci != "0")
}

/// Checks whether we are root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Checks whether we can install Debian packages.
pub(crate) fn is_debian_root() -> bool {
    is_root() && Path::new("/etc/debian_version").exists() && program("apt-get").is_some()
}

/// Finds a program on the path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str], log: &Path, progress: &mut Progress) -> Result<()> {
    let update = "apt-get -o Acquire::Retries=3 -q update";
    let install = "DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends";
    let script = format!("{update} && {install} {}", packages.join(" "));
    let finished = process::run(Command::new("sh").args(["-c", &script]), log, progress)?;
    if finished.success {
        return Ok(());
    }
    let last = finished.lines.last().cloned().unwrap_or_default();
    Err(format!("apt-get install {} failed: {last}", packages.join(" ")).into())
}
