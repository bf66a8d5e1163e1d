//! Reading a body for fs-http, and handing it on whole.

use axum::body::{Body, Bytes};
use fs_http::BodyRead;
use http_body_util::BodyExt;

/// Reads up to `limit` bytes. What comes back is the body as it was, read or not.
///
/// A body that ends in an error before it is whole counts as empty: whoever reads on will see the
/// error.
pub(crate) async fn read(mut body: Body, limit: usize) -> (BodyRead, Body) {
    let mut read: Vec<u8> = Vec::new();
    loop {
        match body.frame().await {
            None => {
                let whole = Bytes::from(read);
                return (BodyRead::Whole(whole.clone()), Body::from(whole));
            }
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                read.extend_from_slice(&data);
                if read.len() > limit {
                    return (BodyRead::TooLong, prepend(read, body));
                }
            }
            Some(Err(error)) => {
                let failed = futures::stream::once(async move { Err::<Bytes, _>(error) });
                return (BodyRead::NotRead, Body::from_stream(failed));
            }
        }
    }
}

fn prepend(read: Vec<u8>, rest: Body) -> Body {
    let first = futures::stream::once(async move { Ok::<_, axum::Error>(Bytes::from(read)) });
    Body::from_stream(futures::StreamExt::chain(first, rest.into_data_stream()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_handed_on() {
        futures::executor::block_on(async {
            for limit in [3, 100] {
                let (read, body) = read(Body::from("hello"), limit).await;
                assert_eq!(matches!(read, BodyRead::TooLong), limit == 3);
                assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
            }
        });
    }
}
