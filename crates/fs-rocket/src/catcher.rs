//! Catchers that answer refused requests.
//!
//! A Rocket guard can only return a status, and for `Option<CurrentUser>` a refusal is not an
//! error. So a guard records the reason, and the catcher builds the response only if it is needed.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fs_http::Refusal;
use rocket::catcher::{Catcher, Handler, Result};
use rocket::http::Status;
use rocket::{Build, Request, Rocket, async_trait};

use crate::convert;
use crate::gate::exchange_of;

/// Reason for which the last guard of a request refused it.
#[derive(Default)]
struct Noted(Mutex<Option<Arc<Refusal>>>);

/// Stores a refusal for the catcher, and returns the guard's error.
pub(crate) fn note(request: &Request<'_>, refusal: Refusal) -> (Status, Arc<Refusal>) {
    let refusal = Arc::new(refusal);
    let noted = request.local_cache(Noted::default);
    *noted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&refusal));
    (Status::new(refusal.status().as_u16()), refusal)
}

/// Returns the catchers for the statuses that the application does not catch itself.
pub(crate) fn missing_in(rocket: &Rocket<Build>) -> Vec<Catcher> {
    let at_root = |catcher: &&Catcher| catcher.base.path() == "/";
    let own: Vec<_> = rocket.catchers().filter(at_root).map(|catcher| catcher.code).collect();
    let ours = Refusal::STATUSES.into_iter().map(|status| status.as_u16());
    let ours = ours.filter(|code| !own.contains(&Some(*code)));
    ours.map(|code| Catcher::new(code, Refuser)).collect()
}

/// Catcher that answers with the recorded refusal, or with the status alone if none is recorded.
#[derive(Clone)]
struct Refuser;

#[async_trait]
impl Handler for Refuser {
    async fn handle<'r>(&self, status: Status, request: &'r Request<'_>) -> Result<'r> {
        let code = http::StatusCode::from_u16(status.code).map_err(|_| status)?;
        let Some(exchange) = exchange_of(request) else {
            // Rocket could not parse the request, so it never reached the gate.
            let reason = code.canonical_reason().unwrap_or("Error");
            let mut answer = http::Response::new(Bytes::from_static(reason.as_bytes()));
            *answer.status_mut() = code;
            return Ok(convert::response(answer));
        };
        let noted = request.local_cache(Noted::default);
        let noted = noted.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(convert::response(match noted.filter(|refusal| refusal.status() == code) {
            Some(refusal) => exchange.refuse(&refusal),
            None => exchange.failure(code),
        }))
    }
}
