//! Requests to an axum router, without a socket.

mod ours;
mod peer;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

pub(crate) use ours::{anonymous, role, sqlite, token, unused_session};
pub(crate) use peer::axum_login;

use crate::Outcome;
use crate::accounts::EMAIL;
use crate::subject::{Subject, check_page, check_refusal};

/// Router with one page that is requested.
struct Page<Guard> {
    runtime: Runtime,
    app: Router,
    credentials: Option<(HeaderName, HeaderValue)>,
    /// Whatever must live as long as the router.
    _guard: Guard,
}

impl<Guard> Subject for Page<Guard> {
    fn perform(&mut self) -> Outcome<()> {
        let answer = request(&self.app, self.credentials.as_ref());
        let (status, body) = self.runtime.block_on(answer)?;
        check_page(status.as_u16(), &body)
    }
}

/// Creates a subject whose page anybody can open.
pub(crate) fn bare() -> Outcome<Box<dyn Subject>> {
    let app = Router::new().route("/page", get(async || EMAIL.to_owned()));
    page(runtime()?, app, None, ())
}

fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn page<Guard: 'static>(
    runtime: Runtime,
    app: Router,
    credentials: Option<(HeaderName, HeaderValue)>,
    guard: Guard,
) -> Outcome<Box<dyn Subject>> {
    Ok(Box::new(Page { runtime, app, credentials, _guard: guard }))
}

/// Creates a subject whose page must refuse requests without credentials.
fn protected_page<Guard: 'static>(
    runtime: Runtime,
    app: Router,
    credentials: (HeaderName, HeaderValue),
    guard: Guard,
) -> Outcome<Box<dyn Subject>> {
    let (status, _) = runtime.block_on(request(&app, None))?;
    check_refusal(status.as_u16())?;
    page(runtime, app, Some(credentials), guard)
}

async fn request(
    app: &Router,
    credentials: Option<&(HeaderName, HeaderValue)>,
) -> Outcome<(StatusCode, Bytes)> {
    let mut request = Request::get("/page").body(Body::empty())?;
    if let Some((name, value)) = credentials {
        request.headers_mut().insert(name, value.clone());
    }
    let answer = app.clone().oneshot(request).await?;
    Ok((answer.status(), answer.into_body().collect().await?.to_bytes()))
}
