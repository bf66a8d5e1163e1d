//! Server on hyper: `fs-http` without a framework.
//!
//! `answer` is the complete adapter. The rest is what every server needs: routes, limits, graceful
//! shutdown.

mod notes;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fs_http::{Dispatch, WebSecurity, catch_panic};
use futures::TryStreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;

pub use notes::{LONGEST, Notes};

/// Limits on the resources that clients can use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of concurrent connections. Further connections wait.
    pub connections: usize,
    /// Maximum time for a client to send the head of a request, again for the whole request, and
    /// without progress in the middle of a response.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 900, patience: Duration::from_secs(30) }
    }
}

/// Maximum time for requests in progress to finish after the server is stopped.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stopped` completes, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    security: WebSecurity,
    notes: Notes,
    limits: Limits,
    stopped: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    tokio::pin!(stopped);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = next => match accepted {
                Ok((stream, peer)) => {
                    let (security, notes) = (security.clone(), notes.clone());
                    let patience = limits.patience;
                    let served = connection(&graceful, stream, security, notes, peer.ip(), patience);
                    tokio::spawn(async move {
                        served.await;
                        drop(place);
                    });
                }
                // Possibly too many open files: retry after a pause, when connections have closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            () = &mut stopped => break,
        }
    }
    drop(listener);
    _ = timeout(GRACE, graceful.shutdown()).await;
}

/// Serves one connection. A client that disconnects ends it; this is not an error.
fn connection(
    graceful: &GracefulShutdown,
    stream: TcpStream,
    security: WebSecurity,
    notes: Notes,
    peer: IpAddr,
    patience: Duration,
) -> impl Future<Output = ()> + Send + use<> {
    let service = service_fn(move |request| {
        let (security, notes) = (security.clone(), notes.clone());
        async move {
            let answer = timeout(patience, answer(&security, &notes, request, peer)).await;
            let answer = answer.unwrap_or_else(|_| plain(StatusCode::REQUEST_TIMEOUT));
            Ok::<_, Infallible>(answer.map(Full::new))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience));
    let stream = TokioIo::new(Box::pin(stream));
    let served = graceful.watch(http.serve_connection(stream, service));
    async move { _ = served.await }
}

/// Answers a request. This is the adapter: the library decides first, and adds its headers last.
async fn answer(
    security: &WebSecurity,
    notes: &Notes,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let body = Box::pin(body.into_data_stream());
    let (exchange, body) = match security.begin(&head, body, Some(peer)).await {
        Dispatch::Answered(answer) => return answer,
        Dispatch::Application(exchange, body) => (exchange, body),
    };
    let body = StreamBody::new(body.map_ok(Frame::data));
    match catch_panic(notes.answer(&exchange, body)).await {
        Ok(answer) => exchange.finish(answer),
        Err(panicked) => panicked,
    }
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}
