//! `cargo xtask docs`: the book as a site, with the pages of `docs` and the documentation of every
//! published crate.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::tool::{Tool, step};
use crate::workspace::{Workspace, cargo};

const MDBOOK: Tool =
    Tool { name: "mdbook", version: "0.5.4", arguments: &["--no-default-features"] };
/// Address of the files that are not in the site.
const SOURCES: &str = "https://github.com/fs-rs/fs/blob/main";
/// Pages of `docs` that the site has after those of the book.
const REFERENCE: [(&str, &str); 6] = [
    ("architecture.md", "Architecture"),
    ("evictions.md", "What each event revokes"),
    ("assurance.md", "Guarantees and their tests"),
    ("parity.md", "Names of Flask-Security"),
    ("benchmarks.md", "Benchmarks"),
    ("dependencies.md", "Dependencies"),
];

/// Builds the site, and prints where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let site = workspace.target_dir().join("site");
    let source = workspace.target_dir().join("site-source");
    let broken = write_source(workspace, &source)?;
    if !broken.is_empty() {
        broken.iter().for_each(|link| println!("broken link: {link}"));
        return Ok(false);
    }
    let Some(mdbook) = MDBOOK.get(workspace)? else { return Ok(false) };
    let mut book = Command::new(mdbook);
    book.arg("build").arg(&source).arg("--dest-dir").arg(&site);
    let mut crates = cargo();
    crates.args(["doc", "--workspace", "--no-deps", "--all-features"]);
    crates.env("RUSTDOCFLAGS", "-D warnings").current_dir(&workspace.root);
    if !step(workspace, "docs-book", &mut book)? || !step(workspace, "docs-crates", &mut crates)? {
        return Ok(false);
    }
    copy(&workspace.target_dir().join("doc"), &site.join("api"))?;
    println!("{}", site.join("index.html").display());
    Ok(true)
}

/// Writes what mdBook reads: the book, the reference pages, the settings, and a list of the crates.
/// Returns the links that lead nowhere.
fn write_source(workspace: &Workspace, to: &Path) -> Result<Vec<String>> {
    let (docs, book) = (workspace.root.join("docs"), workspace.root.join("docs/book"));
    fs::create_dir_all(to)?;
    let mut broken = Vec::new();
    let mut put = |from: &Path, name: &str| -> Result<()> {
        let text = fs::read_to_string(from)?;
        let folder = from.parent().unwrap_or(&docs);
        fs::write(to.join(name), with_links(&text, folder, workspace, &mut broken))?;
        Ok(())
    };
    for entry in fs::read_dir(&book)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|end| end == "md") && name != "SUMMARY.md" {
            put(&path, name)?;
        }
    }
    for (name, _) in REFERENCE {
        put(&docs.join(name), name)?;
    }
    let settings = fs::read_to_string(docs.join("settings.toml"))?;
    fs::write(to.join("settings.md"), format!("# Settings\n\n```toml\n{settings}```\n"))?;
    fs::write(to.join("crates.md"), crates(workspace))?;
    let mut summary = fs::read_to_string(book.join("SUMMARY.md"))?;
    summary.push_str("\n# Reference\n\n- [Crates](crates.md)\n- [Settings](settings.md)\n");
    for (name, title) in REFERENCE {
        let _ = writeln!(summary, "- [{title}]({name})");
    }
    fs::write(to.join("SUMMARY.md"), summary)?;
    fs::copy(book.join("book.toml"), to.join("book.toml"))?;
    Ok(broken)
}

/// Returns the page that lists the documentation of the published crates.
fn crates(workspace: &Workspace) -> String {
    let mut page = "# Crates\n\n".to_owned();
    for (name, _) in workspace.packages.iter().filter(|(_, package)| package.published) {
        let _ = writeln!(page, "- [`{name}`](api/{}/index.html)", name.replace('-', "_"));
    }
    page
}

/// Returns a page whose links lead to pages of the site, or to the sources.
fn with_links(
    text: &str,
    folder: &Path,
    workspace: &Workspace,
    broken: &mut Vec<String>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        out.push_str(before);
        out.push_str("](");
        let Some((target, after)) = link.split_once(')') else {
            rest = link;
            break;
        };
        out.push_str(&new_target(target, folder, workspace, broken));
        out.push(')');
        rest = after;
    }
    out.push_str(rest);
    out
}

fn new_target(
    target: &str,
    folder: &Path,
    workspace: &Workspace,
    broken: &mut Vec<String>,
) -> String {
    let (file, anchor) = target.split_at(target.find('#').unwrap_or(target.len()));
    let is_code = file.contains(|c: char| c.is_whitespace() || c == '"');
    if file.is_empty() || target.contains("://") || is_code {
        return target.to_owned();
    }
    let Ok(path) = folder.join(file).canonicalize() else {
        broken.push(format!("{target} in {}", folder.display()));
        return target.to_owned();
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let in_site = name == "settings.toml"
        || path.parent() == Some(&workspace.root.join("docs/book"))
        || REFERENCE.iter().any(|(page, _)| workspace.root.join("docs").join(page) == path);
    match path.strip_prefix(&workspace.root) {
        _ if in_site => name.replace(".toml", ".md") + anchor,
        Ok(path) => format!("{SOURCES}/{}{anchor}", path.display()),
        Err(_) => target.to_owned(),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()?.is_dir() {
            true => copy(&source, &target)?,
            false => drop(fs::copy(&source, &target)?),
        }
    }
    Ok(())
}
