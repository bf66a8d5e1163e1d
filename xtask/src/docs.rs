//! `cargo xtask docs`: the book as a site, with the documentation of every crate beside it.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{self, Progress};
use crate::workspace::{Workspace, cargo};
use crate::{Result, machine};

/// Version of mdBook that builds the book. It is installed from crates.io when it is first needed.
const MDBOOK: &str = "0.5.4";

/// Builds both, and prints where they are.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let logs = workspace.log_dir()?;
    let site = workspace.target_dir().join("site");
    let step = |label: &str, command: &mut Command| -> Result<bool> {
        let name = label.split(' ').next_back().unwrap_or(label);
        let mut progress = Progress::start(label.to_owned(), false);
        let finished =
            process::run(command, &logs.join(format!("docs-{name}.log")), &mut progress)?;
        progress.end(if finished.success { "ok" } else { "failed" });
        if !finished.success {
            finished.lines.iter().for_each(|line| println!("{line}"));
        }
        Ok(finished.success)
    };
    let mdbook = match machine::program("mdbook") {
        Some(installed) => installed,
        None => {
            let tools = workspace.target_dir().join("tools");
            let mut install = cargo();
            install.args(["install", "mdbook", "--version", MDBOOK, "--locked", "--root"]);
            install.arg(&tools).args(["--no-default-features"]);
            if !step("[1/3] install mdbook", &mut install)? {
                return Ok(false);
            }
            tools.join("bin").join("mdbook")
        }
    };
    let mut book = Command::new(mdbook);
    book.args(["build", "docs/book", "--dest-dir"]).arg(&site).current_dir(&workspace.root);
    let mut crates = cargo();
    crates.args(["doc", "--workspace", "--no-deps", "--all-features"]);
    crates.env("RUSTDOCFLAGS", "-D warnings").current_dir(&workspace.root);
    if !step("[2/3] book", &mut book)? || !step("[3/3] crates", &mut crates)? {
        return Ok(false);
    }
    let index = |directory: PathBuf, file: &str| directory.join(file).display().to_string();
    println!("{}", index(site, "index.html"));
    println!("{}", index(workspace.target_dir().join("doc"), "fs_axum/index.html"));
    Ok(true)
}
