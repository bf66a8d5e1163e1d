//! Dependency rules: crates depend on each other in one direction only, and `fs-core` stays pure.

use std::collections::{BTreeMap, VecDeque};

use crate::report::Offence;
use crate::workspace::{Package, Workspace};

/// Workspace crates that a crate may depend on. A name that ends in `*` matches every name with
/// that prefix. The first matching line counts. Tests may depend on everything.
const EDGES: &[(&str, &[&str])] = &[
    ("fs-core", &[]),
    ("fs-http", &["fs-core"]),
    ("fs-axum", &["fs-services", "fs-http", "fs-core"]),
    ("fs-rocket", &["fs-services", "fs-http", "fs-core"]),
    ("fs-actix", &["fs-services", "fs-http", "fs-core"]),
    ("fs-store-*", &["fs-core"]),
    ("fs-services", &["fs-http", "fs-core"]),
    ("fs-testkit", &["fs-core", "fs-http", "fs-store-memory"]),
    ("fs-contract", &["*"]),
    ("fs-timing", &["*"]),
    ("fs-cli", &["*"]),
    ("xtask", &[]),
];

/// Runtimes, frameworks and crates that perform I/O. `fs-core` must not depend on them, not even
/// indirectly.
const IMPURE: &[&str] = &[
    "actix-*",
    "async-std",
    "axum*",
    "diesel*",
    "hyper*",
    "lettre",
    "mio",
    "mongodb",
    "redis",
    "reqwest",
    "rocket*",
    "rusqlite",
    "rustls",
    "sea-orm*",
    "smol",
    "socket2",
    "sqlx*",
    "tokio*",
    "tower*",
    "ureq",
];

/// Sources of randomness and time. Hashing crates depend on them, but `fs-core` itself must use its
/// ports.
const NOT_BY_ITSELF: &[&str] = &["chrono", "fastrand", "getrandom", "jiff", "rand*"];

/// Checks the workspace.
pub(super) fn check(workspace: &Workspace) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (name, package) in &workspace.packages {
        let file = format!("{}/Cargo.toml", package.dir);
        let found = check_package(name, package, &workspace.packages);
        offences.extend(found.into_iter().map(|what| Offence::new(&file, 1, what)));
    }
    if let Some(core) = workspace.packages.get("fs-core") {
        let file = format!("{}/Cargo.toml", core.dir);
        let found = check_purity(core, &workspace.needs);
        offences.extend(found.into_iter().map(|what| Offence::new(&file, 1, what)));
    }
    offences
}

fn check_package(
    name: &str,
    package: &Package,
    members: &BTreeMap<String, Package>,
) -> Vec<String> {
    let example = package.dir.starts_with("examples/");
    let rule = EDGES.iter().find(|(pattern, _)| fits(pattern, name));
    let allowed = match rule {
        _ if example => &["*"],
        Some((_, allowed)) => *allowed,
        None => {
            let what = "say in xtask/src/tidy/edges.rs what this crate may depend on";
            return vec![format!("{name} is not in the table of crates: {what}")];
        }
    };
    let used = package.dependencies.iter().filter(|dependency| !dependency.dev);
    used.filter(|dependency| members.contains_key(&dependency.name))
        .filter(|dependency| !allowed.iter().any(|pattern| fits(pattern, &dependency.name)))
        .map(|dependency| {
            format!(
                "{name} must not depend on {}: adapters -> fs-http -> fs-core <- stores, services",
                dependency.name
            )
        })
        .collect()
}

fn check_purity(core: &Package, needs: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let itself = core.dependencies.iter().filter(|dependency| !dependency.dev);
    let itself = itself
        .filter(|dependency| NOT_BY_ITSELF.iter().any(|pattern| fits(pattern, &dependency.name)))
        .map(|dependency| format!("fs-core must ask a port instead of {}", dependency.name));
    let way = ways_from("fs-core", needs);
    let impure = way
        .keys()
        .filter(|name| IMPURE.iter().any(|pattern| fits(pattern, name)))
        .map(|name| format!("fs-core must stay pure, but it needs {name}: {}", chain(name, &way)));
    itself.chain(impure).collect()
}

/// Returns every package that `start` depends on, each with its dependent.
fn ways_from<'a>(
    start: &'a str,
    needs: &'a BTreeMap<String, Vec<String>>,
) -> BTreeMap<&'a str, &'a str> {
    let mut way = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        for needed in needs.get(name).into_iter().flatten() {
            if needed != start && !way.contains_key(needed.as_str()) {
                way.insert(needed.as_str(), name);
                queue.push_back(needed);
            }
        }
    }
    way
}

fn chain(name: &str, way: &BTreeMap<&str, &str>) -> String {
    let mut names = vec![name];
    names.extend(std::iter::successors(way.get(name), |name| way.get(**name)));
    names.reverse();
    names.join(" -> ")
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(dir: &str, dependencies: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency {
            name: name.trim_start_matches("dev:").to_owned(),
            dev: name.starts_with("dev:"),
        };
        Package {
            dir: dir.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
            ..Package::default()
        }
    }

    fn offences(name: &str, dir: &str, dependencies: &[&str]) -> usize {
        let members = ["fs-core", "fs-http", "fs-store-memory", "fs-testkit", name];
        let members = members.map(|name| (name.to_owned(), package("", &[]))).into();
        check_package(name, &package(dir, dependencies), &members).len()
    }

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(offences("fs-core", "crates/fs-core", &["serde", "dev:fs-testkit"]), 0);
        assert_eq!(offences("fs-core", "crates/fs-core", &["fs-testkit"]), 1);
        assert_eq!(offences("fs-http", "crates/fs-http", &["fs-core"]), 0);
        assert_eq!(offences("fs-http", "crates/fs-http", &["fs-store-memory"]), 1);
        assert_eq!(offences("fs-store-new", "crates/fs-store-new", &["fs-core"]), 0);
        assert_eq!(offences("fs-store-new", "crates/fs-store-new", &["fs-http"]), 1);
        assert_eq!(offences("fs-axum", "crates/fs-axum", &["fs-http", "fs-store-memory"]), 1);
    }

    #[test]
    fn examples_may_use_everything() {
        assert_eq!(offences("demo", "examples/demo", &["fs-http", "fs-store-memory"]), 0);
    }

    #[test]
    fn a_new_crate_needs_a_line() {
        assert_eq!(offences("fs-surprise", "crates/fs-surprise", &[]), 1);
    }

    #[test]
    fn a_runtime_is_found_however_deep() {
        let needs: BTreeMap<String, Vec<String>> = [
            ("fs-core".to_owned(), vec!["a".to_owned()]),
            ("a".to_owned(), vec!["b".to_owned(), "fs-core".to_owned()]),
            ("b".to_owned(), vec!["tokio-util".to_owned()]),
        ]
        .into();
        let found = check_purity(&package("crates/fs-core", &["a"]), &needs);
        assert_eq!(
            found,
            ["fs-core must stay pure, but it needs tokio-util: fs-core -> a -> b -> tokio-util"]
        );
    }

    #[test]
    fn randomness_comes_through_a_port() {
        let found = check_purity(&package("crates/fs-core", &["rand_core"]), &BTreeMap::new());
        assert_eq!(found.len(), 1);
        let tests_only = package("crates/fs-core", &["dev:rand"]);
        assert!(check_purity(&tests_only, &BTreeMap::new()).is_empty());
    }
}
