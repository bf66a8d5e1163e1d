//! `cargo xtask parity`: checks docs/parity.md, the table of Flask-Security's documented names and
//! their counterparts.

mod rows;

use std::collections::BTreeSet;

use crate::Result;
use crate::named::Named;
use crate::report::{Offence, Report};
use crate::workspace::Workspace;

use self::rows::{Row, Status};

/// Path of the table.
const TABLE: &str = "docs/parity.md";

/// Checks the table against the sources and counts the finished rows.
pub(crate) fn run(workspace: &Workspace) -> Result<Report> {
    let text = workspace.read_text(TABLE)?.ok_or("docs/parity.md is not text")?;
    let (rows, mut offences) = rows::read(TABLE, &text);
    let named = Named::read(workspace)?;
    let mut names = BTreeSet::new();
    for row in &rows {
        let mut found = check(row, &named);
        if !names.insert(&row.name) {
            found.push(format!("{} has a row already", row.name));
        }
        offences.extend(found.into_iter().map(|what| Offence::new(TABLE, row.line, what)));
    }
    Ok(Report::new(summary(&rows), offences, Vec::new()))
}

/// Returns how many names are done and how many are left for later.
fn summary(rows: &[Row]) -> String {
    let done = rows.iter().filter(|row| row.status == Status::Done).count();
    format!("{done} of {} names done, {} later", rows.len(), rows.len() - done)
}

/// Returns the false claims of a row. An unfinished row may be empty, but the items that it names
/// must exist.
fn check(row: &Row, named: &Named) -> Vec<String> {
    let mut wrong = Vec::new();
    if row.status == Status::Done && (row.paths.is_empty() || row.tests.is_empty()) {
        wrong.push(format!("{} is done: name its path and its test", row.name));
    }
    for path in row.paths.iter().filter(|path| !named.has_item(path)) {
        wrong.push(format!("there is no public `{path}`"));
    }
    for test in row.tests.iter().filter(|test| !named.has_test(test)) {
        wrong.push(format!("there is no test `{test}`"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(row: &str) -> Vec<String> {
        let (rows, offences) = rows::read("t.md", row);
        assert_eq!(offences, []);
        check(&rows[0], &Named::for_tests())
    }

    #[test]
    fn a_true_row_passes() {
        let test = "`fs_core::proves_it`, `contract:login/json`, `conformance:expired_is_absent`";
        assert_eq!(wrong(&format!("| A | `S` | `fs_core::a::S` | {test} | done |")), [""; 0]);
        assert_eq!(wrong("| A | `S` | — | — | later |"), [""; 0]);
    }

    #[test]
    fn what_is_not_there_is_found() {
        let row =
            "| A | `S` | `fs_core::T` | `contract:login/x`, `conformance:y`, `fs_core::z` | done |";
        assert_eq!(
            wrong(row),
            [
                "there is no public `fs_core::T`",
                "there is no test `contract:login/x`",
                "there is no test `conformance:y`",
                "there is no test `fs_core::z`",
            ]
        );
    }

    #[test]
    fn a_done_row_needs_both() {
        assert_eq!(wrong("| A | `S` | `fs_core::S` | — | done |").len(), 1);
        assert_eq!(wrong("| A | `S` | — | `fs_core::proves_it` | done |").len(), 1);
    }

    #[test]
    fn later_rows_are_allowed_and_counted_apart() {
        let table = "| A | `S` | `fs_core::S` | `fs_core::t` | done |\n\
                     | A | `T` | — | — | later |\n| B | `U` | — | — | later |";
        let (rows, offences) = rows::read("t.md", table);
        assert_eq!(offences, []);
        assert_eq!(summary(&rows), "1 of 3 names done, 2 later");
    }

    #[test]
    fn an_unfinished_row_must_hold_too() {
        assert_eq!(wrong("| A | `S` | `fs_core::T` | — | later |").len(), 1);
    }
}
