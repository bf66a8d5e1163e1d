//! Converts responses of `fs-http` to axum's.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};

/// Response made by the [`Exchange`](fs_http::Exchange) that a handler can return: a page, JSON, a
/// redirect or the prompt for a second factor.
///
/// ```
/// use fs_axum::{Answer, CurrentUser, Auth};
/// use http::StatusCode;
/// use serde_json::json;
///
/// async fn profile(user: CurrentUser, auth: Auth) -> Answer {
///     Answer(auth.json(StatusCode::OK, json!({ "email": user.email }), Some(&user)))
/// }
/// # let _ = axum::routing::get::<_, _, ()>(profile);
/// ```
#[derive(Debug)]
pub struct Answer(pub http::Response<Bytes>);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.0.map(Body::from)
    }
}
