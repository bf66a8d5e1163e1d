//! Application in which every signed-in user has one note.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fs_core::authz::Requirement;
use fs_core::model::UserId;
use fs_http::Exchange;
use http::header::ALLOW;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::json;

/// Maximum length of a note, in bytes.
pub const LONGEST: usize = 4_096;

/// Notes by user. Clones share their notes.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<HashMap<UserId, String>>>);

impl Notes {
    /// Answers a request of the application's routes.
    pub(crate) async fn answer<B>(&self, exchange: &Exchange, body: B) -> Response<Bytes>
    where
        B: hyper::body::Body<Data = Bytes, Error = hyper::Error> + Send,
    {
        let request = exchange.request();
        let answer = match (request.path(), request.method.as_str()) {
            ("/", "GET" | "HEAD") => home(exchange).await,
            ("/note", "GET" | "HEAD") => self.show(exchange).await,
            ("/note", "POST") => self.write(exchange, body).await,
            ("/", _) => Ok(not_allowed(exchange, "GET, HEAD")),
            ("/note", _) => Ok(not_allowed(exchange, "GET, HEAD, POST")),
            _ => Ok(exchange.failure(StatusCode::NOT_FOUND)),
        };
        answer.unwrap_or_else(|refused| *refused)
    }

    async fn show(&self, exchange: &Exchange) -> Result<Response<Bytes>, Box<Response<Bytes>>> {
        let caller = signed_in(exchange).await?;
        let note = self.all().get(&caller).cloned().unwrap_or_default();
        Ok(exchange.json(StatusCode::OK, json!({ "note": note }), None))
    }

    /// Stores a note. `authorize` also checks the CSRF token of a request that writes.
    async fn write<B>(
        &self,
        exchange: &Exchange,
        body: B,
    ) -> Result<Response<Bytes>, Box<Response<Bytes>>>
    where
        B: hyper::body::Body<Data = Bytes, Error = hyper::Error> + Send,
    {
        let caller = signed_in(exchange).await?;
        let Ok(body) = Limited::new(body, LONGEST).collect().await else {
            return Ok(exchange.failure(StatusCode::PAYLOAD_TOO_LARGE));
        };
        let Ok(note) = String::from_utf8(body.to_bytes().into()) else {
            return Ok(exchange.failure(StatusCode::BAD_REQUEST));
        };
        self.all().insert(caller, note);
        Ok(exchange.json(StatusCode::OK, json!({}), None))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<UserId, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the public page.
async fn home(exchange: &Exchange) -> Result<Response<Bytes>, Box<Response<Bytes>>> {
    let caller = exchange.authorize(&Requirement::anyone()).await?;
    let name = caller.map_or("stranger".to_owned(), |caller| caller.user.email.clone());
    Ok(exchange.json(StatusCode::OK, json!({ "hello": name }), None))
}

/// Returns the caller's id. If the caller is not signed in, returns the answer as an error: a
/// redirect to the sign-in page, or 401.
async fn signed_in(exchange: &Exchange) -> Result<UserId, Box<Response<Bytes>>> {
    let caller = exchange.authorize(&Requirement::signed_in()).await?;
    let id = caller.map(|caller| caller.user.id.clone());
    id.ok_or_else(|| Box::new(exchange.failure(StatusCode::UNAUTHORIZED)))
}

fn not_allowed(exchange: &Exchange, methods: &'static str) -> Response<Bytes> {
    let mut answer = exchange.failure(StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}
