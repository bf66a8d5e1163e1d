//! Gate: the first route, which every request passes before the application's routes.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use fs_http::{BodyRead, BodyUse, Exchange, WebSecurity};
use rocket::data::{ByteUnit, Data, DataStream};
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::tokio::io::AsyncReadExt;
use rocket::tokio::time::timeout;
use rocket::{Request, async_trait};

use crate::convert;

/// Rank of the gate, which sorts it before every route of an application.
const FIRST: isize = -1_000_000;
/// Number of bytes of a body that Rocket lets a route peek at before it forwards the request.
const PEEK: usize = 512;

/// Limits for discarding the rest of a body that is too long: bytes, total time, and maximum
/// silence of the client.
const DRAINED: u64 = 8 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);
const DRAIN_SILENCE: Duration = Duration::from_secs(1);

const METHODS: [Method; 9] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Connect,
];

/// Handler that answers the account endpoints and forwards all other requests.
#[derive(Clone)]
struct Gate(WebSecurity);

/// Exchange of a request, set by the gate.
#[derive(Default)]
struct Opened(OnceLock<Exchange>);

/// Returns the exchange that the gate stored in the request.
pub(crate) fn exchange_of<'r>(request: &'r Request<'_>) -> Option<&'r Exchange> {
    request.local_cache(Opened::default).0.get()
}

/// Returns routes for the gate that match every method and path.
pub(crate) fn routes(security: &WebSecurity) -> Vec<Route> {
    let route = |method| Route::ranked(FIRST, method, "/<path..>", Gate(security.clone()));
    METHODS.into_iter().map(route).collect()
}

#[async_trait]
impl Handler for Gate {
    async fn handle<'r>(&self, request: &'r Request<'_>, mut data: Data<'r>) -> Outcome<'r> {
        let opened = request.local_cache(Opened::default);
        if opened.0.get().is_some() {
            // Rocket retries HEAD as GET, so the gate sees the same request again.
            return Outcome::forward(data, Status::NotFound);
        }
        let Some(head) = convert::head(request) else {
            return Outcome::error(Status::BadRequest);
        };
        let within = self.0.config().body_timeout;
        let (read, data) = match self.0.body_use(&head) {
            BodyUse::Leave => (BodyRead::NotRead, Some(data)),
            // Boxed: else every request would carry their room, with that of a buffer.
            BodyUse::Read { limit } => (Box::pin(in_time(within, read(data, limit))).await, None),
            BodyUse::Share { .. } => (Box::pin(in_time(within, peek(&mut data))).await, Some(data)),
        };
        let peer = request.remote().map(|address| address.ip());
        let exchange = self.0.open(&head, read, peer).await;
        let exchange = opened.0.get_or_init(|| exchange);
        match (self.0.serve(exchange).await, data) {
            (Some(answer), _) => Outcome::Success(convert::response(answer)),
            (None, Some(data)) => Outcome::forward(data, Status::NotFound),
            // Unreachable: a request whose body is read completely is answered.
            (None, None) => Outcome::error(Status::InternalServerError),
        }
    }
}

async fn in_time(within: Option<Duration>, reading: impl Future<Output = BodyRead>) -> BodyRead {
    match within {
        Some(within) => timeout(within, reading).await.unwrap_or(BodyRead::TooSlow),
        None => reading.await,
    }
}

async fn read(data: Data<'_>, limit: usize) -> BodyRead {
    let mut data = data.open(ByteUnit::max_value());
    let mut body = Vec::new();
    let mut start = (&mut data).take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    match start.read_to_end(&mut body).await {
        Ok(_) if body.len() <= limit => BodyRead::Whole(Bytes::from(body)),
        Ok(_) => {
            drain(data).await;
            BodyRead::TooLong
        }
        Err(_) => BodyRead::NotRead,
    }
}

/// Reads and discards the rest of a body that is too long, within limits. Many clients read the
/// response only after they sent everything, and lose it if the connection is closed before that.
async fn drain(data: DataStream<'_>) {
    let mut rest = data.take(DRAINED);
    let mut chunk = [0; 8 * 1024];
    let drained =
        async { while let Ok(Ok(1..)) = timeout(DRAIN_SILENCE, rest.read(&mut chunk)).await {} };
    _ = timeout(DRAIN_TIME, drained).await;
}

async fn peek(data: &mut Data<'_>) -> BodyRead {
    let start = Bytes::copy_from_slice(data.peek(PEEK).await);
    match data.peek_complete() {
        true => BodyRead::Whole(start),
        false => BodyRead::Beginning(start),
    }
}
