//! Error type of a refused request.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use fs_http::{Exchange, Refusal};

use crate::convert;

/// Error of an extractor that refused a request. The response is built only when it is needed: with
/// an `Option`, a refusal is not an error.
#[derive(Debug)]
pub struct Refused(Option<(Exchange, Refusal)>);

impl Refused {
    pub(crate) fn new(exchange: Exchange, refusal: Refusal) -> Self {
        Self(Some((exchange, refusal)))
    }

    /// Creates the error for an app without [`SecurityMiddleware`](crate::SecurityMiddleware).
    pub(crate) fn unprotected() -> Self {
        tracing::error!("fs-actix is used without SecurityMiddleware around the application");
        Self(None)
    }

    /// Returns the reason, or `None` if the application lacks the middleware.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.as_ref().map(|(_, refusal)| refusal)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal() {
            Some(refusal) => refusal.fmt(f),
            None => f.write_str("there is no SecurityMiddleware around the application"),
        }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        let status = self.refusal().map(|refusal| refusal.status().as_u16());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            Some((exchange, refusal)) => convert::response(exchange.refuse(refusal)),
            None => HttpResponse::new(self.status_code()),
        }
    }
}
