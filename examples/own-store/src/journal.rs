//! Journal: a file with one line per batch, which is synced to disk before the commit returns.
//!
//! A line is the SHA-256 of a JSON text, in hexadecimal, a blank, and the text. A crash can leave
//! only the last line incomplete. A line that is broken further up means that the file is damaged.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::rows::{Key, Rows, Writes};

/// Threshold of a long journal: lines in excess of twice the rows that its first line held.
const LINES: usize = 1_000;

/// Error of opening a journal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its directory cannot be used.
    #[error("the journal cannot be used: {0}")]
    Io(#[from] io::Error),
    /// Another store has the journal open, in this process or another one.
    #[error("the journal is in use")]
    InUse,
    /// A line before the last is broken, which no crash can cause. Restore a backup.
    #[error("the journal is damaged at line {line}")]
    Damaged {
        /// Number of the line, counted from one.
        line: usize,
    },
}

pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Length of the valid part of the file, in bytes.
    length: u64,
    lines: usize,
    /// Number of rows in the first line, if [`rewrite`](Self::rewrite) wrote it.
    kept: usize,
    /// Lock, held until this value is dropped. It is a separate file, because the journal is
    /// replaced.
    _lock: File,
}

impl Journal {
    /// Opens the journal, and passes each batch to `replay` in order.
    pub(crate) fn open(path: &Path, mut replay: impl FnMut(Writes)) -> Result<Self, OpenError> {
        let lock = create(&path.with_extension("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse,
            TryLockError::Error(error) => OpenError::Io(error),
        })?;
        let file = create(path)?;
        sync_folder(path)?;
        let bytes = std::fs::read(path)?;
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().peekable();
        let (mut length, mut count) = (0, 0);
        while let Some((number, line)) = lines.next() {
            match writes_of(line) {
                Some(writes) => replay(writes),
                None if lines.peek().is_none() => {
                    tracing::warn!("the last batch of the journal was not finished");
                    break;
                }
                None => return Err(OpenError::Damaged { line: number + 1 }),
            }
            length += u64::try_from(line.len()).unwrap_or(0);
            count += 1;
        }
        Ok(Self { path: path.to_owned(), file, length, lines: count, kept: 0, _lock: lock })
    }

    /// Appends a batch. Once this returns without an error, no crash can undo it.
    pub(crate) fn append(&mut self, writes: &Writes) -> io::Result<()> {
        let line = line_of(&writes.iter().collect::<Vec<_>>())?;
        // Remove what a failed attempt may have left.
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.length += u64::try_from(line.len()).unwrap_or(0);
        self.lines += 1;
        Ok(())
    }

    /// Checks whether the journal is long enough to be worth rewriting.
    pub(crate) fn is_long(&self) -> bool {
        self.lines > LINES + 2 * self.kept
    }

    /// Replaces the journal by one with a single line that holds all rows. The replacement is
    /// atomic.
    pub(crate) fn rewrite(&mut self, rows: &Rows) -> io::Result<()> {
        let line = line_of(&rows.iter().collect::<Vec<_>>())?;
        let new = self.path.with_extension("new");
        let mut file = create(&new)?;
        file.set_len(0)?;
        file.write_all(&line)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        self.file = file;
        self.length = u64::try_from(line.len()).unwrap_or(0);
        self.lines = 1;
        self.kept = rows.len();
        sync_folder(&self.path)
    }
}

fn line_of(rows: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let text = serde_json::to_vec(rows)?;
    let digest = HEXLOWER.encode(&Sha256::digest(&text));
    Ok([digest.as_bytes(), b" ", &text, b"\n"].concat())
}

fn writes_of(line: &[u8]) -> Option<Writes> {
    let (digest, text) = line.strip_suffix(b"\n")?.split_at_checked(65)?;
    let should = HEXLOWER.encode(&Sha256::digest(text)) + " ";
    if digest != should.as_bytes() {
        return None;
    }
    let writes: Vec<(Key, Option<serde_json::Value>)> = serde_json::from_slice(text).ok()?;
    Some(writes.into_iter().collect())
}

/// Opens or creates a file that only its owner may read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Syncs the directory, so that the names of its files survive a crash.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match cfg!(unix) {
        true => File::open(folder.unwrap_or(Path::new(".")))?.sync_all(),
        false => Ok(()),
    }
}
