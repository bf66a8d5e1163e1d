//! Middleware that runs before the application on every request.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::error::{ErrorBadRequest, InternalError};
use actix_web::{Error, HttpMessage, HttpResponse};
use fs_http::{Dispatch, Exchange, WebSecurity, catch_panic};
use futures::future::LocalBoxFuture;

use crate::convert;

/// Middleware that answers the account endpoints and adds headers, such as cookies, to every
/// response. Wrap the application in it last, outside of middleware that needs the current user.
#[derive(Clone, Debug)]
pub struct SecurityMiddleware(WebSecurity);

impl SecurityMiddleware {
    /// Creates middleware for the given security.
    pub fn new(security: &WebSecurity) -> Self {
        Self(security.clone())
    }
}

impl<S, B> Transform<S, ServiceRequest> for SecurityMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = SecurityService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(SecurityService { inner: Rc::new(service), security: self.0.clone() }))
    }
}

/// Service that answers the account endpoints and adds headers, such as cookies, to every response.
#[derive(Debug)]
pub struct SecurityService<S> {
    inner: Rc<S>,
    security: WebSecurity,
}

impl<S, B> Service<ServiceRequest> for SecurityService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, security) = (Rc::clone(&self.inner), self.security.clone());
        Box::pin(async move { answer(&security, &*inner, request).await })
    }
}

async fn answer<S, B>(
    security: &WebSecurity,
    inner: &S,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    if request.extensions().contains::<Exchange>() {
        // The middleware is applied twice: the outer one answers, and adds the headers.
        return Ok(inner.call(request).await?.map_into_left_body());
    }
    let Some(head) = convert::head(request.head()) else {
        return Err(ErrorBadRequest("Bad Request"));
    };
    let peer = request.peer_addr().map(|address| address.ip());
    let (exchange, body) = match security.begin(&head, request.take_payload(), peer).await {
        Dispatch::Answered(answer) => {
            let answer = convert::response(answer).map_into_right_body();
            return Ok(request.into_response(answer));
        }
        Dispatch::Application(exchange, body) => (exchange, body),
    };
    request.set_payload(match body.into_untouched() {
        Ok(payload) => payload,
        Err(replayed) => Payload::Stream { payload: Box::pin(replayed) },
    });
    request.extensions_mut().insert(exchange.clone());
    // Keeps no clone of the request: actix-web needs exclusive access to it for routing.
    let answered = catch_panic(async move { inner.call(request).await }).await;
    let failed = |response| InternalError::from_response("answered", response).into();
    match answered {
        Ok(Ok(mut response)) => match complete(&exchange, response.response_mut()) {
            None => Ok(response.map_into_left_body()),
            Some(instead) => Ok(response.into_response(instead.map_into_right_body())),
        },
        Ok(Err(error)) => {
            let mut response = error.error_response();
            Err(failed(complete(&exchange, &mut response).unwrap_or(response)))
        }
        Err(panicked) => Err(failed(convert::response(panicked))),
    }
}

/// Adds the headers to a response. Returns a response to send instead if that fails.
fn complete<B>(exchange: &Exchange, response: &mut HttpResponse<B>) -> Option<HttpResponse> {
    let mut headers = http::HeaderMap::new();
    match exchange.write_headers(&mut headers) {
        Ok(()) => {
            convert::append(response.headers_mut(), &headers);
            None
        }
        Err(failure) => Some(convert::response(*failure)),
    }
}
