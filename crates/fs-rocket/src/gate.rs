//! The first route of all: every request passes it before the application's routes see it.

use std::sync::OnceLock;

use bytes::Bytes;
use fs_http::{BodyRead, BodyUse, Exchange, WebSecurity};
use rocket::data::{ByteUnit, Data};
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Request, async_trait};

use crate::convert;

/// Before every route that an application ranks itself.
const FIRST: isize = -1_000_000;
/// How much Rocket lets one see of a body that it hands on.
const PEEK: usize = 512;

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

/// Answers the account endpoints, and lets everything else through.
#[derive(Clone)]
struct Gate(WebSecurity);

/// The exchange of a request, once the gate has opened it.
#[derive(Default)]
struct Opened(OnceLock<Exchange>);

/// The exchange of a request, which the gate put there.
pub(crate) fn exchange_of<'r>(request: &'r Request<'_>) -> Option<&'r Exchange> {
    request.local_cache(Opened::default).0.get()
}

/// The gate, as a route for every method and path.
pub(crate) fn routes(security: &WebSecurity) -> Vec<Route> {
    let route = |method| Route::ranked(FIRST, method, "/<path..>", Gate(security.clone()));
    METHODS.into_iter().map(route).collect()
}

#[async_trait]
impl Handler for Gate {
    async fn handle<'r>(&self, request: &'r Request<'_>, mut data: Data<'r>) -> Outcome<'r> {
        let opened = request.local_cache(Opened::default);
        if opened.0.get().is_some() {
            // The same request once more: Rocket tries HEAD again as GET.
            return Outcome::forward(data, Status::NotFound);
        }
        let Some(head) = convert::head(request) else {
            return Outcome::error(Status::BadRequest);
        };
        let (read, data) = match self.0.body_use(&head) {
            BodyUse::Leave => (BodyRead::NotRead, Some(data)),
            BodyUse::Read { limit } => (read(data, limit).await, None),
            BodyUse::Share { .. } => (peek(&mut data).await, Some(data)),
        };
        let peer = request.remote().map(|address| address.ip());
        let exchange = self.0.open(&head, read, peer).await;
        let exchange = opened.0.get_or_init(|| exchange);
        match (self.0.serve(exchange).await, data) {
            (Some(answer), _) => Outcome::Success(convert::response(answer)),
            (None, Some(data)) => Outcome::forward(data, Status::NotFound),
            // Whose body is read whole is answered.
            (None, None) => Outcome::error(Status::InternalServerError),
        }
    }
}

async fn read(data: Data<'_>, limit: usize) -> BodyRead {
    match data.open(ByteUnit::from(limit)).into_bytes().await {
        Ok(body) if body.is_complete() => BodyRead::Whole(Bytes::from(body.into_inner())),
        Ok(_) => BodyRead::TooLong,
        Err(_) => BodyRead::NotRead,
    }
}

async fn peek(data: &mut Data<'_>) -> BodyRead {
    let start = Bytes::copy_from_slice(data.peek(PEEK).await);
    match data.peek_complete() {
        true => BodyRead::Whole(start),
        false => BodyRead::Beginning(start),
    }
}
