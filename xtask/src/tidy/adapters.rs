//! Limit on the size of adapters, whose current sizes are in `docs/architecture.md`.

use super::manifest::line_of;
use crate::Result;
use crate::report::Offence;
use crate::workspace::Workspace;

const DESCRIPTION: &str = "docs/architecture.md";
/// Beginning of the row with the sizes, which are in the order of [`ADAPTERS`].
const ROW: &str = "| lines of `src` |";
const ADAPTERS: [&str; 3] = ["crates/fs-axum", "crates/fs-rocket", "crates/fs-actix"];
/// Maximum number of lines of an adapter. A longer one probably contains decisions.
const MOST: usize = 600;

/// Counts the lines of each adapter.
pub(super) fn check(workspace: &Workspace, files: &[String]) -> Result<Vec<Offence>> {
    let mut counts = Vec::new();
    for adapter in ADAPTERS {
        let sources = format!("{adapter}/src/");
        let mut lines = 0;
        for file in files.iter().filter(|file| file.starts_with(&sources)) {
            lines += workspace.read_text(file)?.map_or(0, |text| text.lines().count());
        }
        counts.push((adapter, lines));
    }
    let description = workspace.read_text(DESCRIPTION)?.ok_or("the architecture is no text")?;
    Ok(offences(&counts, &description))
}

fn offences(counts: &[(&str, usize)], description: &str) -> Vec<Offence> {
    let long = counts.iter().filter(|(_, lines)| *lines > MOST).map(|(adapter, lines)| {
        let what = format!("{lines} lines in src: an adapter has at most {MOST}");
        Offence::new(adapter, 1, what)
    });
    let mut found: Vec<_> = long.collect();
    let row = description.lines().find(|line| line.starts_with(ROW)).unwrap_or_default();
    let told = row.trim_start_matches(ROW).split('|').map(str::trim);
    if !told.zip(counts).all(|(told, (_, lines))| told == lines.to_string()) || row.is_empty() {
        let lines: Vec<_> = counts.iter().map(|(_, lines)| lines.to_string()).collect();
        let what = format!("the adapters have {} lines in src", lines.join(", "));
        found.push(Offence::new(DESCRIPTION, line_of(description, ROW), what));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_adapters_and_wrong_numbers_are_found() {
        let told = "text\n| lines of `src` | 10 | 20 | 600 | 104 |\n";
        let count = |counts: [usize; 3]| {
            let counts: Vec<_> = ADAPTERS.into_iter().zip(counts).collect();
            offences(&counts, told).len()
        };
        assert_eq!(count([10, 20, 600]), 0);
        assert_eq!(count([10, 21, 600]), 1);
        assert_eq!(count([10, 20, 601]), 2);
        assert_eq!(offences(&[("crates/fs-axum", 10)], "no row").len(), 1);
    }
}
