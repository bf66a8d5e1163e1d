//! Control plane: creates states, moves their clocks, and reports their data and messages.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use fs_core::port::HashPool;
use fs_services::hash_pool::{HashPoolSize, ThreadHashPool};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::adapter::ContractServer;
use super::configure::Unservable;
use super::operations::Failed;
use super::state::{Reset, State};
use super::stores::Stores;

/// State that the control plane drives.
pub(super) struct Plane {
    server: Box<dyn ContractServer>,
    stores: Stores,
    hash_pool: Arc<dyn HashPool>,
    state: RwLock<Option<State>>,
}

impl Plane {
    pub(super) fn new(
        server: Box<dyn ContractServer>,
        stores: Stores,
    ) -> Result<Arc<Self>, String> {
        let mut size = HashPoolSize::default();
        size.threads = 2;
        let pool = ThreadHashPool::start(size);
        let hash_pool = Arc::new(pool.map_err(|error| error.to_string())?);
        Ok(Arc::new(Self { server, stores, hash_pool, state: RwLock::new(None) }))
    }

    /// Returns the address of the current state's server.
    pub(super) async fn address(&self) -> Option<SocketAddr> {
        self.state.read().await.as_ref().map(|state| state.running.address)
    }

    /// Closes the state and removes all its data.
    pub(super) async fn close(&self) -> Result<(), String> {
        *self.state.write().await = None;
        self.stores.close().await
    }
}

/// Returns a router with the control endpoints.
pub(super) fn router(plane: Arc<Plane>) -> Router {
    Router::new()
        .route("/__contract/reset", post(reset))
        .route("/__contract/clock", post(clock))
        .route("/__contract/store", post(store_call))
        .route("/__contract/outbox", get(outbox))
        .fallback(async || error(StatusCode::SERVICE_UNAVAILABLE, "reset first"))
        .with_state(plane)
}

fn error(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({ "error": text.into() }))).into_response()
}

async fn reset(Shared(plane): Shared<Arc<Plane>>, Json(given): Json<Reset>) -> Response {
    let mut state = plane.state.write().await;
    *state = None;
    match State::reset(given, &*plane.server, &plane.stores, Arc::clone(&plane.hash_pool)).await {
        Ok(fresh) => {
            *state = Some(fresh);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(Unservable::Refused(text)) => error(StatusCode::UNPROCESSABLE_ENTITY, text),
        Err(Unservable::Failed(text)) => error(StatusCode::INTERNAL_SERVER_ERROR, text),
        Err(Unservable::Unsupported(text)) => error(StatusCode::NOT_IMPLEMENTED, text),
    }
}

async fn clock(Shared(plane): Shared<Arc<Plane>>, Json(call): Json<Value>) -> Response {
    let seconds = call.get("advance").and_then(Value::as_f64).unwrap_or(0.0);
    let Ok(span) = Duration::try_from_secs_f64(seconds) else {
        return error(StatusCode::BAD_REQUEST, "advance: seconds, zero or more");
    };
    match &*plane.state.read().await {
        Some(state) => {
            state.advance(span);
            StatusCode::NO_CONTENT.into_response()
        }
        None => error(StatusCode::SERVICE_UNAVAILABLE, "reset first"),
    }
}

async fn store_call(Shared(plane): Shared<Arc<Plane>>, Json(call): Json<Value>) -> Response {
    let state = plane.state.read().await;
    let Some(state) = &*state else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "reset first");
    };
    match state.store(&call).await {
        Ok(returned) => Json(json!({ "returned": returned })).into_response(),
        Err(Failed::Unknown(text)) => error(StatusCode::NOT_IMPLEMENTED, text),
        Err(Failed::Error(text)) => error(StatusCode::BAD_REQUEST, text),
    }
}

async fn outbox(Shared(plane): Shared<Arc<Plane>>) -> Response {
    let state = plane.state.read().await;
    let Some(state) = &*state else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "reset first");
    };
    match state.outbox().await {
        Ok(box_) => Json(box_).into_response(),
        Err(text) => error(StatusCode::INTERNAL_SERVER_ERROR, text),
    }
}
