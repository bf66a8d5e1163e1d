//! Combinations of features in which published crates must compile.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::Workspace;

/// Crates that refuse to compile without a choice of features, and say so.
const NEEDS_ONE: [&str; 1] = ["fs-store-sqlx"];

/// Published crates with the same features. They are checked by one run of cargo, since each run
/// checks the crates below them anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Combination {
    pub(super) packages: Vec<String>,
    pub(super) features: Vec<String>,
}

/// Returns every published crate without features, with each feature alone, and with all.
pub(super) fn combinations(workspace: &Workspace) -> Vec<Combination> {
    let published = workspace.packages.iter().filter(|(_, package)| package.published);
    let mut alike: BTreeMap<(&[String], bool), Vec<String>> = BTreeMap::new();
    for (name, package) in published {
        let kind = (package.features.as_slice(), NEEDS_ONE.contains(&name.as_str()));
        alike.entry(kind).or_default().push(name.clone());
    }
    alike.into_iter().flat_map(|((all, needs_one), names)| of(&names, all, needs_one)).collect()
}

fn of(packages: &[String], features: &[String], needs_one: bool) -> Vec<Combination> {
    let features: Vec<_> = features.iter().filter(|name| *name != "default").collect();
    let none = (!needs_one).then(BTreeSet::new);
    let alone = features.iter().map(|feature| BTreeSet::from([*feature]));
    let all = BTreeSet::from_iter(features.iter().copied());
    let mut seen = BTreeSet::new();
    let sets = none.into_iter().chain(alone).chain([all]);
    let new = sets.filter(|set| seen.insert(set.clone()));
    new.map(|set| Combination {
        packages: packages.to_vec(),
        features: set.into_iter().cloned().collect(),
    })
    .collect()
}

impl Combination {
    /// Returns the arguments for cargo.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = ["check", "--lib", "--no-default-features"].map(str::to_owned).to_vec();
        for package in &self.packages {
            arguments.extend(["--package".to_owned(), package.clone()]);
        }
        let of_package = |package| self.features.iter().map(move |f| format!("{package}/{f}"));
        let features: Vec<_> = self.packages.iter().flat_map(of_package).collect();
        arguments.extend(["--features".to_owned(), features.join(",")]);
        arguments
    }

    /// Returns a name for the report, such as `fs-http [phone]`.
    pub(super) fn name(&self) -> String {
        format!("{} [{}]", self.packages.join(", "), self.features.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(features: &[&str], needs_one: bool) -> Vec<Vec<String>> {
        let features: Vec<_> = features.iter().map(|name| (*name).to_owned()).collect();
        let all = of(&["a".to_owned()], &features, needs_one);
        all.into_iter().map(|one| one.features).collect()
    }

    #[test]
    fn each_crate_is_checked_without_features_with_each_and_with_all() {
        let none: [&str; 0] = [];
        assert_eq!(sets(&none, false), [none]);
        assert_eq!(
            sets(&["default", "x", "y"], false),
            [vec![], vec!["x"], vec!["y"], vec!["x", "y"]]
        );
        assert_eq!(sets(&["x"], false), [vec![], vec!["x"]]);
        assert_eq!(sets(&["x", "y"], true), [vec!["x"], vec!["y"], vec!["x", "y"]]);
    }

    #[test]
    fn arguments_name_the_features() {
        let packages = vec!["a".into(), "b".into()];
        let one = Combination { packages, features: vec!["x".into(), "y".into()] };
        assert_eq!(
            one.arguments().join(" "),
            "check --lib --no-default-features --package a --package b --features a/x,a/y,b/x,b/y"
        );
        assert_eq!(one.name(), "a, b [x, y]");
    }
}
