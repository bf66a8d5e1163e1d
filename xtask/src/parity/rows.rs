//! Reads the rows of docs/parity.md: `| seed | name | Rust path | test | status |`.

use crate::report::Offence;

/// One name of Flask-Security.
#[derive(Debug)]
pub(super) struct Row {
    /// The line of the file, from 1.
    pub(super) line: usize,
    /// The name.
    pub(super) name: String,
    /// The counterparts in Rust.
    pub(super) paths: Vec<String>,
    /// The tests that show it.
    pub(super) tests: Vec<String>,
    /// How far it is.
    pub(super) status: Status,
}

/// How far a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It has its counterpart and a test that shows it.
    Done,
    /// Not yet.
    Later,
}

/// The rows, and what cannot be read. Every line of a table with a seed in its first cell is a row.
pub(super) fn read(file: &str, text: &str) -> (Vec<Row>, Vec<Offence>) {
    let (mut rows, mut offences) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let Some(cells) = line.trim().strip_prefix('|').and_then(|l| l.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let [seed, name, paths, tests, status] = cells.as_slice() else { continue };
        if !matches!(*seed, "A" | "B" | "A B") {
            continue;
        }
        let status = match *status {
            "done" => Status::Done,
            "later" => Status::Later,
            other => {
                let what = format!("the status is `done` or `later`, not `{other}`");
                offences.push(Offence::new(file, index + 1, what));
                continue;
            }
        };
        rows.push(Row {
            line: index + 1,
            name: (*name).to_owned(),
            paths: entries(paths),
            tests: entries(tests),
            status,
        });
    }
    (rows, offences)
}

/// What a cell names, separated by commas; a dash is nothing.
fn entries(cell: &str) -> Vec<String> {
    let entries = cell.split(',').map(|entry| entry.trim().trim_matches('`').to_owned());
    entries.filter(|entry| !matches!(entry.as_str(), "" | "—" | "-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read() {
        let text = "# T\n| seed | name | Rust path | test | status |\n| --- | --- | --- | --- | --- |\n\
                    | A B | `f` | `a::b`, `a::C::d` | — | later |\n";
        let (rows, offences) = read("t.md", text);
        assert_eq!(offences, []);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.line, row.name.as_str(), row.status), (4, "`f`", Status::Later));
        assert_eq!(row.paths, ["a::b", "a::C::d"]);
        assert_eq!(row.tests, [""; 0]);
    }

    #[test]
    fn other_words_are_refused() {
        let (rows, offences) = read("t.md", "| A | `f` | — | — | soon |");
        assert!(rows.is_empty());
        assert_eq!(offences.len(), 1);
    }
}
