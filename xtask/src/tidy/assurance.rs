//! Check of docs/assurance.md: the test of each guarantee exists, and a row without a test has a
//! reason.

use crate::named::Named;
use crate::report::Offence;

/// Path of the document.
pub(super) const FILE: &str = "docs/assurance.md";

/// Allowed values for the standing of a requirement.
const STANDINGS: [&str; 5] = ["kept", "partly", "application", "not kept", "not offered"];

/// Checks every row `| id | requirement | standing | how, or why not | tests |`.
pub(super) fn check(text: &str, named: &Named) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = line.trim().strip_prefix('|').and_then(|l| l.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        if cells.first().is_none_or(|id| *id == "id" || id.starts_with("---")) {
            continue;
        }
        offences.extend(wrong(&cells, named).map(|what| Offence::new(FILE, index + 1, what)));
    }
    offences
}

fn wrong(cells: &[&str], named: &Named) -> impl Iterator<Item = String> {
    let [_, _, standing, why, tests] = cells else {
        let what = format!("a row has five cells, not {}", cells.len());
        return vec![what].into_iter();
    };
    let mut wrong = Vec::new();
    if !STANDINGS.contains(standing) {
        wrong.push(format!("`{standing}` is none of {}", STANDINGS.join(", ")));
    }
    let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
    if matches!(*standing, "kept" | "partly") && tests.is_empty() {
        wrong.push("name the test that shows it".to_owned());
    }
    if *standing != "kept" && why.is_empty() {
        wrong.push("say why".to_owned());
    }
    let gone = tests.into_iter().filter(|test| !named.has_test(test));
    wrong.extend(gone.map(|test| format!("there is no test `{test}`")));
    wrong.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(row: &str) -> Vec<String> {
        let table = format!("| id | a | b | c | d |\n| --- | --- | --- | --- | --- |\n{row}\ntext");
        check(&table, &Named::for_tests())
            .iter()
            .map(|o| format!("{}: {}", o.line, o.what))
            .collect()
    }

    #[test]
    fn what_is_kept_names_tests_that_exist() {
        let tests = "`fs_core::proves_it`, `contract:login/json`, `conformance:expired_is_absent`";
        assert_eq!(found(&format!("| 1 | x | kept | | {tests} |")), [""; 0]);
        assert_eq!(found("| 1 | x | kept | | |"), ["3: name the test that shows it"]);
        assert_eq!(
            found("| 1 | x | partly | why | `fs_core::gone` |"),
            ["3: there is no test `fs_core::gone`"]
        );
    }

    #[test]
    fn what_is_not_kept_says_why() {
        assert_eq!(found("| 1 | x | application | its pages are its own | |"), [""; 0]);
        assert_eq!(found("| 1 | x | not kept | | |"), ["3: say why"]);
        assert_eq!(found("| 1 | x | maybe | why | |").len(), 1);
        assert_eq!(found("| 1 | x | kept |"), ["3: a row has five cells, not 3"]);
    }
}
