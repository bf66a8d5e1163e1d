//! What can go wrong with templates.

use std::path::PathBuf;

use minijinja::Error;

use super::Pages;

/// A template that cannot be used. None of the texts holds a value of a page.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// A file or directory of templates cannot be read. Found at start-up.
    #[error("cannot read the templates in {}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A default template cannot be written. Only [`Pages::write_defaults`] returns it.
    #[error("cannot write the template {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A template of the application is wrong. Found at start-up.
    #[error("the template {file} is wrong in line {line}: {reason}")]
    Template {
        /// The file.
        file: String,
        /// The line, from 1; 0 when it is not known.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no template of this name.
    #[error(
        "there is no template {0:?}: give one of that name in pages.templates or pages.directory"
    )]
    Unknown(String),
    /// A template failed on the values that it got.
    #[error("the template {file} failed in line {line}: {reason}")]
    Render {
        /// The file.
        file: String,
        /// The line, from 1; 0 when it is not known.
        line: usize,
        /// The kind of failure, without values.
        reason: String,
    },
}

impl Pages {
    /// The error for a template that is wrong whatever it is given.
    pub(super) fn mistake(&self, error: &Error) -> PagesError {
        let cause = innermost(error);
        let reason = match cause.detail() {
            Some(detail) => format!("{}: {detail}", cause.kind()),
            None => cause.kind().to_string(),
        };
        PagesError::Template { file: self.file(cause), line: cause.line().unwrap_or(0), reason }
    }

    /// The error for a template that failed on its values.
    pub(super) fn failure(&self, error: &Error) -> PagesError {
        let cause = innermost(error);
        PagesError::Render {
            file: self.file(cause),
            line: cause.line().unwrap_or(0),
            reason: cause.kind().to_string(),
        }
    }

    fn file(&self, error: &Error) -> String {
        let name = error.name().unwrap_or_default();
        self.files.get(name).map_or(name.to_owned(), |path| path.display().to_string())
    }
}

/// An error in an included template arrives wrapped in one of the template that includes it.
pub(super) fn innermost(error: &Error) -> &Error {
    let mut cause = error;
    while let Some(inner) = std::error::Error::source(cause).and_then(|s| s.downcast_ref()) {
        cause = inner;
    }
    cause
}
