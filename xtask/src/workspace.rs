//! Workspace as cargo and git see it: its packages, their dependencies, and its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Result;

/// Workspace of the project.
pub(crate) struct Workspace {
    /// Root directory.
    pub(crate) root: PathBuf,
    /// Packages of the workspace, by name.
    pub(crate) packages: BTreeMap<String, Package>,
    /// Runtime dependencies of every package in the lock file, by name. Neither build nor dev
    /// dependencies are included. Versions of the same name are merged.
    pub(crate) needs: BTreeMap<String, Vec<String>>,
}

/// Package of the workspace.
#[derive(Default)]
pub(crate) struct Package {
    /// Directory, relative to the root.
    pub(crate) dir: String,
    /// Direct dependencies.
    pub(crate) dependencies: Vec<Dependency>,
    /// Names of its binaries.
    pub(crate) programs: Vec<String>,
    /// Names of the files in its `tests` directory.
    pub(crate) test_files: Vec<String>,
    /// Names of its features.
    pub(crate) features: Vec<String>,
    /// Whether it is published on crates.io.
    pub(crate) published: bool,
}

/// Direct dependency.
pub(crate) struct Dependency {
    /// Name of the crate.
    pub(crate) name: String,
    /// Whether it is a dev-dependency.
    pub(crate) dev: bool,
}

impl Workspace {
    /// Reads the workspace that cargo runs us from.
    pub(crate) fn find() -> Result<Self> {
        // If several checkouts share a target directory, this binary may have been built in another
        // one.
        let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let here = here.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = here.parent().ok_or("xtask has no parent")?;
        let output =
            cargo().args(["metadata", "--format-version", "1"]).current_dir(root).output()?;
        if !output.status.success() {
            return Err(format!(
                "cargo metadata failed: {}",
                String::from_utf8_lossy(&output.stderr)
            )
            .into());
        }
        Ok(Self::read(root, &serde_json::from_slice(&output.stdout)?))
    }

    fn read(root: &Path, metadata: &Value) -> Self {
        let members: Vec<&str> = texts(&metadata["workspace_members"]).collect();
        let mut names = BTreeMap::new();
        let mut packages = BTreeMap::new();
        for package in list(&metadata["packages"]) {
            let (id, name) = (text(&package["id"]), text(&package["name"]));
            names.insert(id, name);
            if members.contains(&id) {
                packages.insert(name.to_owned(), Package::read(root, package));
            }
        }
        let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in metadata.pointer("/resolve/nodes").map(list).unwrap_or_default() {
            let Some(name) = names.get(text(&node["id"])) else { continue };
            let needed = needs.entry((*name).to_owned()).or_default();
            for dependency in list(&node["deps"]) {
                let runs = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
                if let (true, Some(name)) = (runs, names.get(text(&dependency["pkg"]))) {
                    needed.push((*name).to_owned());
                }
            }
        }
        Self { root: root.to_owned(), packages, needs }
    }

    /// Returns the files that git tracks or would add, relative to the root and sorted. Deleted
    /// files are left out.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()?;
        if !output.status.success() {
            return Err(
                "git ls-files failed: the tidy rules look at the files that git knows".into()
            );
        }
        let mut files: Vec<String> = String::from_utf8(output.stdout)?
            .split_terminator('\0')
            .filter(|file| self.root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Reads a file. Returns `None` if it is not text.
    pub(crate) fn read_text(&self, file: &str) -> Result<Option<String>> {
        let bytes = std::fs::read(self.root.join(file)).map_err(|e| format!("{file}: {e}"))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Returns the directory in which cargo builds.
    pub(crate) fn target_dir(&self) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        self.root.join(target)
    }

    /// Returns the directory in which xtask writes the output of the steps.
    pub(crate) fn log_dir(&self) -> Result<PathBuf> {
        let dir = self.target_dir().join("xtask");
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }
}

impl Package {
    fn read(root: &Path, package: &Value) -> Self {
        let manifest = Path::new(text(&package["manifest_path"]));
        let dir = manifest.parent().and_then(|dir| dir.strip_prefix(root).ok());
        let dependencies = list(&package["dependencies"]).iter().map(|dependency| Dependency {
            name: text(&dependency["name"]).to_owned(),
            dev: dependency["kind"] == "dev",
        });
        let targets = |wanted: &str| {
            let targets = list(&package["targets"]).iter();
            let targets = targets.filter(|t| texts(&t["kind"]).any(|kind| kind == wanted));
            targets.map(|target| text(&target["name"]).to_owned()).collect()
        };
        let features = package["features"].as_object();
        Self {
            dir: dir.map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default(),
            dependencies: dependencies.collect(),
            programs: targets("bin"),
            test_files: targets("test"),
            features: features.map(|all| all.keys().cloned().collect()).unwrap_or_default(),
            published: package["publish"].is_null(),
        }
    }
}

/// Returns a command for the cargo that runs us. Removes the variables that describe our own
/// package, because some build scripts depend on them and would run again.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_package = |name: &str| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start))
        };
        if name.to_str().is_some_and(of_package) {
            command.env_remove(name);
        }
    }
    command
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read() {
        let metadata = serde_json::json!({
            "workspace_members": ["a 1"],
            "packages": [
                { "id": "a 1", "name": "a", "manifest_path": "/r/crates/a/Cargo.toml",
                  "dependencies": [{ "name": "b", "kind": null }, { "name": "c", "kind": "dev" }],
                  "targets": [{ "kind": ["lib"], "name": "a" }, { "kind": ["bin"], "name": "run" },
                              { "kind": ["test"], "name": "flows" }] },
                { "id": "b 1", "name": "b" }, { "id": "c 1", "name": "c" },
            ],
            "resolve": { "nodes": [
                { "id": "a 1", "deps": [
                    { "pkg": "b 1", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "c 1", "dep_kinds": [{ "kind": "dev" }] }] },
            ] },
        });
        let workspace = Workspace::read(Path::new("/r"), &metadata);
        let package = &workspace.packages["a"];
        assert_eq!(package.dir, "crates/a");
        assert_eq!(package.programs, ["run"]);
        assert_eq!(package.test_files, ["flows"]);
        let dependencies: Vec<_> =
            package.dependencies.iter().map(|d| (d.name.as_str(), d.dev)).collect();
        assert_eq!(dependencies, [("b", false), ("c", true)]);
        assert_eq!(workspace.needs["a"], ["b"]);
    }
}
