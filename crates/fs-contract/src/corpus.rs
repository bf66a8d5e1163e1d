//! The recordings.

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

/// One recorded file. It stands alone: configuration and fixtures are all in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without an ending.
    pub name: String,
    /// The configuration of every scenario, with Flask-Security's own keys.
    pub config: Map<String, Value>,
    /// The users and roles that a server starts with.
    pub fixtures: Value,
    /// What is played.
    pub scenarios: Vec<Scenario>,
}

impl File {
    /// The configuration of one of the file's scenarios: the file's with its own on top.
    #[must_use]
    pub fn config_of(&self, scenario: &Scenario) -> Map<String, Value> {
        let mut config = self.config.clone();
        config.extend(scenario.config.clone());
        config
    }
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The file or the folder cannot be opened.
    #[error("{path}: {error}", path = .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is not written as `corpus/README.md` says.
    #[error("{path}: {error}", path = .path.display())]
    Format {
        /// Which one.
        path: PathBuf,
        /// What is wrong, and where.
        error: serde_json::Error,
    },
}

impl Corpus {
    /// Everything that is recorded: `corpus/recorded` of this crate's source.
    ///
    /// # Errors
    ///
    /// When the source is not at hand, or a file is damaged.
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

    /// Some recorded files.
    ///
    /// # Errors
    ///
    /// When one cannot be opened or is damaged.
    pub fn read(paths: &[PathBuf]) -> Result<Self, CorpusError> {
        let files = paths.iter().map(|path| {
            let text = std::fs::read_to_string(path)
                .map_err(|error| CorpusError::Io { path: path.clone(), error })?;
            serde_json::from_str(&text)
                .map_err(|error| CorpusError::Format { path: path.clone(), error })
        });
        Ok(Self { files: files.collect::<Result<_, _>>()?, whole: false })
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Whether this is everything that is recorded.
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
