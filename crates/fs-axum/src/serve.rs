//! HTTP/1.1 server with limits on connections and slow clients, which `axum::serve` lacks.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use http_body::Frame;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

/// Limits on the resources that clients can use.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Maximum number of concurrent connections. Further connections wait. Keep the number below
    /// the process's limit of open files (`ulimit -n`).
    pub connections: usize,
    /// Maximum time for a client to send the head of a request, counted from the end of the
    /// previous one, and maximum time without progress in the middle of a body or a response.
    pub silence: Duration,
    /// Maximum time for requests in progress to finish after the server is stopped.
    pub grace: Duration,
}

impl Default for Limits {
    /// Returns 900 connections, 30 seconds of silence and 10 seconds of grace.
    fn default() -> Self {
        let (silence, grace) = (Duration::from_secs(30), Duration::from_secs(10));
        Self { connections: 900, silence, grace }
    }
}

/// Serves an application over HTTP/1.1 until `stopped` completes, then finishes open requests.
///
/// Use it instead of `axum::serve`, which waits forever for a client that begins a request and
/// stalls. Handlers can extract `ConnectInfo` without `into_make_service_with_connect_info`.
/// WebSockets work. For HTTP/2, put a proxy in front.
///
/// ```no_run
/// use axum::Router;
/// use fs_axum::Limits;
///
/// # async fn run(app: Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// let stopped = fs_axum::stop_signal()?;
/// fs_axum::serve(listener, app, Limits::default(), stopped).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stopped: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(());
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut stopped = pin!(stopped);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = next => match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(stream, peer, app.clone(), limits, stopping.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Possibly too many open files: retry after a pause, when connections have closed.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            () = &mut stopped => break,
        }
    }
    drop(listener);
    drop(stop);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    _ = timeout(limits.grace, places.acquire_many(all)).await;
}

/// Serves one connection. A client that disconnects ends it; this is not logged as an error.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    limits: Limits,
    mut stopping: watch::Receiver<()>,
) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let timed = |body| Body::new(Timed { body, silence: limits.silence, end: None });
        let mut request: Request = request.map(timed);
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.silence);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.silence));
    let stream = TokioIo::new(Box::pin(stream));
    let served = http.serve_connection(stream, service).with_upgrades();
    let mut served = pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        // The channel carries no value: it completes when the sender is dropped.
        _ = stopping.changed() => served.as_mut().graceful_shutdown(),
    }
    _ = served.await;
}

/// Request body with a timeout for each frame.
struct Timed {
    body: hyper::body::Incoming,
    silence: Duration,
    /// Timer for the next frame; created only once the body has to wait for the client.
    end: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.end = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = Instant::now() + self.silence;
        let end = self.end.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        end.as_mut().poll(cx).map(|()| Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
