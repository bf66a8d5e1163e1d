//! Reading a line of bounded length.

use std::io;

use fs_core::secret::Secret;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line, in bytes, with what ends it.
const LONGEST: u64 = 1_024;

/// The next line without its end; nothing when there is none. It may hold a password.
///
/// # Errors
///
/// The line is too long or is not UTF-8 ([`io::ErrorKind::InvalidData`]), or the client went away.
pub(crate) async fn read_line(
    from: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<Secret>> {
    let mut bytes = Vec::new();
    let read = from.take(LONGEST).read_until(b'\n', &mut bytes).await?;
    if bytes.pop_if(|last| *last == b'\n').is_none() {
        // Of a line that never ends, no more is read than this.
        let full = u64::try_from(read).is_ok_and(|read| read == LONGEST);
        return if full { Err(io::ErrorKind::InvalidData.into()) } else { Ok(None) };
    }
    bytes.pop_if(|last| *last == b'\r');
    let line = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Some(Secret::from(line)))
}
