//! Server on hyper that is correct except for one fault.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use fs_http::{BodyRead, BodyUse, Dispatch, Exchange, WebSecurity, catch_panic};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use http::header::{ALLOW, COOKIE, HeaderMap, HeaderValue, SET_COOKIE, UPGRADE, VARY};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};

/// Fault of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    DropsRepeatedHeaders,
    TidiesTheQuery,
    TakesHeadersForLatin1,
    BelievesEverybody,
    ForgetsThePeer,
    DropsOddCookies,
    TakesAddressesForPaths,
    StumblesOverOddHeaders,
    ForgetsVary,
    WeakensCookies,
    WeakensCookiesOfHandlers,
    AnswersMethodsItself,
    OverwritesCookies,
    TakesHeadForGet,
    DropsOrigins,
    ReadsWithoutLimit,
    ReadsToTheEnd,
    HandsOnWhatItRead,
    ReadsNoForms,
    GivesUpOnLongForms,
    HangsUpOnLongBodies,
    KeepsForms,
    ClosesConnections,
    EndsWithItsClient,
    ServesOneAtATime,
    NeverUnlocksSessions,
    LetsPanicsThrough,
    TellsPanics,
    KeepsWhatPanicsLeave,
    TellsErrors,
    TakesFailuresForNobody,
    Says401,
    SaysNoMoreThanStatus,
    ForgetsRoles,
    ForgetsUpgrades,
    AsksEachGuardAnew,
    AnswersForAnother,
    RefusesAtOnce,
    WritesNoSession,
    TakesAnswersForTexts,
    ForgetsTheHost,
}

/// Body, as a stream of chunks.
pub(crate) type Body = BoxStream<'static, Result<Bytes, hyper::Error>>;

/// Server with or without a fault.
pub(crate) struct Server {
    pub(crate) security: WebSecurity,
    pub(crate) fault: Option<Fault>,
    pub(crate) in_use: AtomicUsize,
}

pub(crate) fn start_with(fault: Option<Fault>, security: WebSecurity) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::new(Server { security, fault, in_use: AtomicUsize::new(0) });
    std::thread::spawn(|| {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            accept(TcpListener::from_std(listener).unwrap(), server).await;
        });
    });
    address
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        let (stream, peer) = listener.accept().await.unwrap();
        let connection = connection(Arc::clone(&server), stream, peer.ip());
        match server.fault {
            Some(Fault::ServesOneAtATime) => _ = connection.await,
            Some(Fault::EndsWithItsClient) => {
                if connection.await.is_err() {
                    return;
                }
            }
            _ => _ = tokio::spawn(connection),
        }
    }
}

type Served = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn connection(server: Arc<Server>, stream: TcpStream, peer: IpAddr) -> Served {
    let keep_alive = !server.is(Fault::ClosesConnections);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request, peer).await.map(Full::new)) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().keep_alive(keep_alive);
    builder.serve_connection(TokioIo::new(stream), service).await
}

impl Server {
    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Bytes> {
        let (mut head, body) = request.into_parts();
        self.spoil_head(&mut head);
        if self.is(Fault::AnswersMethodsItself) && head.method == Method::PUT {
            return status(StatusCode::METHOD_NOT_ALLOWED);
        }
        let named = head.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let named = named.and_then(|named| named.parse().ok());
        let peer = named.filter(|_| self.is(Fault::BelievesEverybody)).unwrap_or(peer);
        let peer = (!self.is(Fault::ForgetsThePeer)).then_some(peer);
        let (exchange, body) = match self.begin(&head, body, peer).await {
            Ok(opened) => opened,
            Err(mut answer) => {
                self.spoil_answer(answer.headers_mut());
                return answer;
            }
        };
        let work = self.application(&exchange, body);
        let mut answer = match self.fault {
            Some(Fault::LetsPanicsThrough) => work.await,
            Some(Fault::TellsPanics) => match AssertUnwindSafe(work).catch_unwind().await {
                Ok(answer) => answer,
                Err(panic) => {
                    let told = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    let mut answer = status(StatusCode::INTERNAL_SERVER_ERROR);
                    *answer.body_mut() = Bytes::from(told);
                    answer
                }
            },
            _ => match catch_panic(work).await {
                Ok(answer) => answer,
                Err(panicked) if self.is(Fault::KeepsWhatPanicsLeave) => panicked,
                Err(panicked) => return panicked,
            },
        };
        if self.is(Fault::WritesNoSession) {
            return answer;
        }
        if self.is(Fault::OverwritesCookies) {
            answer.headers_mut().remove(SET_COOKIE);
        }
        let mut answer = exchange.finish(answer);
        if self.is(Fault::WeakensCookiesOfHandlers) {
            weaken_cookies(answer.headers_mut());
        }
        answer
    }

    fn spoil_head(&self, head: &mut Parts) {
        match self.fault {
            Some(Fault::DropsRepeatedHeaders) => {
                let mut kept = HeaderMap::new();
                for (name, value) in &head.headers {
                    kept.insert(name.clone(), value.clone());
                }
                head.headers = kept;
            }
            Some(Fault::TakesHeadForGet) if head.method == Method::HEAD => {
                head.method = Method::GET;
            }
            Some(Fault::DropsOrigins) => {
                head.headers.remove("origin");
                head.headers.remove("sec-fetch-site");
            }
            Some(Fault::ForgetsTheHost) => {
                head.uri = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
            }
            Some(Fault::ForgetsUpgrades) => _ = head.headers.remove(UPGRADE),
            Some(Fault::TakesAddressesForPaths) if head.uri.authority().is_some() => {
                head.uri = format!("/{}", head.uri.path()).parse().unwrap();
            }
            Some(Fault::DropsOddCookies) => {
                let lines: Vec<_> = head.headers.get_all(COOKIE).iter().cloned().collect();
                head.headers.remove(COOKIE);
                for line in lines.into_iter().filter(|line| line.to_str().is_ok()) {
                    head.headers.append(COOKIE, line);
                }
            }
            Some(Fault::TidiesTheQuery) => {
                head.uri = head.uri.to_string().replace('+', "%20").parse().unwrap();
            }
            Some(Fault::TakesHeadersForLatin1) => {
                for value in head.headers.values_mut() {
                    let text: String = value.as_bytes().iter().copied().map(char::from).collect();
                    *value = HeaderValue::from_str(&text).unwrap();
                }
            }
            Some(Fault::StumblesOverOddHeaders) => {
                for value in head.headers.values() {
                    std::str::from_utf8(value.as_bytes()).expect("every header is a text");
                }
            }
            _ => {}
        }
    }

    fn spoil_answer(&self, headers: &mut HeaderMap) {
        match self.fault {
            Some(Fault::ForgetsVary) => _ = headers.remove(VARY),
            Some(Fault::AnswersMethodsItself) => _ = headers.remove(ALLOW),
            Some(Fault::WeakensCookies) => weaken_cookies(headers),
            _ => {}
        }
    }

    /// Lets the library handle the request first. Returns its answer, or the exchange and the body
    /// for the application.
    async fn begin(
        &self,
        head: &Parts,
        body: Incoming,
        peer: Option<IpAddr>,
    ) -> Result<(Exchange, Body), Response<Bytes>> {
        let (read, body) = match self.fault {
            Some(Fault::GivesUpOnLongForms) => match self.security.body_use(head) {
                BodyUse::Share { limit } => {
                    let whole = body.collect().await.unwrap().to_bytes();
                    let fits = whole.len() <= limit;
                    let read = fits.then(|| BodyRead::Whole(whole.clone()));
                    (read.unwrap_or(BodyRead::TooLong), once(whole))
                }
                _ => return self.begin_with(head, body.into_data_stream().boxed(), peer).await,
            },
            Some(Fault::HangsUpOnLongBodies) => match self.security.body_use(head) {
                BodyUse::Read { limit } if body.size_hint().lower() > limit as u64 => {
                    (BodyRead::TooLong, body.into_data_stream().boxed())
                }
                _ => return self.begin_with(head, body.into_data_stream().boxed(), peer).await,
            },
            Some(Fault::ReadsWithoutLimit) => {
                let whole = body.collect().await.unwrap().to_bytes();
                (BodyRead::Whole(whole.clone()), once(whole))
            }
            Some(Fault::ReadsNoForms)
                if matches!(self.security.body_use(head), BodyUse::Share { .. }) =>
            {
                (BodyRead::NotRead, body.into_data_stream().boxed())
            }
            Some(Fault::ReadsToTheEnd) => {
                let whole = once(body.collect().await.unwrap().to_bytes());
                return self.begin_with(head, whole, peer).await;
            }
            _ => return self.begin_with(head, body.into_data_stream().boxed(), peer).await,
        };
        let exchange = self.security.open(head, read, peer).await;
        match self.security.serve(&exchange).await {
            Some(answer) => Err(exchange.finish(answer)),
            None => Ok((exchange, body)),
        }
    }

    async fn begin_with(
        &self,
        head: &Parts,
        body: Body,
        peer: Option<IpAddr>,
    ) -> Result<(Exchange, Body), Response<Bytes>> {
        match self.security.begin(head, body, peer).await {
            Dispatch::Answered(answer) => Err(answer),
            Dispatch::Application(exchange, body) => Ok((exchange, body.boxed())),
        }
    }
}

fn weaken_cookies(headers: &mut HeaderMap) {
    let all: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for value in all {
        let weak = value.to_str().unwrap().replace("; HttpOnly", "");
        headers.append(SET_COOKIE, HeaderValue::from_str(&weak).unwrap());
    }
}

fn once(whole: Bytes) -> Body {
    stream::iter([Ok(whole)]).boxed()
}

/// Returns an answer that consists of a status only.
pub(crate) fn status(code: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = code;
    answer
}
