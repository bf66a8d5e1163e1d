//! Index of the sources: public items and tests, by the path under which they are written.
//!
//! A path in a document may leave modules out (`fs_core::port::Batch` for an item in
//! `fs_core::port::batch`), because re-exports shorten paths. The names that it contains must occur
//! in that order. A method, variant or field is always named with its type.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Fields, ImplItem, Item, TraitItem, Type, Visibility};

use crate::Result;
use crate::workspace::Workspace;

/// Macro that lists the rules of the store conformance suite, as `group::rule`.
const CONFORMANCE: &str = "__each_store_rule";

/// Places of public items and tests, by name.
#[derive(Default)]
pub(crate) struct Index {
    items: BTreeMap<String, Vec<Place>>,
    tests: BTreeMap<String, Vec<Place>>,
    rules: BTreeSet<String>,
}

/// Place of an item.
#[derive(Clone)]
struct Place {
    /// Crate and modules that contain it.
    modules: Vec<String>,
    /// Type or trait that it belongs to, if any.
    owner: Option<String>,
}

impl Place {
    /// Returns the place of the module `name` in this one.
    fn module(&self, name: &impl ToString) -> Self {
        Self { modules: [self.modules.as_slice(), &[name.to_string()]].concat(), owner: None }
    }

    /// Returns the place of the type `name` in this module.
    fn of(&self, name: &impl ToString) -> Self {
        Self { modules: self.modules.clone(), owner: Some(name.to_string()) }
    }

    /// Checks whether a path leads to this place: first the crate, then modules in order, last the
    /// owner.
    fn fits(&self, path: &[&str]) -> bool {
        let path = match (&self.owner, path) {
            (None, path) => path,
            (Some(owner), [path @ .., last]) if owner == last => path,
            _ => return false,
        };
        let ([root, modules @ ..], [first, between @ ..]) = (self.modules.as_slice(), path) else {
            return false;
        };
        let mut modules = modules.iter();
        root == first && between.iter().all(|name| modules.any(|module| module == name))
    }
}

impl Index {
    /// Reads all sources of the workspace.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let mut index = Self::default();
        for file in workspace.files()?.iter().filter(|file| file.ends_with(".rs")) {
            let text = workspace.read_text(file)?.unwrap_or_default();
            index.add(file, &text)?;
        }
        Ok(index)
    }

    /// Adds one source.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Result<()> {
        let Some(modules) = module_path(file) else { return Ok(()) };
        let parsed = syn::parse_file(text)
            .map_err(|error| format!("{file}:{}: {error}", error.span().start().line))?;
        let place = Place { modules, owner: None };
        self.add_items(&place, &parsed.items);
        let tokens = text.parse::<TokenStream>().map_err(|error| format!("{file}: {error}"))?;
        self.add_tests(&place, tokens);
        Ok(())
    }

    /// Checks whether a public item, method, variant or field of that path exists.
    pub(crate) fn has_item(&self, path: &str) -> bool {
        has(&self.items, path)
    }

    /// Checks whether a test of that path exists.
    pub(crate) fn has_test(&self, path: &str) -> bool {
        has(&self.tests, path)
    }

    /// Checks whether the store conformance suite has that rule.
    pub(crate) fn has_conformance_rule(&self, rule: &str) -> bool {
        self.rules.contains(rule)
    }

    fn add_items(&mut self, place: &Place, items: &[Item]) {
        for item in items {
            match item {
                Item::Const(item) => self.add_public(&item.vis, place, &item.ident),
                Item::Enum(item) => {
                    self.add_public(&item.vis, place, &item.ident);
                    let inside = place.of(&item.ident);
                    for variant in &item.variants {
                        self.add_public(&item.vis, &inside, &variant.ident);
                    }
                }
                Item::Fn(item) => self.add_public(&item.vis, place, &item.sig.ident),
                Item::Impl(item) => {
                    let Some(name) = type_name(&item.self_ty) else { continue };
                    let inside = place.of(&name);
                    let of_trait = item.trait_.is_some();
                    for item in &item.items {
                        match item {
                            ImplItem::Fn(item) if of_trait => {
                                self.add_item(&inside, &item.sig.ident);
                            }
                            ImplItem::Fn(item) => {
                                self.add_public(&item.vis, &inside, &item.sig.ident);
                            }
                            ImplItem::Const(item) => {
                                self.add_public(&item.vis, &inside, &item.ident);
                            }
                            _ => {}
                        }
                    }
                }
                Item::Macro(item) => {
                    if item.ident.as_ref().is_some_and(|name| name == CONFORMANCE) {
                        self.add_rules(item.mac.tokens.clone());
                    }
                    // An exported macro such as `policy!` is at the root of its crate.
                    let exported = item.attrs.iter().any(|a| a.path().is_ident("macro_export"));
                    if let (true, Some(name)) = (exported, &item.ident) {
                        let modules = place.modules.iter().take(1).cloned().collect();
                        self.add_item(&Place { modules, owner: None }, name);
                    }
                }
                Item::Mod(item) => {
                    self.add_public(&item.vis, place, &item.ident);
                    if let Some((_, items)) = &item.content {
                        self.add_items(&place.module(&item.ident), items);
                    }
                }
                Item::Static(item) => self.add_public(&item.vis, place, &item.ident),
                Item::Struct(item) => {
                    self.add_public(&item.vis, place, &item.ident);
                    if let Fields::Named(fields) = &item.fields {
                        let inside = place.of(&item.ident);
                        for field in &fields.named {
                            let Some(name) = &field.ident else { continue };
                            self.add_public(&field.vis, &inside, name);
                        }
                    }
                }
                Item::Trait(item) => {
                    self.add_public(&item.vis, place, &item.ident);
                    let inside = place.of(&item.ident);
                    for method in &item.items {
                        if let TraitItem::Fn(method) = method {
                            self.add_public(&item.vis, &inside, &method.sig.ident);
                        }
                    }
                }
                Item::Type(item) => self.add_public(&item.vis, place, &item.ident),
                _ => {}
            }
        }
    }

    fn add_public(&mut self, visibility: &Visibility, place: &Place, name: &impl ToString) {
        if matches!(visibility, Visibility::Public(_)) {
            self.add_item(place, name);
        }
    }

    fn add_item(&mut self, place: &Place, name: &impl ToString) {
        self.items.entry(name.to_string()).or_default().push(place.clone());
    }

    /// Adds the rules in a list: the last part of every `group::rule`.
    fn add_rules(&mut self, tokens: TokenStream) {
        let mut before = [None, None];
        for token in tokens {
            match &token {
                TokenTree::Group(group) => self.add_rules(group.stream()),
                TokenTree::Ident(rule) if before == [Some(':'), Some(':')] => {
                    self.rules.insert(rule.to_string());
                }
                _ => {}
            }
            let mark = match &token {
                TokenTree::Punct(mark) => Some(mark.as_char()),
                _ => None,
            };
            before = [before[1], mark];
        }
    }

    /// Adds functions marked `#[test]`, `#[tokio::test]` and the like, in macros such as
    /// `proptest!` too.
    fn add_tests(&mut self, place: &Place, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut is_test = false;
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(word) if word == "fn" => {
                    if let (true, Some(TokenTree::Ident(name))) = (is_test, tokens.peek()) {
                        self.tests.entry(name.to_string()).or_default().push(place.clone());
                    }
                    is_test = false;
                }
                TokenTree::Group(group) => {
                    is_test = is_test || marks_a_test(group.stream());
                    self.add_tests(place, group.stream());
                }
                _ => {}
            }
        }
    }
}

/// Checks whether the inside of `#[…]` marks a test: `test`, `tokio::test`, `tokio::test(flavor =
/// "…")`.
fn marks_a_test(attribute: TokenStream) -> bool {
    let words = attribute.into_iter().take_while(|token| !matches!(token, TokenTree::Group(_)));
    let mut words =
        words.filter(|token| !matches!(token, TokenTree::Punct(p) if p.as_char() == ':'));
    let last = words.by_ref().last();
    matches!(last, Some(TokenTree::Ident(word)) if word == "test")
}

/// Returns the module path of a file, such as `fs_core::port::batch` for
/// `crates/fs-core/src/port/batch.rs` and `fs_core::flows` for `crates/fs-core/tests/flows.rs`.
fn module_path(file: &str) -> Option<Vec<String>> {
    let (_, rest) = file.split_once("crates/").or_else(|| file.split_once("examples/"))?;
    let (package, file) = rest.split_once('/')?;
    let file = file.strip_prefix("src/").or_else(|| file.strip_prefix("tests/"))?;
    let modules = file.strip_suffix(".rs")?.split('/');
    let modules = modules.filter(|name| !matches!(*name, "lib" | "main" | "mod"));
    let path = std::iter::once(package.replace('-', "_")).chain(modules.map(str::to_owned));
    Some(path.collect())
}

fn type_name(item: &Type) -> Option<String> {
    match item {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// Checks whether one of the places matches the path.
fn has(known: &BTreeMap<String, Vec<Place>>, wanted: &str) -> bool {
    let wanted: Vec<&str> = wanted.trim_end_matches('!').split("::").collect();
    let [path @ .., name] = wanted.as_slice() else { return false };
    known.get(*name).into_iter().flatten().any(|place| place.fits(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(file: &str, text: &str) -> Index {
        let mut index = Index::default();
        index.add(file, text).unwrap();
        index
    }

    #[test]
    fn items_of_every_kind_are_found() {
        let index = index(
            "crates/fs-core/src/port/batch.rs",
            "pub struct S { pub field: u8, hidden: u8 }
             impl<T> S { pub fn method(&self) {} fn private(&self) {} pub const LIMIT: u8 = 1; }
             impl Default for S { fn default() -> Self { S } }
             pub enum E { Variant { x: u8 } }
             pub trait Port { fn call(&self); }
             pub type Alias = S;
             pub const C: u8 = 1;
             pub fn free() {}
             pub(crate) fn inner() {}
             #[macro_export] macro_rules! policy { () => {} }
             pub mod deep { pub fn down() {} }",
        );
        for path in [
            "fs_core::port::batch::S",
            "fs_core::port::S",
            "fs_core::S",
            "fs_core::port::S::field",
            "fs_core::S::method",
            "fs_core::S::LIMIT",
            "fs_core::S::default",
            "fs_core::E::Variant",
            "fs_core::port::Port::call",
            "fs_core::Alias",
            "fs_core::C",
            "fs_core::free",
            "fs_core::policy!",
            "fs_core::deep::down",
        ] {
            assert!(index.has_item(path), "{path}");
        }
        for path in [
            "S",
            "fs_http::S",
            "fs_core::other::S",
            "fs_core::batch::port::S",
            "fs_core::S::hidden",
            "fs_core::S::private",
            "fs_core::E::Other",
            "fs_core::method",
            "fs_core::inner",
            "fs_core::Gone",
        ] {
            assert!(!index.has_item(path), "{path}");
        }
    }

    #[test]
    fn tests_of_every_kind_are_found() {
        let index = index(
            "crates/fs-http/tests/csrf.rs",
            "#[test] fn plain() {}
             #[tokio::test(flavor = \"current_thread\")] async fn waits() {}
             proptest! { #[test] fn holds(x in 0..9) { f(x) } }
             mod tests { #[test] #[should_panic] fn inside() {} }
             fn helper() {}
             #[cfg(test)] fn only_for_tests() {}",
        );
        for test in ["plain", "waits", "holds", "inside", "csrf::plain"] {
            assert!(index.has_test(&format!("fs_http::{test}")), "{test}");
        }
        for test in ["helper", "only_for_tests", "gone"] {
            assert!(!index.has_test(&format!("fs_http::{test}")), "{test}");
        }
    }
}
