//! Check that no committed file contains a path of a particular machine.

use crate::report::Offence;

/// Top-level directories that are specific to a machine.
const FOLDERS: [&str; 4] = ["work", "root", "home", "Users"];

/// Files that other tools write.
const WRITTEN_BY_TOOLS: [&str; 2] = ["Cargo.lock", "benches/Cargo.lock"];

/// Checks one file.
pub(super) fn check(file: &str, text: &str) -> Vec<Offence> {
    if WRITTEN_BY_TOOLS.contains(&file) {
        return Vec::new();
    }
    let mut offences = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(folder) = FOLDERS.iter().find(|folder| names(line, folder)) {
            let what = format!("a path of one machine (/{folder}/): write it relative to the root");
            offences.push(Offence::new(file, index + 1, what));
        }
    }
    offences
}

/// Checks whether the line holds an absolute path into the directory, instead of one that merely
/// contains its name.
fn names(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    let mut pieces = line.split(&path).peekable();
    while let Some(before) = pieces.next() {
        let part_of_longer = |c: char| c.is_alphanumeric() || "_.-{}<>)".contains(c);
        if pieces.peek().is_some() && !before.ends_with(part_of_longer) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found() {
        let (work, root, home) = ("work", "root", "home");
        for line in [
            format!("see /{work}/main"),
            format!("\"/{root}/x\""),
            format!("/{home}/me"),
            format!("a/{home}/b but /{home}/c"),
        ] {
            assert_eq!(check("a.md", &format!("\n{line}\n")).len(), 1, "{line}");
            assert_eq!(check("a.md", &format!("\n{line}\n"))[0].line, 2);
        }
    }

    #[test]
    fn other_paths_pass() {
        for line in ["docs/home/x", "https://a.example/home/x", "../work/x", "/work"] {
            assert_eq!(check("a.md", line), [], "{line}");
        }
    }
}
