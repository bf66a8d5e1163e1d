//! Guards for scopes, resources and whole applications.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage};
use fs_core::authz::Requirement;
use fs_http::Exchange;
use futures::future::LocalBoxFuture;

use crate::convert;
use crate::refused::Refused;

/// Returns middleware that rejects requests that do not meet `requirement`. Use it with `wrap`.
pub fn require(requirement: impl Into<Requirement>) -> Require {
    Require(Arc::new(requirement.into()))
}

/// Middleware that applies [`RequireService`]. Create one with [`require`].
#[derive(Clone, Debug)]
pub struct Require(Arc<Requirement>);

impl<S, B> Transform<S, ServiceRequest> for Require
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = RequireService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let requirement = Arc::clone(&self.0);
        ready(Ok(RequireService { inner: Rc::new(service), requirement }))
    }
}

/// Service that rejects requests that do not meet a requirement.
#[derive(Debug)]
pub struct RequireService<S> {
    inner: Rc<S>,
    requirement: Arc<Requirement>,
}

impl<S, B> Service<ServiceRequest> for RequireService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, requirement) = (Rc::clone(&self.inner), Arc::clone(&self.requirement));
        Box::pin(async move {
            let exchange = request.extensions().get::<Exchange>().cloned();
            let exchange = exchange.ok_or_else(Refused::unprotected)?;
            match exchange.check(&requirement).await {
                Ok(_) => Ok(inner.call(request).await?.map_into_left_body()),
                // Returned as a response, because `ErrorHandlers` do not see errors of middleware.
                Err(refusal) => {
                    let answer = convert::response(exchange.refuse(&refusal));
                    Ok(request.into_response(answer.map_into_right_body()))
                }
            }
        })
    }
}
