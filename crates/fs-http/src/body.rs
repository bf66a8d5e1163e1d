//! Reading a body, and handing it on whole.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt};

use crate::incoming::BodyRead;

/// A body of which some was read: what was read, then the rest. Reading it is as if nobody had
/// read before.
#[derive(Debug)]
pub struct Replayed<S, E> {
    read: VecDeque<Result<Bytes, E>>,
    rest: S,
}

/// Reads up to `limit` bytes, or nothing without a limit.
///
/// A body that ends in an error before it is whole counts as not read: whoever reads on will see
/// the error.
pub(crate) async fn read<S, E>(mut body: S, limit: Option<usize>) -> (BodyRead, Replayed<S, E>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut read = VecDeque::new();
    let mut length = 0_usize;
    let verdict = loop {
        let Some(limit) = limit else { break BodyRead::NotRead };
        match body.next().await {
            None => break BodyRead::Whole(whole(&read)),
            Some(Ok(chunk)) => {
                length = length.saturating_add(chunk.len());
                read.push_back(Ok(chunk));
                if length > limit {
                    break BodyRead::TooLong;
                }
            }
            Some(Err(error)) => {
                read.push_back(Err(error));
                break BodyRead::NotRead;
            }
        }
    };
    (verdict, Replayed { read, rest: body })
}

fn whole<E>(read: &VecDeque<Result<Bytes, E>>) -> Bytes {
    let mut chunks = read.iter().filter_map(|chunk| chunk.as_ref().ok());
    match (chunks.next(), chunks.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only.clone(),
        _ => read.iter().flatten().flatten().copied().collect(),
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

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::stream;

    use super::*;

    type Chunks = Vec<Result<Bytes, &'static str>>;

    fn body(chunks: &[Result<&'static str, &'static str>]) -> Chunks {
        chunks.iter().map(|chunk| chunk.map(|text| Bytes::from_static(text.as_bytes()))).collect()
    }

    #[test]
    fn what_is_read_is_handed_on() {
        let sent = body(&[Ok("he"), Ok("llo"), Ok("!")]);
        for (limit, wanted) in [
            (None, "NotRead"),
            (Some(0), "TooLong"),
            (Some(5), "TooLong"),
            (Some(6), "Whole(6 bytes)"),
        ] {
            let (read, handed) = block_on(read(stream::iter(sent.clone()), limit));
            assert_eq!(format!("{read:?}"), wanted);
            assert_eq!(block_on(handed.collect::<Chunks>()), sent);
        }
    }

    #[test]
    fn chunks_are_one_body() {
        for (sent, wanted) in [
            (body(&[]), ""),
            (body(&[Ok("one")]), "one"),
            (body(&[Ok("he"), Ok(""), Ok("llo")]), "hello"),
        ] {
            let (read, _) = block_on(read(stream::iter(sent), Some(10)));
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
        let (read, handed) = block_on(read(endless, Some(25)));
        assert!(matches!(read, BodyRead::TooLong));
        drop(handed);
        assert_eq!(asked, 3);
    }

    #[test]
    fn an_error_is_seen_by_who_reads_on() {
        let sent = body(&[Ok("he"), Err("gone")]);
        let (read, handed) = block_on(read(stream::iter(sent.clone()), Some(10)));
        assert!(matches!(read, BodyRead::NotRead));
        assert_eq!(block_on(handed.collect::<Chunks>()), sent);
    }
}
