//! `cargo xtask semver`: compares the public API of every published crate with the revision in
//! `xtask/semver-baseline`.

use std::fs;
use std::process::Command;

use crate::Result;
use crate::tool::{Tool, step};
use crate::workspace::Workspace;

const SEMVER_CHECKS: Tool =
    Tool { name: "cargo-semver-checks", version: "0.51.0", arguments: &["--debug"] };
const BASELINE: &str = "xtask/semver-baseline";

/// Returns whether no change of the API breaks programs that use it.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let baseline = fs::read_to_string(workspace.root.join(BASELINE))?;
    let baseline = baseline.trim();
    let Some(program) = SEMVER_CHECKS.get(workspace)? else { return Ok(false) };
    let mut passed = true;
    for (name, _) in workspace.packages.iter().filter(|(_, package)| package.published) {
        let mut check = Command::new(&program);
        check.args(["semver-checks", "check-release", "--package", name]);
        check.args(["--baseline-rev", baseline, "--all-features", "--release-type", "minor"]);
        check.current_dir(&workspace.root);
        passed &= step(workspace, &format!("semver-{name}"), &mut check)?;
    }
    println!("compared with {baseline}");
    Ok(passed)
}
