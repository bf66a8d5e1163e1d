//! Reader of the rows of docs/parity.md: `| seed | name | Rust path | test | status |`.

use crate::report::Offence;

/// Row of the table: one name of Flask-Security.
#[derive(Debug)]
pub(super) struct Row {
    /// Line in the file, counted from 1.
    pub(super) line: usize,
    /// Name in Flask-Security.
    pub(super) name: String,
    /// Paths of its counterparts in Rust.
    pub(super) paths: Vec<String>,
    /// Tests that show the behaviour.
    pub(super) tests: Vec<String>,
    /// Progress of the name.
    pub(super) status: Status,
}

/// Progress of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The counterpart exists, and a test shows it.
    Done,
    /// The counterpart is left for later.
    Later,
}

/// Reads the rows, and reports lines that cannot be read. Every table line with a seed in its first
/// cell is a row.
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

/// Returns the comma-separated names in a cell. A dash stands for none.
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
