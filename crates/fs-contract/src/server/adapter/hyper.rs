//! The contract's routes on hyper: `fs-http` without a framework.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use fs_http::{Dispatch, Exchange, Frames, WebSecurity, catch_panic};
use futures::TryStreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use super::Stopped;
use crate::server::routes::{echo, name_of, protected, show};

/// Maximum length of a body that the application itself reads, in bytes.
const BODY_LIMIT: usize = 1 << 20;

pub(super) async fn start(security: &WebSecurity, stopped: Stopped) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener, security.clone(), stopped));
    Ok(address)
}

async fn accept(listener: TcpListener, security: WebSecurity, mut stopped: Stopped) {
    let graceful = GracefulShutdown::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => continue,
            },
            () = &mut stopped => break,
        };
        let connection = connection(&graceful, stream, security.clone(), peer.ip());
        tokio::spawn(connection);
    }
    graceful.shutdown().await;
}

/// Serves one connection. A client that disconnects ends it; this is not an error.
fn connection(
    graceful: &GracefulShutdown,
    stream: TcpStream,
    security: WebSecurity,
    peer: IpAddr,
) -> impl Future<Output = ()> + Send + use<> {
    let service = service_fn(move |request| {
        let security = security.clone();
        async move { Ok::<_, Infallible>(answer(&security, request, peer).await.map(Full::new)) }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(served);
    async move { drop(watched.await) }
}

/// Answers a request. This is the complete adapter: the library decides first, and adds its headers
/// last.
async fn answer(
    security: &WebSecurity,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let body = Frames::new(body);
    let (exchange, body) = match security.begin(&head, body, Some(peer)).await {
        Dispatch::Answered(answer) => return answer,
        Dispatch::Application(exchange, body) => (exchange, body),
    };
    let body = StreamBody::new(body.map_ok(Frame::data));
    match catch_panic(application(&exchange, body)).await {
        Ok(answer) => exchange.finish(answer),
        Err(panicked) => panicked,
    }
}

/// Runs the application, which has three kinds of answers.
async fn application<B>(exchange: &Exchange, body: B) -> Response<Bytes>
where
    B: hyper::body::Body<Data = Bytes, Error = hyper::Error> + Send,
{
    let path = exchange.request().path();
    if path == "/echo" {
        return match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => echo(exchange, &body.to_bytes()).await,
            Err(_) => exchange.failure(StatusCode::PAYLOAD_TOO_LARGE),
        };
    }
    match protected().into_iter().find(|(protected, _)| *protected == path) {
        Some((path, requirement)) => match exchange.authorize(&requirement).await {
            Ok(_) => show(name_of(path), exchange).await,
            Err(refused) => *refused,
        },
        None => missing(),
    }
}

fn missing() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(b"Not Found\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}
