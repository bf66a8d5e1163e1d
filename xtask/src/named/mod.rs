//! Existence check for items and tests that documents name.

mod index;
mod scenarios;

use std::collections::BTreeSet;

use crate::Result;
use crate::workspace::Workspace;

use self::index::Index;

/// Everything that a document may name.
#[derive(Default)]
pub(crate) struct Named {
    index: Index,
    scenarios: BTreeSet<String>,
}

impl Named {
    /// Reads all sources and recordings of the workspace.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        Ok(Self { index: Index::read(workspace)?, scenarios: scenarios::read(workspace)? })
    }

    /// Checks whether a public item, method, variant or field of that path exists.
    pub(crate) fn has_item(&self, path: &str) -> bool {
        self.index.has_item(path)
    }

    /// Checks whether a test of that name exists: a path
    /// (`fs_core::csrf::altered_tokens_never_pass`), a recorded scenario (`contract:login/json_ok`)
    /// or a rule of the store conformance suite (`conformance:NAME`).
    pub(crate) fn has_test(&self, name: &str) -> bool {
        match name.split_once(':') {
            Some(("contract", scenario)) => self.scenarios.contains(scenario),
            Some(("conformance", rule)) => self.index.has_conformance_rule(rule),
            _ => self.index.has_test(name),
        }
    }
}

#[cfg(test)]
impl Named {
    /// Creates the names of a crate with one item, one test, one rule and one scenario.
    pub(crate) fn for_tests() -> Self {
        let mut index = Index::default();
        index.add("crates/fs-core/src/a.rs", "pub struct S; #[test] fn proves_it() {}").unwrap();
        let rules = "macro_rules! __each_store_rule {
            ($then:ident) => { $crate::$then! { sessions::expired_is_absent users::others } };
        }";
        index.add("crates/fs-testkit/src/conformance/mod.rs", rules).unwrap();
        Self { index, scenarios: ["login/json".to_owned()].into() }
    }
}
