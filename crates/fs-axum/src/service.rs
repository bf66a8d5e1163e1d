//! Layer that runs before the application on every request.

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
use fs_http::{Dispatch, Exchange, Frames, WebSecurity, catch_panic};
use http::StatusCode;
use http::request::Parts;
use tower::{Layer, Service, ServiceExt};

/// Layer that applies [`SecurityService`].
#[derive(Clone, Debug)]
pub struct SecurityLayer(WebSecurity);

impl SecurityLayer {
    /// Creates a layer for the given security.
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

/// Service that answers the account endpoints and adds headers, such as cookies, to every response.
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
    mut parts: Parts,
    body: Body,
) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible> + Send,
    S::Future: Send,
{
    if exchange_of(&parts.extensions).is_some() {
        // The layer is applied twice: the outer one answers, and adds the headers.
        return inner.oneshot(Request::from_parts(parts, body)).await;
    }
    if parts.extensions.get::<NestedPath>().is_some() {
        tell_of_nesting();
        return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let (exchange, body) = match security.begin(&parts, Frames::new(body), peer).await {
        Dispatch::Answered(answer) => return Ok(answer.map(Body::from)),
        Dispatch::Application(exchange, body) => (exchange, body),
    };
    let body = body.into_untouched().map_or_else(Body::from_stream, Frames::into_inner);
    parts.extensions.insert(exchange.clone());
    let request = Request::from_parts(parts, body);
    let mut response = match catch_panic(inner.oneshot(request)).await {
        Ok(response) => response?,
        Err(panicked) => return Ok(panicked.map(Body::from)),
    };
    Ok(match exchange.write_headers(response.headers_mut()) {
        Ok(()) => response,
        Err(failure) => failure.map(Body::from),
    })
}

/// Logs once that a nested router rejects every request: its links and redirects would be wrong.
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

/// Extension of [`Router`] that adds fs to a whole application.
pub trait WithSecurity {
    /// Wraps the application in a [`SecurityLayer`], which answers the account endpoints and
    /// enables the extractors of this crate.
    ///
    /// Call this last, after `with_state`: routes that are added to the result are not protected.
    /// Add layers that must also cover the account endpoints, such as CORS, after it. Do not call
    /// it on a router that is nested below a path: it answers every request with 500, and the log
    /// says why. See `HttpConfig::url_prefix`.
    #[must_use]
    fn with_security(self, security: &WebSecurity) -> Self;
}

impl WithSecurity for Router {
    fn with_security(self, security: &WebSecurity) -> Self {
        // `self.layer(..)` would be cheaper, but then the endpoints would live in the fallback of
        // `self`, which a later `merge` replaces.
        Router::new().fallback_service(SecurityLayer::new(security).layer(self))
    }
}

/// Returns the exchange that the layer stored in the request.
pub(crate) fn exchange_of(extensions: &http::Extensions) -> Option<&Exchange> {
    extensions.get::<Exchange>()
}
