//! Key that signs sessions, links and tokens.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use fs_core::port::Entropy;
use fs_core::secret::Secret;
use fs_services::system::OsEntropy;

use crate::private_file;

/// Error of reading or creating the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The file cannot be read or written.
    #[error("the signing key {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The file does not contain a key.
    #[error("{} holds no signing key; remove it to get a new one, which ends all sessions", .0.display())]
    Broken(PathBuf),
    /// The system has no randomness.
    #[error(transparent)]
    Entropy(#[from] fs_core::port::EntropyError),
}

/// Returns the key in the file, so that sessions survive a restart. Creates the file if it is
/// missing. Without a file, the key lives as long as the program.
pub(crate) fn signing_key(file: Option<&Path>) -> Result<Secret, KeyError> {
    let Some(path) = file else { return new_key() };
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    match private_file::create(path) {
        Ok(mut file) => {
            let key = new_key()?;
            // Exposing the key is intended: this file keeps it.
            file.write_all(key.expose().as_bytes()).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut text = String::new();
            File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map_err(failed)?;
            let key = text.trim();
            if key.len() < 64 {
                return Err(KeyError::Broken(path.to_owned()));
            }
            Ok(Secret::from(key))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Returns a key of 32 random bytes.
fn new_key() -> Result<Secret, KeyError> {
    let mut bytes = [0; 32];
    OsEntropy.fill(&mut bytes)?;
    Ok(Secret::from(HEXLOWER.encode(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo.sqlite3.key");
        let key = signing_key(Some(&path)).unwrap();
        assert_eq!(key.expose().len(), 64);
        assert!(signing_key(Some(&path)).unwrap() == key);
        assert!(signing_key(None).unwrap() != key);
    }

    #[test]
    fn a_file_that_holds_none_is_not_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "").unwrap();
        assert!(matches!(signing_key(Some(&path)), Err(KeyError::Broken(_))));
    }
}
