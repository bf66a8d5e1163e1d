//! Reads a body and forwards it unchanged.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{FutureExt, Stream, StreamExt};
use futures_timer::Delay;
use http_body::Body;

/// Maximum number of bytes to discard of a body that was answered before its end. Many clients read
/// the answer only after they sent everything, and lose it if the connection is closed before that.
const DRAINED: usize = 8 * 1024 * 1024;
/// Maximum time for that.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Maximum time without data from the client meanwhile.
const DRAIN_SILENCE: Duration = Duration::from_secs(1);

/// Length below which a chunk is copied. A chunk can keep a whole read buffer of the server alive,
/// however short it is.
const SHORT: usize = 4 * 1024;

/// Treatment of the body of a request before an adapter opens the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// Leave the body to the framework.
    Leave,
    /// Read the body up to the limit. The application does not need it.
    Read {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Read the beginning of the body up to the limit, then forward the whole body to the
    /// framework. If a framework shows less than that, read as much as it shows.
    Share {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Result of reading a body. `Debug` does not show the body.
#[derive(Clone)]
pub enum BodyRead {
    /// The body was not to be read.
    NotRead,
    /// The whole body.
    Whole(Bytes),
    /// The beginning of the body, which the application reads as a whole. The complete fields of a
    /// form are used; any other body is ignored.
    Beginning(Bytes),
    /// The body is longer than the limit and was not read further.
    TooLong,
    /// The body did not arrive in time.
    TooSlow,
}

/// A body whose beginning was read. It yields that part again, then the rest.
#[derive(Debug)]
pub struct Replayed<S, E> {
    read: VecDeque<Result<Bytes, E>>,
    rest: S,
    ended: bool,
}

/// Reads as much of the body as required, for at most `within`.
///
/// A body that fails before its end counts as not read: the next reader gets the error.
pub(crate) async fn read<S, E>(
    mut body: S,
    how: BodyUse,
    within: Option<Duration>,
) -> (BodyRead, Replayed<S, E>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let limit = match how {
        BodyUse::Leave => {
            let read = VecDeque::new();
            return (BodyRead::NotRead, Replayed { read, rest: body, ended: false });
        }
        BodyUse::Read { limit } | BodyUse::Share { limit } => limit,
    };
    let mut pieces = Pieces { read: VecDeque::new(), short: BytesMut::new() };
    let mut length = 0_usize;
    let mut ended = false;
    // Made when the client lets us wait: most bodies are there when their head is.
    let mut deadline = None;
    let verdict = poll_fn(|cx| {
        loop {
            match body.poll_next_unpin(cx) {
                Poll::Ready(None) => {
                    ended = true;
                    return Poll::Ready(BodyRead::Whole(pieces.whole()));
                }
                Poll::Ready(Some(Ok(chunk))) => {
                    length = length.saturating_add(chunk.len());
                    pieces.push(chunk);
                    if length > limit {
                        return Poll::Ready(match how {
                            BodyUse::Share { .. } => BodyRead::Beginning(pieces.whole()),
                            _ => BodyRead::TooLong,
                        });
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    ended = true;
                    pieces.all().push_back(Err(error));
                    return Poll::Ready(BodyRead::NotRead);
                }
                Poll::Pending => {
                    let Some(within) = within else { return Poll::Pending };
                    let deadline = deadline.get_or_insert_with(|| Delay::new(within));
                    return deadline.poll_unpin(cx).map(|()| BodyRead::TooSlow);
                }
            }
        }
    })
    .await;
    pieces.all();
    (verdict, Replayed { read: pieces.read, rest: body, ended })
}

/// Part of a body that was read.
struct Pieces<E> {
    read: VecDeque<Result<Bytes, E>>,
    /// Copies of short chunks that come after the others.
    short: BytesMut,
}

impl<E> Pieces<E> {
    fn push(&mut self, chunk: Bytes) {
        // Most bodies are one chunk.
        let is_first = self.read.is_empty() && self.short.is_empty();
        if chunk.len() < SHORT && !is_first {
            self.short.extend_from_slice(&chunk);
        } else {
            self.all().push_back(Ok(chunk));
        }
    }

    fn all(&mut self) -> &mut VecDeque<Result<Bytes, E>> {
        if !self.short.is_empty() {
            self.read.push_back(Ok(self.short.split().freeze()));
        }
        &mut self.read
    }

    fn whole(&mut self) -> Bytes {
        let read = self.all();
        let mut chunks = read.iter().flatten();
        match (chunks.next(), chunks.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.clone(),
            _ => read.iter().flatten().flatten().copied().collect(),
        }
    }
}

impl<S, E> Replayed<S, E> {
    /// Returns the body as it came, if nothing of it was read.
    ///
    /// # Errors
    ///
    /// Returns the replayed body if a part was read.
    pub fn into_untouched(self) -> Result<S, Self> {
        if self.read.is_empty() && !self.ended { Ok(self.rest) } else { Err(self) }
    }
}

impl<S, E> Replayed<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// Reads and discards the rest of a body, within limits of bytes, time and silence.
    pub(crate) async fn drain(mut self) {
        if self.ended {
            return;
        }
        let mut left = DRAINED;
        let mut end = Delay::new(DRAIN_TIME);
        let mut silence = Delay::new(DRAIN_SILENCE);
        poll_fn(|cx| {
            while let Poll::Ready(chunk) = self.rest.poll_next_unpin(cx) {
                let Some(Ok(chunk)) = chunk else { return Poll::Ready(()) };
                let Some(less) = left.checked_sub(chunk.len()) else { return Poll::Ready(()) };
                left = less;
                silence.reset(DRAIN_SILENCE);
            }
            match (end.poll_unpin(cx), silence.poll_unpin(cx)) {
                (Poll::Pending, Poll::Pending) => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    }
}

/// The data of an [`http_body::Body`] as a stream, without trailers, for [`WebSecurity::begin`].
///
/// [`WebSecurity::begin`]: crate::WebSecurity::begin
#[derive(Debug)]
pub struct Frames<B>(B);

impl<B> Frames<B> {
    /// Creates a stream of the data of a body.
    pub const fn new(body: B) -> Self {
        Self(body)
    }

    /// Returns the body.
    pub fn into_inner(self) -> B {
        self.0
    }
}

impl<B: Body<Data = Bytes> + Unpin> Stream for Frames<B> {
    type Item = Result<Bytes, B::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(frame) = std::task::ready!(Pin::new(&mut self.0).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => return Poll::Ready(Some(Ok(data))),
                // Trailers.
                Ok(Err(_)) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<S, E> Stream for Replayed<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Unpin,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.read.pop_front() {
            Some(chunk) => Poll::Ready(Some(chunk)),
            None => self.rest.poll_next_unpin(cx),
        }
    }
}

impl std::fmt::Debug for BodyRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRead => f.write_str("NotRead"),
            Self::Whole(body) => write!(f, "Whole({} bytes)", body.len()),
            Self::Beginning(body) => write!(f, "Beginning({} bytes)", body.len()),
            Self::TooLong => f.write_str("TooLong"),
            Self::TooSlow => f.write_str("TooSlow"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::executor::block_on;
    use futures::stream;

    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_millis(1));

    type Chunks = Vec<Result<Bytes, &'static str>>;

    fn body(chunks: &[Result<&'static str, &'static str>]) -> Chunks {
        chunks.iter().map(|chunk| chunk.map(|text| Bytes::from_static(text.as_bytes()))).collect()
    }

    #[test]
    fn what_is_read_is_handed_on() {
        let sent = body(&[Ok("he"), Ok("llo"), Ok("!")]);
        for (how, wanted) in [
            (BodyUse::Leave, "NotRead"),
            (BodyUse::Read { limit: 0 }, "TooLong"),
            (BodyUse::Read { limit: 5 }, "TooLong"),
            (BodyUse::Read { limit: 6 }, "Whole(6 bytes)"),
            (BodyUse::Share { limit: 1 }, "Beginning(2 bytes)"),
            (BodyUse::Share { limit: 6 }, "Whole(6 bytes)"),
        ] {
            let (read, handed) = block_on(read(stream::iter(sent.clone()), how, SOON));
            assert_eq!(format!("{read:?}"), wanted);
            let handed: Vec<_> = block_on(handed.collect::<Chunks>());
            let handed: Vec<u8> = handed.into_iter().flat_map(Result::unwrap).collect();
            assert_eq!(handed, b"hello!");
        }
    }

    /// Chunk that keeps a larger buffer alive, as those of servers do.
    struct Buffer {
        _alive: Arc<()>,
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            b"a buffer of eight kilobytes"
        }
    }

    #[test]
    fn short_chunks_keep_no_buffers_alive() {
        for how in [BodyUse::Read { limit: 2_000 }, BodyUse::Share { limit: 900 }] {
            let alive = Arc::new(());
            let chunk = |_| {
                let buffer = Bytes::from_owner(Buffer { _alive: Arc::clone(&alive) });
                Ok::<_, ()>(buffer.slice(0..1))
            };
            let chunks = stream::iter(0..1_000).map(chunk);
            let (read, handed) = block_on(read(chunks, how, SOON));
            assert_eq!(Arc::strong_count(&alive), 2, "that of the first chunk");
            let (BodyRead::Whole(body) | BodyRead::Beginning(body)) = read else {
                panic!("{read:?}")
            };
            assert!(body.len() > 900);
            let rest: Vec<_> = block_on(handed.collect());
            assert_eq!(rest.into_iter().map(|chunk| chunk.unwrap().len()).sum::<usize>(), 1_000);
        }
    }

    #[test]
    fn chunks_are_one_body() {
        for (sent, wanted) in [
            (body(&[]), ""),
            (body(&[Ok("one")]), "one"),
            (body(&[Ok("he"), Ok(""), Ok("llo")]), "hello"),
        ] {
            let (read, _) = block_on(read(stream::iter(sent), BodyUse::Read { limit: 10 }, SOON));
            assert!(matches!(read, BodyRead::Whole(whole) if whole == wanted));
        }
    }

    #[test]
    fn no_more_is_read_than_shows_that_it_is_too_long() {
        let mut asked = 0;
        let endless = stream::repeat_with(|| {
            asked += 1;
            Ok::<_, ()>(Bytes::from_static(b"0123456789"))
        });
        let (read, handed) = block_on(read(endless, BodyUse::Read { limit: 25 }, SOON));
        assert!(matches!(read, BodyRead::TooLong));
        drop(handed);
        assert_eq!(asked, 3);
    }

    #[test]
    fn an_error_is_seen_by_who_reads_on() {
        let sent = body(&[Ok("he"), Err("gone")]);
        let (read, handed) =
            block_on(read(stream::iter(sent.clone()), BodyUse::Read { limit: 10 }, SOON));
        assert!(matches!(read, BodyRead::NotRead));
        assert_eq!(block_on(handed.collect::<Chunks>()), sent);
    }

    #[test]
    fn a_body_that_does_not_come_is_given_up() {
        let silent = stream::iter(body(&[Ok("he")])).chain(stream::pending());
        let (verdict, _) = block_on(read(silent, BodyUse::Read { limit: 10 }, SOON));
        assert!(matches!(verdict, BodyRead::TooSlow));
    }

    #[test]
    fn draining_ends_with_the_body_or_with_its_bound() {
        let rest = |chunk: &'static [u8], count| {
            let chunks = stream::repeat_with(move || Ok::<_, ()>(Bytes::from_static(chunk)));
            Replayed { read: VecDeque::new(), rest: chunks.take(count), ended: false }
        };
        let mut taken = 0;
        let counted = rest(b"0123", 3).rest.inspect(|_| taken += 1);
        block_on(Replayed { read: VecDeque::new(), rest: counted, ended: false }.drain());
        assert_eq!(taken, 3);
        block_on(rest(&[0; 1_000], usize::MAX).drain());
    }
}
