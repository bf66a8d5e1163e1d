//! Errors of templates.

use std::path::PathBuf;

use minijinja::Error;

use super::Pages;

/// Error of a template. Its messages do not contain values of a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// A file or directory of templates cannot be read. Detected at the start.
    #[error("cannot read the templates in {}: {source}", path.display())]
    Read {
        /// Path of the file or directory.
        path: PathBuf,
        /// Error of the operating system.
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
    /// A template of the application is invalid. Detected at the start.
    #[error("the template {file} is wrong in line {line}: {reason}")]
    Template {
        /// Name of the file.
        file: String,
        /// Line number, from 1; 0 if it is unknown.
        line: usize,
        /// Description of the mistake.
        reason: String,
    },
    /// No template with this name exists.
    #[error(
        "there is no template {0:?}: give one of that name in pages.templates or pages.directory"
    )]
    Unknown(String),
    /// A template failed with the values of a page.
    #[error("the template {file} failed in line {line}: {reason}")]
    Render {
        /// Name of the file.
        file: String,
        /// Line number, from 1; 0 if it is unknown.
        line: usize,
        /// Kind of failure, without values.
        reason: String,
    },
}

impl Pages {
    /// Returns the error for a template that is wrong whatever it is given.
    pub(super) fn mistake(&self, error: &Error) -> PagesError {
        let cause = innermost(error);
        let reason = match cause.detail() {
            Some(detail) => format!("{}: {detail}", cause.kind()),
            None => cause.kind().to_string(),
        };
        PagesError::Template { file: self.file(cause), line: cause.line().unwrap_or(0), reason }
    }

    /// Returns the error for a template that failed on its values.
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

/// Returns the innermost error. An error in an included template is wrapped in one of the template
/// that includes it.
pub(super) fn innermost(error: &Error) -> &Error {
    let mut cause = error;
    while let Some(inner) = std::error::Error::source(cause).and_then(|s| s.downcast_ref()) {
        cause = inner;
    }
    cause
}
