//! Corpus of recordings.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::step::Scenario;

/// Recorded files, in the order in which they are replayed.
#[derive(Debug, Clone)]
pub struct Corpus {
    files: Vec<File>,
    whole: bool,
}

/// Recorded file. It is self-contained: it includes the configuration and the fixtures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name of the file, without its extension.
    pub name: String,
    /// Configuration of every scenario, with Flask-Security's own keys.
    pub config: Map<String, Value>,
    /// Users and roles that a server starts with.
    pub fixtures: Value,
    /// Scenarios of the file, in order.
    pub scenarios: Vec<Scenario>,
}

impl File {
    /// Returns the configuration of one of the file's scenarios: the file's, overridden by the
    /// scenario's own.
    #[must_use]
    pub fn config_of(&self, scenario: &Scenario) -> Map<String, Value> {
        let mut config = self.config.clone();
        config.extend(scenario.config.clone());
        config
    }
}

/// Error of reading a recording.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The file or the folder cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    Io {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        error: std::io::Error,
    },
    /// The file does not have the format of `corpus/README.md`.
    #[error("{path}: {error}", path = .path.display())]
    Format {
        /// Path of the file.
        path: PathBuf,
        /// Error of the parser, with its position.
        error: serde_json::Error,
    },
}

impl Corpus {
    /// Reads all recordings: `corpus/recorded` in the source of this crate.
    ///
    /// # Errors
    ///
    /// Returns [`CorpusError::Io`] if the source of this crate is not available, and
    /// [`CorpusError::Format`] if a file is damaged.
    pub fn shipped() -> Result<Self, CorpusError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join("recorded");
        let failed = |error| CorpusError::Io { path: folder.clone(), error };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(Self { whole: true, ..Self::read(&paths)? })
    }

    /// Reads the given recorded files.
    ///
    /// # Errors
    ///
    /// Returns [`CorpusError::Io`] if a file cannot be read, and [`CorpusError::Format`] if it is
    /// damaged.
    pub fn read(paths: &[PathBuf]) -> Result<Self, CorpusError> {
        let files = paths.iter().map(|path| {
            let text = std::fs::read_to_string(path)
                .map_err(|error| CorpusError::Io { path: path.clone(), error })?;
            serde_json::from_str(&text)
                .map_err(|error| CorpusError::Format { path: path.clone(), error })
        });
        Ok(Self { files: files.collect::<Result<_, _>>()?, whole: false })
    }

    /// Returns the files.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Checks whether this is the complete corpus.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    #[cfg(test)]
    pub(crate) fn of(files: Vec<File>, whole: bool) -> Self {
        Self { files, whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Action;

    #[test]
    fn the_whole_corpus_can_be_read() {
        let corpus = Corpus::shipped().unwrap();
        assert!(corpus.is_whole());
        let scenarios = corpus.files().iter().flat_map(|file| &file.scenarios);
        let steps = scenarios.clone().flat_map(|scenario| &scenario.steps);
        let requests = steps.filter(|step| matches!(step.action, Action::Request(_)));
        assert_eq!((corpus.files().len(), scenarios.count(), requests.count()), (24, 655, 2375));
    }
}
