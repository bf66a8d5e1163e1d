//! The layer: every request passes it before the application sees it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use fs_http::{Begun, Exchange, WebSecurity, unwound};
use http::request::Parts;
use tower::{Layer, Service, ServiceExt};

/// Puts [`SecurityService`] around a service.
#[derive(Clone, Debug)]
pub struct SecurityLayer(WebSecurity);

impl SecurityLayer {
    /// A layer for all that `security` says.
    pub fn new(security: &WebSecurity) -> Self {
        Self(security.clone())
    }
}

impl<S> Layer<S> for SecurityLayer {
    type Service = SecurityService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SecurityService { inner, security: self.0.clone() }
    }
}

/// Answers the account endpoints, and completes every answer of the application's.
#[derive(Clone, Debug)]
pub struct SecurityService<S> {
    inner: S,
    security: WebSecurity,
}

impl<S> Service<Request> for SecurityService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let unused = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, unused);
        let security = self.security.clone();
        let (parts, body) = request.into_parts();
        Box::pin(answer(security, inner, parts, body))
    }
}

async fn answer<S>(
    security: WebSecurity,
    inner: S,
    parts: Parts,
    body: Body,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible> + Send,
    S::Future: Send,
{
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if peer.is_none() {
        tell_of_no_peer();
    }
    let (exchange, body) = match security.begin(&parts, body.into_data_stream(), peer).await {
        Begun::Answered(answer) => return Ok(answer.map(Body::from)),
        Begun::Application(exchange, body) => (exchange, body),
    };
    let request = carrying(&exchange, parts, Body::from_stream(body));
    let mut response = match unwound(inner.oneshot(request)).await {
        Ok(response) => response?,
        Err(panicked) => return Ok(panicked.map(Body::from)),
    };
    Ok(match exchange.write_headers(response.headers_mut()) {
        Ok(()) => response,
        Err(failure) => failure.map(Body::from),
    })
}

/// The request as handlers find it.
fn carrying(exchange: &Exchange, mut parts: Parts, body: Body) -> Request {
    parts.extensions.insert(exchange.clone());
    Request::from_parts(parts, body)
}

/// Says once what is missing: without the address of the peer no limit of a network holds.
fn tell_of_no_peer() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            "requests come without the address of their client: serve the application with \
             into_make_service_with_connect_info::<SocketAddr>()"
        );
    });
}

/// Protects a whole application.
pub trait WithSecurity {
    /// The same application behind fs: the account endpoints are answered, and every handler can
    /// ask who calls.
    ///
    /// Call it last, after `with_state`: routes that are added to the result are not behind it. It
    /// is no part to be nested under a path; for that, see `HttpConfig::url_prefix`.
    #[must_use]
    fn with_security(self, security: &WebSecurity) -> Self;
}

impl WithSecurity for Router {
    fn with_security(self, security: &WebSecurity) -> Self {
        // Not `self.layer(..)`, which would cost less: the endpoints would be in the fallback of `self`,
        // and a router that is merged later replaces that.
        Router::new().fallback_service(SecurityLayer::new(security).layer(self))
    }
}

/// The exchange of a request, which the layer put there.
pub(crate) fn exchange_of(extensions: &http::Extensions) -> Option<&Exchange> {
    extensions.get::<Exchange>()
}
