//! The layer: every request passes it before the application sees it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, NestedPath, Request};
use axum::response::{IntoResponse, Response};
use fs_http::{Begun, Exchange, WebSecurity, unwound};
use http::StatusCode;
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
    if exchange_of(&parts.extensions).is_some() {
        // A layer within a layer: the outer one answers, and completes the answer.
        return inner.oneshot(Request::from_parts(parts, body)).await;
    }
    if parts.extensions.get::<NestedPath>().is_some() {
        tell_of_nesting();
        return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
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

/// Says once that no request is answered: below a path, neither links nor redirects would be right.
fn tell_of_nesting() {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::error!(
            "with_security was called on a router that is nested below a path, so its requests are \
             answered 500: call it on the outermost router, and say in HttpConfig::url_prefix where \
             the account endpoints are"
        );
    });
}

/// Protects a whole application.
pub trait WithSecurity {
    /// The same application behind fs: the account endpoints are answered, and every handler can
    /// ask who calls.
    ///
    /// Call it last, after `with_state`: routes that are added to the result are not behind it. What
    /// must reach the account endpoints as well, such as a CORS layer, is added after it. A router
    /// that is nested below a path is no place for it: its requests are answered 500, and the log
    /// says why; see `HttpConfig::url_prefix`.
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
