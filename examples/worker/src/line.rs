//! Reader of lines with a limit on their length.

use std::io;

use fs_core::secret::Secret;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Maximum length of a line, in bytes, including its line break.
const LONGEST: u64 = 1_024;

/// Reads the next line without its line break. Returns `None` at the end of the input. The line may
/// contain a password.
///
/// # Errors
///
/// Returns [`io::ErrorKind::InvalidData`] if the line is too long or not UTF-8, and another
/// [`io::Error`] if the client disconnected.
pub(crate) async fn read_line(
    from: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<Secret>> {
    let mut bytes = Vec::new();
    let read = from.take(LONGEST).read_until(b'\n', &mut bytes).await?;
    if bytes.pop_if(|last| *last == b'\n').is_none() {
        // Never read more than this of a line.
        let full = u64::try_from(read).is_ok_and(|read| read == LONGEST);
        return if full { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
    }
    bytes.pop_if(|last| *last == b'\r');
    let line = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Some(Secret::from(line)))
}
