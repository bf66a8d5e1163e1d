//! Route guards.

use std::sync::Arc;

use fs_core::authz::Requirement;
use rocket::data::Data;
use rocket::http::Status;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Request, async_trait};

use crate::catcher;
use crate::gate::exchange_of;

/// Returns guarded routes, to be mounted: they reject requests that do not meet `requirement`.
pub fn require(requirement: impl Into<Requirement>, routes: Vec<Route>) -> Vec<Route> {
    let requirement = Arc::new(requirement.into());
    let guarded = |mut route: Route| {
        let (inner, requirement) = (route.handler, Arc::clone(&requirement));
        route.handler = Box::new(Guarded { inner, requirement });
        route
    };
    routes.into_iter().map(guarded).collect()
}

/// Handler that rejects requests that do not meet a requirement.
#[derive(Clone)]
struct Guarded {
    inner: Box<dyn Handler>,
    requirement: Arc<Requirement>,
}

#[async_trait]
impl Handler for Guarded {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Some(exchange) = exchange_of(request) else {
            tracing::error!("require() is used, but no SecurityFairing is attached");
            return Outcome::error(Status::InternalServerError);
        };
        match exchange.check(&self.requirement).await {
            Ok(_) => self.inner.handle(request, data).await,
            Err(refusal) => Outcome::error(catcher::note(request, refusal).0),
        }
    }
}
