//! `cargo xtask tidy`: checks the rules of the tree that neither the compiler nor clippy knows.

mod adapters;
mod assurance;
mod benches;
mod book;
mod edges;
mod english;
mod explained;
mod manifest;
mod paths;
mod source;

use crate::Result;
use crate::named::Named;
use crate::report::Report;
use crate::workspace::Workspace;

/// Checks every rule and lists every offence.
pub(crate) fn run(workspace: &Workspace) -> Result<Report> {
    let mut offences = edges::check(workspace);
    // Only a warning, because a new crate may not use its dependencies yet.
    let mut warnings = explained::unused(workspace)?;
    for package in workspace.packages.values() {
        let file = format!("{}/Cargo.toml", package.dir);
        let text = workspace.read_text(&file)?.ok_or_else(|| format!("{file} is not text"))?;
        offences.extend(manifest::check(&file, &text)?);
    }
    offences.extend(benches::check(workspace)?);
    offences.extend(explained::check(workspace)?);
    let files = workspace.files()?;
    let text = workspace.read_text(assurance::FILE)?;
    let text = text.ok_or_else(|| format!("{} is missing", assurance::FILE))?;
    offences.extend(assurance::check(&text, &Named::read(workspace)?));
    offences.extend(adapters::check(workspace, &files)?);
    let contents = workspace.read_text(book::CONTENTS)?.ok_or("the book's contents are no text")?;
    // A directory is a valid target of a link.
    let read = |file: &str| match workspace.root.join(file).is_dir() {
        true => Some(String::new()),
        false => workspace.read_text(file).ok().flatten(),
    };
    for file in &files {
        let Some(text) = workspace.read_text(file)? else { continue };
        offences.extend(paths::check(file, &text));
        if book::is_part(file) {
            offences.extend(book::check(file, &text, &contents, read));
        }
        if file.ends_with(".rs") {
            offences.extend(source::check(file, &text));
            offences.extend(english::check(file, &text));
            warnings.extend(source::length_warning(file, &text));
        }
    }
    let on = format!("{} files, {} crates", files.len(), workspace.packages.len());
    Ok(Report::new(on, offences, warnings))
}
