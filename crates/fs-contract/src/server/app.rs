//! The server: control endpoints, and everything else to the present state.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use fs_core::port::HashPool;
use fs_services::hash_pool::{HashPoolSize, ThreadHashPool};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tower::ServiceExt;

use super::configure::Unservable;
use super::control::{Reset, State};
use super::operations::Failed;
use super::stores::{StoreKind, Stores};

struct Plane {
    stores: Stores,
    hash_pool: Arc<dyn HashPool>,
    state: RwLock<Option<State>>,
}

/// Serves the contract until `stop` is done.
///
/// # Errors
///
/// The store cannot be opened, or the listener failed.
pub async fn serve(
    listener: TcpListener,
    store: StoreKind,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let pool = ThreadHashPool::start(HashPoolSize { threads: 2, ..HashPoolSize::default() });
    let plane = Arc::new(Plane {
        stores: Stores::open(store).await?,
        hash_pool: Arc::new(pool.map_err(|error| error.to_string())?),
        state: RwLock::new(None),
    });
    let app = Router::new()
        .route("/__contract/reset", post(reset))
        .route("/__contract/clock", post(clock))
        .route("/__contract/store", post(store_call))
        .route("/__contract/outbox", get(outbox))
        .fallback(forward)
        .with_state(Arc::clone(&plane));
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    let served = axum::serve(listener, app).with_graceful_shutdown(stop).await;
    *plane.state.write().await = None;
    plane.stores.close().await?;
    served.map_err(|error| error.to_string())
}

fn error(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({ "error": text.into() }))).into_response()
}

async fn reset(Shared(plane): Shared<Arc<Plane>>, Json(given): Json<Reset>) -> Response {
    let mut state = plane.state.write().await;
    *state = None;
    match State::reset(given, &plane.stores, Arc::clone(&plane.hash_pool)).await {
        Ok(fresh) => {
            *state = Some(fresh);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(Unservable::Refused(text)) => error(StatusCode::UNPROCESSABLE_ENTITY, text),
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

async fn forward(Shared(plane): Shared<Arc<Plane>>, request: Request) -> Response {
    let router = plane.state.read().await.as_ref().map(|state| state.router.clone());
    match router {
        Some(router) => router.oneshot(request).await.into_response(),
        None => error(StatusCode::SERVICE_UNAVAILABLE, "reset first"),
    }
}
