//! What a check of the tree found.

/// Something to be put right, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offence {
    /// The file, from the root.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do.
    pub(crate) what: String,
}

impl Offence {
    /// An offence at a line.
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl std::fmt::Display for Offence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A check's result, for a person.
pub(crate) struct Report {
    /// What was looked at, in a few words.
    pub(crate) on: String,
    /// Everything that was found.
    pub(crate) text: String,
    /// Whether all is well.
    pub(crate) passed: bool,
}

impl Report {
    /// A report that lists offences, which fail it, and warnings, which do not.
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
