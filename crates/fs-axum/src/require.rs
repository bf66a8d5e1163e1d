//! Route guards.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use fs_core::authz::Requirement;
use http::StatusCode;
use tower::{Layer, Service, ServiceExt};

use crate::service::exchange_of;

/// Returns a layer that rejects requests that do not meet `requirement`. Use it with `route_layer`.
pub fn require(requirement: impl Into<Requirement>) -> RequireLayer {
    RequireLayer(Arc::new(requirement.into()))
}

/// Layer that applies [`Require`]. Create one with [`require`].
#[derive(Clone, Debug)]
pub struct RequireLayer(Arc<Requirement>);

impl<S> Layer<S> for RequireLayer {
    type Service = Require<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Require { inner, requirement: Arc::clone(&self.0) }
    }
}

/// Service that rejects requests that do not meet a requirement.
#[derive(Clone, Debug)]
pub struct Require<S> {
    inner: S,
    requirement: Arc<Requirement>,
}

impl<S> Service<Request> for Require<S>
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
        let requirement = Arc::clone(&self.requirement);
        Box::pin(async move {
            let Some(exchange) = exchange_of(request.extensions()).cloned() else {
                tracing::error!("require() was used outside of Router::with_security");
                return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
            };
            match exchange.authorize(&requirement).await {
                Ok(_) => inner.oneshot(request).await,
                Err(refused) => Ok(refused.map(Body::from)),
            }
        })
    }
}
