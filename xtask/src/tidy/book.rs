//! Check of the book: its Rust code is copied from compiled files, its links have a target, and
//! every chapter is in the table of contents.

use std::path::{Component, Path, PathBuf};

use crate::report::Offence;

/// Directory of the book.
const BOOK: &str = "docs/book/";
/// Path of its table of contents, as mdBook reads it.
pub(super) const CONTENTS: &str = "docs/book/SUMMARY.md";

/// Checks whether the file is a part of the book.
pub(super) fn is_part(file: &str) -> bool {
    file.starts_with(BOOK) && file.ends_with(".md")
}

/// Checks one part of the book. `read` returns the text of a file of the tree, relative to the
/// root.
pub(super) fn check(
    file: &str,
    text: &str,
    contents: &str,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<Offence> {
    let mut offences = Vec::new();
    let name = file.trim_start_matches(BOOK);
    if file != CONTENTS && !contents.contains(&format!("]({name})")) {
        offences.push(Offence::new(file, 1, format!("name this chapter in {CONTENTS}")));
    }
    let mut lines = text.lines().enumerate();
    let mut marker = None;
    while let Some((index, line)) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| !line.starts_with("```"))
                .collect();
            if kind == "rust"
                && let Err(what) = compiled(&block, marker, &read)
            {
                offences.push(Offence::new(file, index + 1, what));
            }
        }
        for target in links(line).filter(|target| read(&resolve(file, target)).is_none()) {
            offences.push(Offence::new(file, index + 1, format!("there is no {target}")));
        }
        marker = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
    }
    offences
}

/// Checks whether a block is contained in the file that the line above names.
fn compiled(
    block: &[&str],
    marker: Option<&str>,
    read: impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let source = marker.ok_or("say above where this is compiled: <!-- path/of/file.rs -->")?;
    let text = read(source).ok_or_else(|| format!("there is no {source}"))?;
    let (text, block): (Vec<_>, Vec<_>) =
        (text.lines().map(bare).collect(), block.iter().map(|line| bare(line)).collect());
    match text.windows(block.len().max(1)).any(|lines| lines == block) {
        true => Ok(()),
        false => Err(format!("this is not in {source} any more: copy it anew")),
    }
}

/// Returns a line without its indentation, and without the slashes of a doc comment. Documentation
/// inside an example has them twice.
fn bare(line: &str) -> &str {
    let line = line.trim();
    match line.strip_prefix("///").or(line.strip_prefix("//!")) {
        Some(rest) => bare(rest),
        None => line,
    }
}

/// Returns the targets of a line's links into the tree.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains(':'))
}

/// Resolves the target of a link in `file`, relative to the root.
fn resolve(file: &str, target: &str) -> String {
    let mut path = PathBuf::from(file);
    path.pop();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Option<String> {
        let text = match file {
            "src/a.rs" => "fn a() {\n    b();\n\n    c();\n}\n/// ```\n/// d();\n/// ```\n",
            "docs/book/b.md" | "docs/a.md" => "",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn offences(text: &str) -> Vec<String> {
        let found = check("docs/book/b.md", text, "[B](b.md)", read);
        found.into_iter().map(|offence| offence.to_string()).collect()
    }

    #[test]
    fn what_is_compiled_passes() {
        for block in ["b();\n\nc();", "    b();", "d();", "fn a() {\n  b();"] {
            assert_eq!(offences(&format!("<!-- src/a.rs -->\n```rust\n{block}\n```\n")), [""; 0]);
        }
        assert_eq!(
            offences("```toml\nx = 1\n```\n[B](b.md) [A](../a.md#x) [W](https://w.org)"),
            [""; 0]
        );
    }

    #[test]
    fn what_is_not_compiled_is_found() {
        for (block, what) in [
            ("```rust\nb();\n```", "docs/book/b.md:1: say above"),
            ("<!-- src/a.rs -->\n\n```rust\nb();\n```", "docs/book/b.md:3: say above"),
            ("<!-- src/a.rs -->\n```rust\nb();\nc();\n```", "docs/book/b.md:2: this is not in"),
            ("<!-- src/x.rs -->\n```rust\nb();\n```", "docs/book/b.md:2: there is no src/x.rs"),
        ] {
            let found = offences(block);
            assert!(found.len() == 1 && found[0].starts_with(what), "{found:?}");
        }
    }

    #[test]
    fn links_and_chapters_that_lead_nowhere_are_found() {
        assert_eq!(offences("a\n[C](c.md)"), ["docs/book/b.md:2: there is no c.md"]);
        let found = check("docs/book/b.md", "", "[A](a.md)", read);
        assert_eq!(found.len(), 1);
    }
}
