//! Result of a check of the tree.

/// Violation of a rule, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offence {
    /// File, relative to the root.
    pub(crate) file: String,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Description of the problem and its solution.
    pub(crate) what: String,
}

impl Offence {
    /// Creates an offence at a line.
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl std::fmt::Display for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// Result of a check, for a person.
pub(crate) struct Report {
    /// Short description of the checked set.
    pub(crate) on: String,
    /// Full text of the findings.
    pub(crate) text: String,
    /// Whether the check passed.
    pub(crate) passed: bool,
}

impl Report {
    /// Creates a report of offences, which fail the check, and warnings, which do not.
    pub(crate) fn new(on: String, mut offences: Vec<Offence>, mut warnings: Vec<Offence>) -> Self {
        offences.sort();
        warnings.sort();
        let mut text = String::new();
        for warning in &warnings {
            text += &format!("warning: {warning}\n");
        }
        for offence in &offences {
            text += &format!("error: {offence}\n");
        }
        text += &format!("{on}: {} errors, {} warnings\n", offences.len(), warnings.len());
        let on = match warnings.len() {
            0 => on,
            number => format!("{on}, {number} warnings"),
        };
        Self { on, text, passed: offences.is_empty() }
    }
}
