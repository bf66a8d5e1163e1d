//! Converts panics of the application's code to answers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use futures::FutureExt;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

/// Runs code of the application. A panic in it becomes an answer with status 500 and no details;
/// the connection and other requests are not affected. Rust's panic hook prints the panic to
/// standard error.
///
/// The answer sets no cookies, since the state of the session is unknown.
///
/// # Errors
///
/// Returns the answer to send if the code panicked.
#[expect(clippy::result_large_err, reason = "an answer is what it is for, and it is not kept")]
pub fn catch_panic<T>(
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Response<Bytes>>> {
    // Whatever the work held is dropped with it. What outlives it, the exchange's state, is locked
    // for single assignments and for closures that read or change one value. No `async fn`: its
    // future would hold the work twice.
    AssertUnwindSafe(work).catch_unwind().map(|done| done.map_err(|_| told_nothing()))
}

fn told_nothing() -> Response<Bytes> {
    // A log that cannot be written may be what panicked.
    let _ = catch_unwind(|| tracing::error!("the request panicked"));
    let mut answer = Response::new(Bytes::from_static(b"Internal Server Error\n"));
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_nothing() {
        let answer = futures::executor::block_on(catch_panic(async { panic!("the secret is 42") }));
        let answer: Response<Bytes> = answer.map(|(): ()| ()).unwrap_err();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.body(), "Internal Server Error\n");
        assert_eq!(futures::executor::block_on(catch_panic(async { 7 })).unwrap(), 7);
    }
}
